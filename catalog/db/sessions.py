"""Sessions in the database: as records with the names of their places and people, and as lists.

Who may do what is decided above (catalog/session_rights.py); `visible` is the same rule of joining
as a condition of SQL, so that pages of a list are full. Functions take an open connection: the
caller owns the transaction. Booking: sessions_booking.py; states: sessions_life.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from catalog.db.pool import Connection
from catalog.live import LiveSession
from catalog.people import Role, Viewer
from catalog.session import JOINABLE, SessionKind, SessionState
from catalog.session_rights import Room, School, SessionPlace

COLUMNS: LiteralString = """
select s.id, s.title, s.kind, s.state, s.open_to_all, s.visibility, s.series_id,
  se.name as series_name, s.stage, s.grade, s.subject, s.starts_at, s.ends_at, s.key_version,
  s.timetable_id, s.created_by, s.live_at, s.ended_at, s.school_id, sc.name as school_name,
  sc.district_id, sc.group_id,
  (select r.lesson_id from recording r where r.session_id = s.id and r.feed = 'main') as lesson_id,
  (select r.lesson_id from recording r where r.session_id = s.id and r.feed = 'second')
    as second_lesson_id,
  (select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name, 'part', m.part,
      'school_id', p.id, 'school_name', p.name, 'district_id', p.district_id,
      'group_id', p.group_id) order by m.part, p.name, c.name, c.id), '[]')
    from session_classroom m join classroom c on c.id = m.classroom_id
    join school p on p.id = c.school_id where m.session_id = s.id) as rooms,
  (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'name', p.name, 'part', m.part)
      order by m.part, p.name, p.id), '[]')
    from session_person m join person p on p.id = m.person_id where m.session_id = s.id) as people
