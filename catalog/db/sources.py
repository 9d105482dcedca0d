"""Sources of lessons: a version of the video comes in, is tried again, is called off.

Each function does its part of the caller's transaction; together with the row that it acts on, it
writes the work that the transcoder takes up. Locks go lesson first, then work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql
from psycopg.types.json import Jsonb

from catalog.db.pool import Connection
from catalog.errors import Conflict, NotFound
from catalog.lesson import PLAYING, LessonInput, LessonState, step

FRESH, BACKLOG = "fresh", "backlog"
FIRST_UNIT = "prepare"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source whose bytes are in the object store under key."""

    lesson: str
    generation: int
    key: str
    filename: str
    size_bytes: int
    priority: str = FRESH


@dataclass(frozen=True, slots=True)
class NewLesson:
    """What a new lesson is besides its source; fields are checked by catalog/metadata.py."""

    fields: Mapping[str, Any]
    owner_id: str | None
    import_key: str | None = None


async def add_lesson(connection: Connection, new: NewLesson, source: StoredSource) -> bool:
    """Insert a lesson with its first source and work; False when it is there already.

    What has left the registry since the fields were checked is left out: the video matters more.
    """
    fields = await _still_there(connection, new.fields)
    values = {
        **fields, "id": source.lesson, "owner_id": new.owner_id, "state": "queued",
        "import_key": new.import_key, "generation": 1,
    }  # fmt: skip
    query = sql.SQL("insert into lesson ({}) values ({}) on conflict do nothing").format(
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    if (await connection.execute(query, values)).rowcount == 0:
        return False
    await _add_source(connection, source)
    return True


_REGISTRY: Mapping[str, LiteralString] = {
    "series_id": "select from series where id = %s for key share",
    "school_id": "select from school where id = %s for key share",
    "teacher_id": "select from person where id = %s for key share",
}


async def _still_there(connection: Connection, fields: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(fields)
    for name, query in _REGISTRY.items():
        if found.get(name):
            cursor = await connection.execute(query, (found[name],))
            found[name] = found[name] if cursor.rowcount else None
    return found


async def next_generation(connection: Connection, lesson: str) -> int:
    """Lock the lesson and give the generation that a new version of it takes: never one again.

    Raises: NotFound when the lesson is gone.
    """
    await _locked(connection, lesson)
    row = await (
        await connection.execute(
            "select 1 + greatest((select generation from lesson where id = %(lesson)s),"
            " (select max(generation) from source where lesson_id = %(lesson)s),"
            " (select max(generation) from upload where target_id = %(lesson)s),"
            " (select max(split_part(key, '/', 3)::integer) from garbage"
            "   where key like 'source/' || %(lesson)s || '/%%')) as next",
            {"lesson": lesson},
        )
    ).fetchone()
    assert row is not None
    return int(row["next"])


async def add_version(connection: Connection, source: StoredSource) -> None:
    """Take a new version of a lesson; what plays goes on playing until this one does.

    Raises: NotFound when the lesson is gone.
    """
    state = step(await _locked(connection, source.lesson), LessonInput.SOURCE_STORED)
    if state in PLAYING:
        await connection.execute(
            "update lesson set version = version + 1 where id = %s", (source.lesson,)
        )
    else:
        await call_off(connection, source.lesson, below=source.generation)
        await connection.execute(
            "update lesson set version = version + 1, state = %s, generation = %s, progress = 0,"
            " eta_s = null, error_code = '', error_detail = '' where id = %s",
            (state.value, source.generation, source.lesson),
        )
    await _add_source(connection, source)


async def retry(connection: Connection, lesson: str) -> None:
    """Take up again what failed or was called off; of a lesson that plays nothing, the newest.

    Raises: NotFound, Conflict.
    """
    state = await _locked(connection, lesson)
    if state is LessonState.FAILED:
        await connection.execute(
            "update lesson set state = %(state)s, error_code = '', error_detail = '', progress = 0,"
            " eta_s = null, generation = greatest(generation, (select max(generation) from work"
            " where lesson_id = %(lesson)s)) where id = %(lesson)s",
            {"state": step(state, LessonInput.RETRY).value, "lesson": lesson},
        )
    wanted = await connection.execute(
        "update work w set state = 'wanted', failures = 0, error_code = '', error = '',"
        " not_before = now(), updated_at = now()"
        " from lesson l where l.id = w.lesson_id and l.id = %s and w.generation >= l.generation"
        " and w.state in ('failed', 'cancelled') returning w.unit",
        (lesson,),
    )
    if state is LessonState.FAILED:
        return
    if wanted.rowcount == 0:
        raise Conflict("nothing of this lesson has failed: there is nothing to try again")
    await connection.execute(
        "update lesson set error_code = '', error_detail = '' where id = %s", (lesson,)
    )


async def cancel(connection: Connection, lesson: str) -> None:
    """Call off what is still to be done. Raises: NotFound, Conflict when nothing is."""
    state = await _locked(connection, lesson)
    if await call_off(connection, lesson) == 0 and state is not LessonState.QUEUED:
        raise Conflict("nothing of this lesson is being worked on")
    if state is not LessonState.READY:
        await connection.execute(
            "update lesson set state = %s, error_code = %s, error_detail = %s, eta_s = null"
            " where id = %s",
            (step(state, LessonInput.WORK_FAILED).value, CANCELLED,
             "the work was called off: try again to take it up", lesson),
        )  # fmt: skip


async def call_off(connection: Connection, lesson: str, below: int | None = None) -> int:
    """Cancel open work (of generations below, when given); give how many units that were.

    A unit that runs finds its row no longer running and stops.
    """
    cursor = await connection.execute(
        "update work set state = 'cancelled', updated_at = now() where lesson_id = %(lesson)s"
        " and state in ('wanted', 'running')"
        " and (%(below)s::integer is null or generation < %(below)s)",
        {"lesson": lesson, "below": below},
    )
    return cursor.rowcount


async def _locked(connection: Connection, lesson: str) -> LessonState:
    row = await (
        await connection.execute(
            "select state from lesson where id = %s and deleted_at is null for update", (lesson,)
        )
    ).fetchone()
    if row is None:
        raise NotFound("this lesson is no longer here")
    return LessonState(row["state"])


async def _add_source(connection: Connection, source: StoredSource) -> None:
    await connection.execute(
        "insert into source (lesson_id, generation, key, filename, size_bytes)"
        " values (%s, %s, %s, %s, %s)",
        (source.lesson, source.generation, source.key, source.filename, source.size_bytes),
    )
    await connection.execute(
        "insert into work (lesson_id, generation, unit, priority) values (%s, %s, %s, %s)",
        (source.lesson, source.generation, FIRST_UNIT, source.priority),
    )


def as_json(value: Mapping[str, Any]) -> Jsonb:
    """Bind a mapping as jsonb."""
    return Jsonb(dict(value))
