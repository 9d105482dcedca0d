"""Booking sessions, one at a time in the whole city: no clash and no overload slips through.

PostgreSQL's exclusion constraints would need an extension that the embedded server has not, and
capacity is a matter of all sessions together; a booking takes some milliseconds, so one advisory
lock orders them all. Functions take an open connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

from psycopg import sql

from catalog.db.pool import Connection
from catalog.db.tell import told
from catalog.errors import Conflict, Invalid
from catalog.ids import new_id
from catalog.live import Capacity
from catalog.people import CITY_ZONE
from catalog.session import Booking, SessionKind
from catalog.session_rights import School
from catalog.timetable import peak

LOCK = 7_305_110_320
CLASHES_TOLD = 3


@dataclass(frozen=True, slots=True)
class FixedCapacity:
    """A number from the settings."""

    feeds: int

    def feeds_at_once(self) -> int:
        """Give the number."""
        return self.feeds


@dataclass(frozen=True, slots=True)
class Clash:
    """A session that has a classroom or teacher at the same time, and whose it is by name."""

    session: str
    title: str
    starts_at: datetime
    what: str

    def __str__(self) -> str:
        when = self.starts_at.astimezone(CITY_ZONE)
        return (
            f"{self.what} is taken on {when:%Y-%m-%d at %H:%M} by “{self.title}” ({self.session})"
        )


async def take_turn(connection: Connection) -> None:
    """Wait until no other booking is under way, in the whole city, and hold the turn."""
    await connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))


async def book(
    connection: Connection,
    booking: Booking,
    created_by: str,
    capacity: Capacity,
    timetable: str | None = None,
) -> str:
    """Write a session and give its id.

    Raises: Conflict naming what it clashes with, or that the time is full; Invalid.
    """
    await take_turn(connection)
    await require_free(connection, booking, capacity)
    session = new_id()
    await _insert(connection, {
        "id": session, "timetable_id": timetable, "created_by": created_by, **_columns(booking)
    })  # fmt: skip
    await _write_parts(connection, session, booking)
    return session


async def rebook(
    connection: Connection, session: str, booking: Booking, capacity: Capacity
) -> None:
    """Change a session that the caller holds. Raises: as `book`."""
    await take_turn(connection)
    await require_free(connection, booking, capacity, session)
    values = _columns(booking)
    parts = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in values]
    query = sql.SQL("update session set {} where id = {}").format(
        sql.SQL(", ").join(parts), sql.Placeholder("session_id_")
    )
    with told("session"):
        await connection.execute(query, {**values, "session_id_": session})
    await connection.execute("delete from session_classroom where session_id = %s", (session,))
    await connection.execute("delete from session_person where session_id = %s", (session,))
    await _write_parts(connection, session, booking)


async def require_free(
    connection: Connection, booking: Booking, capacity: Capacity, but: str = ""
) -> None:
    """Raise Conflict when a classroom or teacher is taken, or too much is booked at once."""
    clashes = await find_clashes(connection, booking, but)
    if clashes:
        raise Conflict("; ".join(map(str, clashes[:CLASHES_TOLD])))
    most = capacity.feeds_at_once()
    if await _peak(connection, booking, but) > most:
        raise Conflict(
            f"this service carries {most} pictures at once, and that many are booked for this"
            " time: choose another time"
        )


_CLASHES: LiteralString = """
select s.id as session, s.title, s.starts_at, p.name || ' ' || c.name as what
from session s join session_classroom m on m.session_id = s.id
  join classroom c on c.id = m.classroom_id join school p on p.id = c.school_id
where m.classroom_id = any(%(rooms)s) and s.state in ('scheduled', 'waiting', 'live')
  and s.starts_at < %(end)s and s.ends_at > %(start)s and s.id <> %(but)s
union all
select s.id, s.title, s.starts_at, p.name
from session s join session_person m on m.session_id = s.id join person p on p.id = m.person_id
where m.person_id = any(%(teachers)s) and m.part <> 'speaker'
  and s.state in ('scheduled', 'waiting', 'live')
  and s.starts_at < %(end)s and s.ends_at > %(start)s and s.id <> %(but)s