from session s left join school sc on sc.id = s.school_id left join series se on se.id = s.series_id
"""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session's row; rooms and people are mappings with id, name and part."""

    id: str
    title: str
    kind: str
    state: str
    open_to_all: bool
    visibility: str
    series_id: str | None
    series_name: str | None
    stage: str
    grade: str
    subject: str
    starts_at: datetime
    ends_at: datetime
    key_version: int
    timetable_id: str | None
    created_by: str | None
    live_at: datetime | None
    ended_at: datetime | None
    school_id: str | None
    school_name: str | None
    district_id: str | None
    group_id: str | None
    lesson_id: str | None
    second_lesson_id: str | None
    rooms: Sequence[Mapping[str, Any]]
    people: Sequence[Mapping[str, Any]]

    @property
    def session_state(self) -> SessionState:
        """The state as a word of the table in catalog/session.py."""
        return SessionState(self.state)

    @property
    def session_kind(self) -> SessionKind:
        """The kind as a word of catalog/session.py."""
        return SessionKind(self.kind)

    @property
    def duration_s(self) -> int:
        """How long it is booked for."""
        return round((self.ends_at - self.starts_at).total_seconds())

    @property
    def place(self) -> SessionPlace:
        """What decides who may do what."""
        own = None
        if self.school_id and self.district_id:
            own = School(self.school_id, self.district_id, self.group_id)
        rooms = tuple(
            Room(r["id"], School(r["school_id"], r["district_id"], r["group_id"]), r["part"])
            for r in self.rooms
        )
        people = tuple((p["id"], p["part"]) for p in self.people)
        return SessionPlace(self.created_by, self.open_to_all, own, rooms, people)

    @property
    def live(self) -> LiveSession:
        """What the data plane needs of it."""
        return LiveSession(
            self.id, self.title, self.session_kind, self.session_state, self.open_to_all,
            self.starts_at.timestamp(), self.duration_s, self.lesson_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions a list shows; an empty field does not narrow it. Times: [since, until)."""

    since: datetime | None = None
    until: datetime | None = None
    classroom: str = ""
    school: str = ""
    person: str = ""
    kind: str = ""
    states: tuple[str, ...] = ()


async def read_session(
    connection: Connection, session: str, lock: bool = False
) -> SessionRecord | None:
    """Give one session; with lock, held for update until the transaction ends."""
    if lock:
        # First the lock, then the reading: rooms and people are of one time with the row.
        await connection.execute("select from session where id = %s for update", (session,))
    row = await (await connection.execute(COLUMNS + " where s.id = %s", (session,))).fetchone()
    return SessionRecord(**row) if row else None


async def joinable_sessions(connection: Connection) -> list[SessionRecord]:
    """Give the sessions that are waiting or live, by start."""
    states = sorted(state.value for state in JOINABLE)
    cursor = await connection.execute(
        COLUMNS + " where s.state = any(%s) order by s.starts_at, s.id", (states,)
    )
    return [SessionRecord(**row) for row in await cursor.fetchall()]


_VISIBLE: LiteralString = """
(%(all)s or s.open_to_all or (s.created_by is not null and s.created_by = %(me)s)
  or exists (select from session_person m where m.session_id = s.id and m.person_id = %(me)s)
  or sc.id = any(%(schools)s) or sc.group_id = any(%(groups)s)
  or sc.district_id = any(%(districts)s)
  or exists (select from session_classroom m join classroom c on c.id = m.classroom_id
    join school p on p.id = c.school_id where m.session_id = s.id
    and (p.id = any(%(schools)s) or p.group_id = any(%(groups)s)
      or p.district_id = any(%(districts)s))))
"""
_WANTED: LiteralString = """
(%(since)s::timestamptz is null or s.ends_at > %(since)s)
and (%(until)s::timestamptz is null or s.starts_at < %(until)s)
and (%(kind)s = '' or s.kind = %(kind)s)
and (cardinality(%(states)s::text[]) = 0 or s.state = any(%(states)s))
and (%(classroom)s = '' or exists (select from session_classroom m
  where m.session_id = s.id and m.classroom_id = %(classroom)s))
and (%(school)s = '' or s.school_id = %(school)s or exists (select from session_classroom m
  join classroom c on c.id = m.classroom_id
  where m.session_id = s.id and c.school_id = %(school)s))
and (%(person)s = '' or s.created_by = %(person)s or exists (select from session_person m
  where m.session_id = s.id and m.person_id = %(person)s))
and (%(after_at)s::timestamptz is null or (s.starts_at, s.id) > (%(after_at)s, %(after_id)s))
"""


async def list_sessions(
    connection: Connection,
    viewer: Viewer,
    wanted: SessionFilter,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> list[SessionRecord]:
    """Give sessions that the viewer may join, by start, after a place in the list."""
    values: dict[str, Any] = {
        "since": wanted.since, "until": wanted.until, "kind": wanted.kind,
        "states": list(wanted.states), "classroom": wanted.classroom, "school": wanted.school,
        "person": wanted.person, "after_at": after[0] if after else None,
        "after_id": after[1] if after else "", "limit": limit, **_sight(viewer),
    }  # fmt: skip
    cursor = await connection.execute(
        COLUMNS + " where " + _VISIBLE + " and " + _WANTED
        + " order by s.starts_at, s.id limit %(limit)s",
        values,
    )  # fmt: skip
    return [SessionRecord(**row) for row in await cursor.fetchall()]


def _sight(viewer: Viewer) -> dict[str, Any]:
    held = viewer.affiliations
    wide = [a for a in held if not a.school_id and a.role in (Role.DISTRICT, Role.RESEARCHER)]
    everywhere = any(a.role is Role.RESEARCHER and not a.district_id for a in wide)
    return {
        "all": viewer.has(Role.ADMINISTRATOR) or everywhere,
        "me": viewer.person_id,
        "schools": [a.school_id for a in held if a.school_id],
        "groups": [a.group_id for a in held if a.school_id and a.group_id],
        "districts": [a.district_id for a in wide if a.district_id],
    }


async def sessions_of_classroom(
    connection: Connection, classroom: str, since: datetime, until: datetime
) -> list[SessionRecord]:
    """Give what a classroom has between two times and has not been called off, by start."""
    cursor = await connection.execute(
        COLUMNS + " join session_classroom mine on mine.session_id = s.id"
        " where mine.classroom_id = %s and s.ends_at > %s and s.starts_at < %s"
        " and s.state <> 'cancelled' order by s.starts_at, s.id",
        (classroom, since, until),
    )
    return [SessionRecord(**row) for row in await cursor.fetchall()]
