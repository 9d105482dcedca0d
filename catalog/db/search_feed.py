"""What the search index reads: all lessons in one stream, and those that changed since a point.

A point is a transaction number. Every transaction below `horizon` (pg_snapshot_xmin) has ended, so
the next look begins there and misses none; what committed beyond it is read at once and may come
again. A subtitle's text comes cut: the index takes no more of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import IsolationLevel
from psycopg.sql import SQL

from catalog.db.pool import Connection

TRANSCRIPT_LIMIT_CHARS = 20_000
STREAM_ROWS = 1000
CHANGES_PAGE = 1000
SNAPSHOT_IDLE_LIMIT = "10min"  # the index is written between two fetches; no lock is held

_ROWS: LiteralString = """
select l.id, l.title, l.description, l.stage, l.grade, l.subject, l.edition, l.chapter,
  l.knowledge_points, l.tags, l.teacher_id, l.teacher_name, l.owner_id, l.visibility, l.state,
  l.plays, l.series_id, se.name as series_name, l.school_id, sc.name as school_name,
  sc.district_id, sc.group_id,
  (select left(string_agg(s.transcript, chr(10)), %(transcript)s)
   from subtitle s where s.lesson_id = l.id) as transcript
from lesson l left join series se on se.id = l.series_id left join school sc on sc.id = l.school_id
where l.deleted_at is null
"""

_POINT = """
select (select system_identifier from pg_control_system()) || '/' || d.oid as database,
  pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon,
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint as beyond
from pg_database d where d.datname = current_database()
"""

_STREAM = "declare search_feed no scroll cursor for " + _ROWS + " order by l.id desc"
_NEXT = SQL("fetch {} from search_feed").format(STREAM_ROWS)
_CHANGES = """
select id, change_xid::text::bigint as xid from lesson
where (change_xid, id) > (%s::text::xid8, %s) order by change_xid, id limit %s
"""


@dataclass(frozen=True, slots=True)
class Point:
    """Which database this is, below which transaction all have ended, and the first to come."""

    database: str
    horizon: int
    beyond: int


@dataclass(frozen=True, slots=True)
class Change:
    """A lesson that was written by a transaction."""

    id: str
    xid: int


async def read_point(connection: Connection) -> Point:
    """Give the point that the connection's snapshot stands at."""
    row = await (await connection.execute(_POINT)).fetchone()
    assert row is not None
    return Point(**row)


async def one_snapshot(connection: Connection) -> None:
    """Begin a transaction that sees one state throughout and may wait long between reads."""
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    await connection.execute(
        "select set_config('idle_in_transaction_session_timeout', %s, true)",
        (SNAPSHOT_IDLE_LIMIT,),
    )


async def any_snapshot(connection: Connection) -> None:
    """Give the connection back as the pool made it."""
    await connection.set_isolation_level(None)


async def stream_lessons(connection: Connection) -> AsyncGenerator[list[dict[str, Any]]]:
    """Give all lessons, the newest first, by a cursor on the server.

    Who leaves before the end ends the transaction, and the cursor with it: nothing is to be waited
    for then, because whoever is cancelled a second time would not.
    """
    await connection.execute(_STREAM, {"transcript": TRANSCRIPT_LIMIT_CHARS})
    while rows := await (await connection.execute(_NEXT)).fetchall():
        yield rows
    await connection.execute("close search_feed")


async def read_changes(connection: Connection, after: Change) -> list[Change]:
    """Give the next changes behind one, oldest first, at most CHANGES_PAGE."""
    cursor = await connection.execute(_CHANGES, (str(after.xid), after.id, CHANGES_PAGE))
    return [Change(**row) for row in await cursor.fetchall()]


async def read_rows(connection: Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Give the rows of these lessons; deleted ones are missing."""
    cursor = await connection.execute(
        _ROWS + " and l.id = any(%(ids)s)",
        {"ids": list(ids), "transcript": TRANSCRIPT_LIMIT_CHARS},
    )
    return await cursor.fetchall()


async def pull_back_future(connection: Connection, beyond: int) -> int:
    """Give lessons of a restored backup a transaction number of this database; how many there were.

    A backup brings numbers of the database it was taken from, which may lie far ahead.
    """
    cursor = await connection.execute(
        "update lesson set change_xid = pg_current_xact_id() where change_xid >= %s::text::xid8",
        (str(beyond),),
    )
    return cursor.rowcount