order by starts_at, session, what
"""


async def find_clashes(connection: Connection, booking: Booking, but: str = "") -> list[Clash]:
    """Give what has the same classroom or teacher at the same time, leaving one session out."""
    teachers = [key for key, part in booking.people().items() if part != "speaker"]
    cursor = await connection.execute(
        _CLASHES, {"rooms": list(booking.classrooms()), "teachers": teachers, **_time(booking, but)}
    )
    return [Clash(**row) for row in await cursor.fetchall()]


async def _peak(connection: Connection, booking: Booking, but: str) -> int:
    cursor = await connection.execute(
        "select kind, starts_at, ends_at from session where state in"
        " ('scheduled', 'waiting', 'live') and starts_at < %(end)s and ends_at > %(start)s"
        " and id <> %(but)s",
        _time(booking, but),
    )
    others = [
        (row["starts_at"].timestamp(), row["ends_at"].timestamp(), SessionKind(row["kind"]).feeds)
        for row in await cursor.fetchall()
    ]
    return peak((booking.starts_utc, booking.ends_utc, booking.kind.feeds), others)


def _time(booking: Booking, but: str) -> dict[str, Any]:
    return {"start": _at(booking.starts_utc), "end": _at(booking.ends_utc), "but": but}


def _at(utc: float) -> datetime:
    return datetime.fromtimestamp(utc, UTC)


def _columns(booking: Booking) -> dict[str, Any]:
    return {
        "title": booking.title, "kind": booking.kind.value, "open_to_all": booking.open_to_all,
        "visibility": booking.visibility, "school_id": booking.school_id,
        "series_id": booking.series_id, "stage": booking.stage, "grade": booking.grade,
        "subject": booking.subject, "starts_at": _at(booking.starts_utc),
        "ends_at": _at(booking.ends_utc),
    }  # fmt: skip


async def _insert(connection: Connection, values: dict[str, Any]) -> None:
    query = sql.SQL("insert into session ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    with told("session"):
        await connection.execute(query, values)


async def _write_parts(connection: Connection, session: str, booking: Booking) -> None:
    with told("session"):
        for room, part in booking.classrooms().items():
            await connection.execute(
                "insert into session_classroom values (%s, %s, %s)", (session, room, part)
            )
        for person, part in booking.people().items():
            await connection.execute(
                "insert into session_person values (%s, %s, %s)", (session, person, part)
            )


async def read_schools(connection: Connection, classrooms: Sequence[str]) -> dict[str, School]:
    """Give the schools of classrooms. Raises: Invalid when there is no such classroom."""
    cursor = await connection.execute(
        "select c.id, s.id as school_id, s.district_id, s.group_id from classroom c"
        " join school s on s.id = c.school_id where c.id = any(%s)",
        (list(classrooms),),
    )
    found = {
        row["id"]: School(row["school_id"], row["district_id"], row["group_id"])
        for row in await cursor.fetchall()
    }
    if missing := [key for key in classrooms if key not in found]:
        raise Invalid(f"there is no classroom {missing[0]}: take it out of the list")
    return found


async def read_school(connection: Connection, school: str) -> School:
    """Give a school. Raises: Invalid when there is none."""
    cursor = await connection.execute(
        "select id, district_id, group_id from school where id = %s", (school,)
    )
    row = await cursor.fetchone()
    if row is None:
        raise Invalid("school: there is no such school", {"school": "there is none with this id"})
    return School(**row)


async def read_pair_schools(connection: Connection, school: str, day: datetime) -> set[str]:
    """Give the schools that are paired with a school on that day."""
    cursor = await connection.execute(
        "select case when urban_school_id = %(school)s then rural_school_id"
        " else urban_school_id end as id from school_pair"
        " where %(school)s in (urban_school_id, rural_school_id)"
        " and since <= %(day)s and (until is null or until > %(day)s)",
        {"school": school, "day": day.astimezone(CITY_ZONE).date()},
    )
    return {row["id"] for row in await cursor.fetchall()}
