"""What operations read of the catalogue (schools, lessons on air, boxes, work), and their history.

Functions take an open connection. Reads are bounded; the history's rows are of minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from catalog.db.edges import schools_heard
from catalog.db.pool import Connection
from catalog.db.tally import Queue, read_figures
from catalog.operations.history import FIGURES, KEPT_DAYS, POINTS_LIMIT, Point, Subject

SCHOOLS_LIMIT = 5000
SESSIONS_LIMIT = 1500
PLACES_LIMIT = 2000
GONE_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class SchoolFact:
    """A school and its district."""

    id: str
    name: str
    district: str
    district_name: str


@dataclass(frozen=True, slots=True)
class RoomFact:
    """A classroom's part in a session."""

    id: str
    name: str
    school: str
    part: str


@dataclass(frozen=True, slots=True)
class SessionFact:
    """A session that is live."""

    id: str
    title: str
    kind: str
    live_utc: float | None
    school: str | None
    rooms: tuple[RoomFact, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it, of one moment. heard: when the box of each school was heard; edges: enrolled."""

    schools: Mapping[str, SchoolFact]
    districts: Mapping[str, str]
    sessions: Sequence[SessionFact]
    heard: Mapping[str, datetime]
    edges: frozenset[str]
    queues: Sequence[Queue]


_SESSIONS: LiteralString = """
select s.id, s.title, s.kind, s.live_at, s.school_id,
  (select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name,
      'school', c.school_id, 'part', m.part) order by m.part, c.name, c.id), '[]')
    from session_classroom m join classroom c on c.id = m.classroom_id
    where m.session_id = s.id) as rooms
from session s where s.state = 'live' order by s.starts_at, s.id limit %s
"""


async def read_facts(connection: Connection) -> Facts:
    """Read everything that changes seldom."""
    schools = await _rows(
        connection,
        "select s.id, s.name, s.district_id as district, d.name as district_name from school s"
        " join district d on d.id = s.district_id order by d.name, s.name limit %s",
        (SCHOOLS_LIMIT,),
    )
    districts = await _rows(connection, "select id, name from district order by name")
    sessions = await _rows(connection, _SESSIONS, (SESSIONS_LIMIT,))
    edges = await _rows(connection, "select id from edge where state = 'enrolled'")
    return Facts(
        {row["id"]: SchoolFact(**row) for row in schools},
        {row["id"]: row["name"] for row in districts},
        [_session(row) for row in sessions],
        await schools_heard(connection, SCHOOLS_LIMIT),
        frozenset(row["id"] for row in edges),
        (await read_figures(connection)).queues,
    )


async def classrooms(connection: Connection, ids: Iterable[str]) -> dict[str, RoomFact]:
    """Give classrooms that came into a room without being booked for it; part is `guest`."""
    rows = await _rows(
        connection,
        "select id, name, school_id as school from classroom where id = any(%s) limit %s",
        (sorted(ids), PLACES_LIMIT),
    )
    return {row["id"]: RoomFact(**row, part="guest") for row in rows}


async def keep_minute(
    connection: Connection,
    minute_utc: float,
    rows: Iterable[tuple[Subject, Sequence[float | None]]],
) -> None:
    """Keep the rows of a minute; one that is there stays. Rows that are too old go."""
    minute = datetime.fromtimestamp(minute_utc, UTC)
    values = [(*subject, minute, *figures) for subject, figures in rows]
    if values:
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "insert into operations_minute (kind, subject, minute, rooms, troubled, viewers,"
                " delay_ms, skew_ms, stalls, estimate_bps, use_bps, cause)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
                values,
            )
    await connection.execute(
        "delete from operations_minute where ctid in (select ctid from operations_minute"
        " where minute < %s limit %s)",
        (minute - timedelta(days=KEPT_DAYS), GONE_AT_ONCE),
    )


async def past(
    connection: Connection, subject: Subject, from_utc: float, to_utc: float, step_s: int
) -> list[Point]:
    """Give a subject's figures between two moments, joined into steps, the oldest first."""
    rows = await _rows(
        connection,
        "select floor(extract(epoch from minute) / %s)::bigint * %s as at,"
        " avg(rooms) as rooms, max(troubled) as troubled, avg(viewers) as viewers,"
        " avg(delay_ms) as delay_ms, max(skew_ms) as skew_ms, max(stalls) as stalls,"
        " avg(estimate_bps) as estimate_bps, avg(use_bps) as use_bps, min(cause) as cause"
        " from operations_minute where kind = %s and subject = %s and minute >= to_timestamp(%s)"
        " and minute < to_timestamp(%s) group by 1 order by 1 limit %s",
        (step_s, step_s, *subject, from_utc, to_utc, POINTS_LIMIT),
    )
    return [(float(row["at"]), tuple(_number(row[name]) for name in FIGURES)) for row in rows]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


async def _rows(
    connection: Connection, text: LiteralString, values: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    return await (await connection.execute(text, values)).fetchall()


def _session(row: Mapping[str, Any]) -> SessionFact:
    live_at = row["live_at"]
    return SessionFact(
        row["id"], row["title"], row["kind"], live_at.timestamp() if live_at else None,
        row["school_id"], tuple(RoomFact(**room) for room in row["rooms"]),
    )  # fmt: skip
