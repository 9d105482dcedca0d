"""What an edge's plan is made of: the school's terms, its next sessions, lessons it may watch.

Functions take an open connection: the caller owns the transaction. Rights are asked of each record
(catalog/people.py), not written a second time in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import LiteralString

from catalog.db.lessons import COLUMNS as LESSON
from catalog.db.lessons import LessonRecord
from catalog.db.pool import Connection
from catalog.db.sessions import COLUMNS as SESSION
from catalog.db.sessions import SessionRecord
from catalog.db.timetable import list_terms
from catalog.edge_plan import Entry, Wanted, plan, school_days
from catalog.edges import KnownEdge
from catalog.people import CITY_ZONE, city_day, may_watch

RECENT = timedelta(days=14)
ROWS_LIMIT = 600
_RECENT: LiteralString = """
where l.deleted_at is null and l.state in ('playable', 'ready')
  and coalesce(l.published_at, l.created_at) > %(since)s and l.school_id in (
    select %(school)s union select id from school where group_id = %(group)s
    union select case when urban_school_id = %(school)s then rural_school_id
        else urban_school_id end
      from school_pair where %(school)s in (urban_school_id, rural_school_id)
        and since <= %(day)s and (until is null or until > %(day)s))
order by coalesce(l.published_at, l.created_at) desc, l.id desc limit %(limit)s
"""


@dataclass(frozen=True, slots=True)
class NextDays:
    """The school's next days: the days, their sessions by start, what the night should fetch."""

    days: Sequence[date]
    sessions: Sequence[SessionRecord]
    lessons: Sequence[Entry]


async def next_days(
    connection: Connection, edge: KnownEdge, count: int, now_utc: float
) -> NextDays:
    """Give an edge's plan for so many school days, today included."""
    own = await list_terms(connection, edge.school_id)
    # A school that keeps its own terms does not go by the city's.
    kept = [item for item in own if item.school_id] or own
    days = school_days(city_day(now_utc), count, [item.term for item in kept])
    sessions = await _sessions(connection, edge.school_id, days, now_utc)
    series: dict[date, list[str]] = {}
    for item in sessions:
        if item.series_id:
            series.setdefault(item.starts_at.astimezone(CITY_ZONE).date(), []).append(
                item.series_id
            )
    ids = sorted({key for day in days for key in series.get(day, ())})
    taught = _open_to(edge, await _of_series(connection, ids))
    since = datetime.fromtimestamp(now_utc, CITY_ZONE) - RECENT
    recent = _open_to(edge, await _recent(connection, edge, since))
    return NextDays(days, sessions, plan(days, series, taught, recent))


async def _sessions(
    connection: Connection, school: str, days: Sequence[date], now_utc: float
) -> list[SessionRecord]:
    if not days:
        return []
    end = datetime.combine(days[-1], time(), CITY_ZONE) + timedelta(days=1)
    cursor = await connection.execute(
        SESSION + " where s.ends_at > %(now)s and s.starts_at < %(end)s"
        " and s.state in ('scheduled', 'waiting', 'live') and (s.school_id = %(school)s"
        " or exists (select from session_classroom m join classroom c on c.id = m.classroom_id"
        " where m.session_id = s.id and c.school_id = %(school)s))"
        " order by s.starts_at, s.id limit %(limit)s",
        {"school": school, "now": datetime.fromtimestamp(now_utc, CITY_ZONE), "end": end,
         "limit": ROWS_LIMIT},
    )  # fmt: skip
    return [SessionRecord(**row) for row in await cursor.fetchall()]


async def _of_series(connection: Connection, series: Sequence[str]) -> list[LessonRecord]:
    cursor = await connection.execute(
        LESSON + " where l.series_id = any(%s) and l.deleted_at is null"
        " and l.state in ('playable', 'ready')"
        " order by coalesce(l.published_at, l.created_at) desc, l.id desc limit %s",
        (list(series), ROWS_LIMIT),
    )
    return [LessonRecord(**row) for row in await cursor.fetchall()]


async def _recent(connection: Connection, edge: KnownEdge, since: datetime) -> list[LessonRecord]:
    cursor = await connection.execute(
        LESSON + _RECENT,
        {"since": since, "school": edge.school_id, "group": edge.group_id,
         "day": (since + RECENT).date(), "limit": ROWS_LIMIT},
    )  # fmt: skip
    return [LessonRecord(**row) for row in await cursor.fetchall()]


def _open_to(edge: KnownEdge, found: Sequence[LessonRecord]) -> list[Wanted]:
    viewer = edge.viewer
    return [
        Wanted(item.id, item.title, item.published_at or item.created_at, item.series_id or "")
        for item in found
        if may_watch(viewer, item.place)
    ]
