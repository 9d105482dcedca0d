"""Lessons in the database: reading them as records, changing them within the state table.

Rows come with the names and the place that rights are decided by (`LessonRecord.place`); who may
do what is decided above, in catalog/http. Functions take an open connection: the caller owns the
transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, cast

from psycopg import sql

from catalog.db.pool import Connection
from catalog.errors import Invalid
from catalog.lesson import LessonState
from catalog.people import LessonPlace

COLUMNS: LiteralString = """
select l.id, l.title, l.description, l.series_id, se.name as series_name, l.position, l.stage,
  l.grade, l.subject, l.edition, l.chapter, l.knowledge_points, l.tags, l.teacher_id,
  l.teacher_name, l.school_id, sc.name as school_name, sc.district_id, sc.group_id, l.owner_id,
  l.visibility, l.version, l.state, l.error_code, l.error_detail, l.progress, l.eta_s,
  l.duration_s, l.content_kind, l.generation, l.plays, l.created_at, l.published_at, l.deleted_at,
  exists (select from side_product p where p.lesson_id = l.id and p.generation = l.generation
          and p.kind = 'poster') as has_poster,
  exists (select from side_product p where p.lesson_id = l.id and p.generation = l.generation
          and p.kind in ('sprite', 'thumbnails')) as has_thumbnails,
  exists (select from side_product p where p.lesson_id = l.id and p.generation = l.generation
          and p.kind = 'chapters' and p.detail->'chapters' <> '[]') as has_chapters
from lesson l left join series se on se.id = l.series_id left join school sc on sc.id = l.school_id
"""


@dataclass(frozen=True, slots=True)
class LessonRecord:
    """A lesson's row with the names of its series and school."""

    id: str
    title: str
    description: str
    series_id: str | None
    series_name: str | None
    position: int | None
    stage: str
    grade: str
    subject: str
    edition: str
    chapter: str
    knowledge_points: list[str]
    tags: list[str]
    teacher_id: str | None
    teacher_name: str
    school_id: str | None
    school_name: str | None
    district_id: str | None
    group_id: str | None
    owner_id: str | None
    visibility: str
    version: int
    state: str
    error_code: str
    error_detail: str
    progress: float
    eta_s: float | None
    duration_s: float | None
    content_kind: str
    generation: int
    plays: int
    created_at: datetime
    published_at: datetime | None
    deleted_at: datetime | None
    has_poster: bool
    has_thumbnails: bool
    has_chapters: bool

    @property
    def place(self) -> LessonPlace:
        """What decides who may see or change it."""
        return LessonPlace(
            self.owner_id, self.school_id, self.district_id, self.group_id, self.visibility
        )

    @property
    def lesson_state(self) -> LessonState:
        """The state as a word of the table in catalog/lesson.py."""
        return LessonState(self.state)


@dataclass(frozen=True, slots=True)
class RenditionRow:
    """A rendition of the generation that is shown, with its rates in bits a second."""

    id: str
    name: str
    media: str
    codecs: str
    width_px: int | None
    height_px: int | None
    bandwidth_bps: int
    average_bandwidth_bps: int


@dataclass(frozen=True, slots=True)
class SubtitleName:
    """A language that a lesson has subtitles in."""

    language: str
    label: str


async def read_lessons(connection: Connection, ids: Sequence[str]) -> list[LessonRecord]:
    """Give the lessons of these ids that are not deleted, in the order of ids."""
    cursor = await connection.execute(
        COLUMNS + " where l.id = any(%s) and l.deleted_at is null", (list(ids),)
    )
    found = {row["id"]: LessonRecord(**row) for row in await cursor.fetchall()}
    return [found[key] for key in ids if key in found]


async def read_lesson(
    connection: Connection, lesson: str, deleted: bool = False, lock: bool = False
) -> LessonRecord | None:
    """Give one lesson; with deleted also one that waits for its end; with lock, held for update."""
    query = COLUMNS + " where l.id = %s"
    if not deleted:
        query += " and l.deleted_at is null"
    if lock:
        query += " for update of l"
    row = await (await connection.execute(query, (lesson,))).fetchone()
    return LessonRecord(**row) if row else None


