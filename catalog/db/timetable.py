"""Terms and timetables in the database: what recurs by school week and period, and its sessions.

A timetable makes all of its sessions when it is made, in one transaction: either the whole term is
free, or it is told what it clashes with. Functions take an open connection: the caller owns the
transaction and decides who may do what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, LiteralString

from catalog.db.pool import Connection
from catalog.db.sessions_booking import book, take_turn
from catalog.db.sessions_life import advance
from catalog.db.tell import told
from catalog.errors import Conflict, Invalid
from catalog.ids import new_id
from catalog.live import Capacity
from catalog.session import Booking, SessionInput
from catalog.timetable import Parity, Period, Slot, Term, occurrences

_TERM: LiteralString = (
    "select t.*, s.name as school_name, s.district_id from term t"
    " left join school s on s.id = t.school_id"
)
_TIMETABLE: LiteralString = """
select t.*, s.name as school_name, s.district_id, e.name as term_name,
  (select count(*) from session n where n.timetable_id = t.id) as sessions,
  (select count(*) from session n where n.timetable_id = t.id and n.state = 'scheduled') as ahead
from timetable t join term e on e.id = t.term_id left join school s on s.id = t.school_id
"""


@dataclass(frozen=True, slots=True)
class TermRecord:
    """A term of a school, or of the city when there is no school."""

    id: str
    name: str
    school_id: str | None
    school_name: str | None
    district_id: str | None
    term: Term


def _term(row: Mapping[str, Any]) -> TermRecord:
    periods = zip(row["period_starts"], row["period_durations_s"], strict=True)
    special = dict(zip(row["special_days"], row["special_weekdays"], strict=True))
    term = Term(row["first_day"], row["weeks"], tuple(Period(*item) for item in periods), special)
    return TermRecord(
        row["id"], row["name"], row["school_id"], row["school_name"], row["district_id"], term
    )


async def add_term(connection: Connection, name: str, school: str | None, term: Term) -> str:
    """Write a term and give its id. Raises: Conflict for a name that is taken, Invalid."""
    key = new_id()
    with told("term"):
        await connection.execute(
            "insert into term (id, school_id, name, first_day, weeks, period_starts,"
            " period_durations_s, special_days, special_weekdays)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (key, school, name, term.first_day, term.weeks, [p.starts for p in term.periods],
             [p.duration_s for p in term.periods], list(term.special),
             list(term.special.values())),
        )  # fmt: skip
    return key


async def list_terms(connection: Connection, school: str = "") -> list[TermRecord]:
    """Give the city's terms and, when one is named, a school's; the newest first."""
    cursor = await connection.execute(
        _TERM + " where t.school_id is null or t.school_id = %s order by t.first_day desc, t.id",
        (school,),
    )
    return [_term(row) for row in await cursor.fetchall()]


async def read_term(connection: Connection, key: str) -> TermRecord | None:
    """Give one term."""
    row = await (await connection.execute(_TERM + " where t.id = %s", (key,))).fetchone()
    return _term(row) if row else None


async def delete_term(connection: Connection, key: str) -> None:
    """Remove a term. Raises: Conflict while timetables go by it."""
    cursor = await connection.execute(
        "select count(*) as n from timetable where term_id = %s", (key,)
    )
    row = await cursor.fetchone()
    if row and row["n"]:
        raise Conflict(f"{row['n']} timetables go by this term: end them first")
    await connection.execute("delete from term where id = %s", (key,))


@dataclass(frozen=True, slots=True)
class TimetableRecord:
    """What recurs, with how many sessions it has made and how many are still to come."""

    id: str
    term_id: str
    term_name: str
    school_id: str | None
    school_name: str | None
    district_id: str | None
    title: str
    slot: Slot
    created_by: str
    sessions: int
    ahead: int


def _timetable(row: Mapping[str, Any]) -> TimetableRecord:
    slot = Slot(row["weekday"], row["period"], row["first_week"], row["last_week"],
                Parity(row["parity"]))  # fmt: skip
    names = ("id", "term_id", "term_name", "school_id", "school_name", "district_id", "title",
             "created_by", "sessions", "ahead")  # fmt: skip
    return TimetableRecord(slot=slot, **{name: row[name] for name in names})


async def make_timetable(
    connection: Connection,
    term: TermRecord,
    slot: Slot,
    booking: Booking,
    created_by: str,
    capacity: Capacity,
    now_utc: float,
) -> str:
    """Write what recurs with all its sessions that are still to come, and give its id.

    `booking` says what is taught; its times are not looked at. Raises: Conflict, Invalid.
    """
    times = [item for item in occurrences(term.term, slot) if item[0] > now_utc]
    if not times:
        raise Invalid("no day of this term that is still to come fits: look at weeks and holidays")
    key = new_id()
    await take_turn(connection)
    await connection.execute(
        "insert into timetable (id, term_id, school_id, title, weekday, period, first_week,"
        " last_week, parity, created_by) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (key, term.id, booking.school_id, booking.title, slot.weekday, slot.period,
         slot.first_week, slot.last_week, slot.parity.value, created_by),
    )  # fmt: skip
    for starts_utc, duration_s in times:
        one = replace(booking, starts_utc=starts_utc, duration_s=duration_s)
        await book(connection, one, created_by, capacity, key)
    return key


async def read_timetable(connection: Connection, key: str) -> TimetableRecord | None:
    """Give one."""
    row = await (await connection.execute(_TIMETABLE + " where t.id = %s", (key,))).fetchone()
    return _timetable(row) if row else None


async def list_timetables(
    connection: Connection, term: str, school: str, limit: int, after: str = ""
) -> Sequence[TimetableRecord]:
    """Give timetables of a term and school (each may be empty: all), by id, after one."""
    cursor = await connection.execute(
        _TIMETABLE + " where (%(term)s = '' or t.term_id = %(term)s)"
        " and (%(school)s = '' or t.school_id = %(school)s) and t.id > %(after)s"
        " order by t.id limit %(limit)s",
        {"term": term, "school": school, "after": after, "limit": limit},
    )
    return [_timetable(row) for row in await cursor.fetchall()]


async def end_timetable(connection: Connection, key: str, now_utc: float) -> int:
    """Call off what is still scheduled and forget the timetable; tell how many were called off."""
    cursor = await connection.execute(
        "select id from session where timetable_id = %s and state = 'scheduled'"
        " and starts_at > %s order by id for update",
        (key, datetime.fromtimestamp(now_utc, UTC)),
    )
    ahead = [row["id"] for row in await cursor.fetchall()]
    for session in ahead:
        await advance(connection, session, SessionInput.CANCELLED, now_utc)
    await connection.execute("delete from timetable where id = %s", (key,))
    return len(ahead)