async def my_lessons(
    connection: Connection, owner: str, limit: int, before: str | None = None, state: str = ""
) -> list[LessonRecord]:
    """Give a person's own lessons, newest first, older than the id `before`."""
    cursor = await connection.execute(
        COLUMNS + " where l.owner_id = %(owner)s and l.deleted_at is null"
        " and (%(before)s::text is null or l.id < %(before)s)"
        " and (%(state)s = '' or l.state = %(state)s) order by l.id desc limit %(limit)s",
        {"owner": owner, "before": before, "state": state, "limit": limit},
    )
    return [LessonRecord(**row) for row in await cursor.fetchall()]


async def count_my_lessons(connection: Connection, owner: str, state: str = "") -> int:
    """Count a person's own lessons."""
    cursor = await connection.execute(
        "select count(*) as n from lesson where owner_id = %(owner)s and deleted_at is null"
        " and (%(state)s = '' or state = %(state)s)",
        {"owner": owner, "state": state},
    )
    row = await cursor.fetchone()
    return cast(int, row["n"]) if row else 0


_RENDITIONS = """
select r.id, r.name, r.media, r.codecs, r.width_px, r.height_px,
  coalesce(ceil(8.0 * r.timescale * max(s.size / s.ticks::numeric)), 0)::bigint as bandwidth_bps,
  coalesce(ceil(8.0 * r.timescale * sum(s.size) / sum(s.ticks)), 0)::bigint
    as average_bandwidth_bps
from rendition r left join media_object o on o.rendition_id = r.id
  left join lateral unnest(o.sizes, o.durations_ts) as s (size, ticks) on s.ticks > 0
where r.lesson_id = %s and r.generation = %s group by r.id order by r.media desc, r.rung, r.name
"""


async def read_renditions(
    connection: Connection, lesson: str, generation: int
) -> list[RenditionRow]:
    """Give what can be played of one generation, video first, the largest first."""
    cursor = await connection.execute(_RENDITIONS, (lesson, generation))
    return [RenditionRow(**row) for row in await cursor.fetchall()]


async def read_subtitle_names(connection: Connection, lesson: str) -> list[SubtitleName]:
    """Give the languages of a lesson's subtitles."""
    cursor = await connection.execute(
        "select language, label from subtitle where lesson_id = %s order by language", (lesson,)
    )
    return [SubtitleName(**row) for row in await cursor.fetchall()]


async def read_next(connection: Connection, lesson: LessonRecord) -> LessonRecord | None:
    """Give the lesson that follows in the series, if any is playing."""
    if lesson.series_id is None:
        return None
    cursor = await connection.execute(
        COLUMNS + " where l.series_id = %(series)s and l.deleted_at is null"
        " and l.state in ('playable', 'ready')"
        " and (coalesce(l.position, 2147483647), l.id) > (%(position)s, %(id)s)"
        " order by coalesce(l.position, 2147483647), l.id limit 1",
        {"series": lesson.series_id, "id": lesson.id,
         "position": 2147483647 if lesson.position is None else lesson.position},
    )  # fmt: skip
    row = await cursor.fetchone()
    return LessonRecord(**row) if row else None


_PLACES: dict[str, LiteralString] = {
    "series_id": "select from series where id = %s",
    "school_id": "select from school where id = %s",
    "teacher_id": "select from person where id = %s and not disabled",
}


async def require_places(connection: Connection, changes: Mapping[str, Any]) -> None:
    """Raises: Invalid naming each field that points at nothing."""
    wrong = {}
    for name, query in _PLACES.items():
        if changes.get(name) is not None:
            cursor = await connection.execute(query, (changes[name],))
            if await cursor.fetchone() is None:
                wrong[name] = "there is no such one"
    if wrong:
        raise Invalid("; ".join(f"{name}: {what}" for name, what in wrong.items()), wrong)


async def count_play(connection: Connection, lesson: str) -> None:
    """Count a view."""
    await connection.execute("update lesson set plays = plays + 1 where id = %s", (lesson,))


async def update_fields(connection: Connection, lesson: str, changes: Mapping[str, Any]) -> None:
    """Set checked fields (names and values from catalog/metadata.py)."""
    if not changes:
        return
    parts = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in changes]
    query = sql.SQL("update lesson set {} where id = {}").format(
        sql.SQL(", ").join(parts), sql.Placeholder("lesson_id_")
    )
    await connection.execute(query, {**changes, "lesson_id_": lesson})
