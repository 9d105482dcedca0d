"""From what was asked to a booking: defaults filled in, texts checked, rights asked.

Who may book and invite is in catalog/session_rights.py; what goes with each kind in
catalog/session.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, structs

from catalog.db.pool import Connection
from catalog.db.sessions import SessionRecord
from catalog.db.sessions_booking import read_pair_schools, read_school, read_schools
from catalog.errors import Invalid
from catalog.http.sessions_json import SessionChange, WhatIsTaught
from catalog.metadata import clean
from catalog.people import Role, Viewer
from catalog.rights import require
from catalog.session import Booking, check_booking
from catalog.session_rights import School, may_book, may_invite

_TEXTS = ("title", "visibility", "stage", "grade", "subject")
_WORKS_AT = frozenset({Role.TEACHER, Role.SCHOOL, Role.RESEARCHER})


async def booking_of(
    connection: Connection, viewer: Viewer, asked: WhatIsTaught, starts_utc: float, duration_s: int
) -> Booking:
    """Give what is to be booked. Raises: Invalid, NoRight."""
    school = await _school_of(connection, viewer, asked.main_classroom, asked.school)
    opened = asked.kind.open_by_default if asked.open_to_all is None else asked.open_to_all
    fallback = "public" if opened else _inside(school)
    texts = clean({n: getattr(asked, n) for n in _TEXTS if n != "visibility" or asked.visibility})
    booking = Booking(
        kind=asked.kind, teacher_id=asked.teacher or viewer.person_id, starts_utc=starts_utc,
        duration_s=duration_s, open_to_all=opened, school_id=school.id if school else None,
        main_classroom=asked.main_classroom, second_classroom=asked.second_classroom,
        listening=tuple(asked.listening_classrooms), second_teacher=asked.second_teacher,
        speakers=tuple(asked.speakers), series_id=asked.series_id,
        **{"visibility": fallback, **texts},
    )  # fmt: skip
    await require_booking(connection, viewer, booking, school)
    return booking


async def changed(
    connection: Connection, viewer: Viewer, record: SessionRecord, asked: SessionChange
) -> Booking:
    """Give a session as it is to be. Raises: Invalid, NoRight."""
    given = {n: v for n, v in structs.asdict(asked).items() if v is not UNSET}
    values = _as_booked(record) | _renamed(given)
    values |= clean({name: values[name] for name in _TEXTS})
    moved = "main_classroom" in given or "school" in given
    wanted = given.get("school", None if moved else record.school_id)
    school = await _school_of(connection, viewer, values["main_classroom"], wanted)
    booking = Booking(**{**values, "school_id": school.id if school else None})
    await require_booking(connection, viewer, booking, school, record.created_by or "")
    return booking


async def require_booking(
    connection: Connection,
    viewer: Viewer,
    booking: Booking,
    school: School | None,
    booked_by: str = "",
) -> None:
    """Raise Invalid or NoRight unless the viewer may book this.

    One who booked a session may go on changing it, with the teacher that it has.
    """
    check_booking(booking)
    teacher = viewer.person_id if booked_by == viewer.person_id else booking.teacher_id
    require(
        may_book(viewer, booking.kind, school, teacher),
        "you can book sessions of your own school and as their teacher; its officers for others",
    )
    others = [room for room, part in booking.classrooms().items() if part != "main"]
    places = await read_schools(connection, others)
    paired: set[str] = set()
    if school:
        day = datetime.fromtimestamp(booking.starts_utc, UTC)
        paired = await read_pair_schools(connection, school.id, day)
    for room, place in places.items():
        require(
            may_invite(viewer, place, school, paired),
            f"classroom {room} is neither of your school or group nor of a school paired with it",
        )


async def _school_of(
    connection: Connection, viewer: Viewer, main: str | None, wanted: str | None
) -> School | None:
    if main:
        school = (await read_schools(connection, [main]))[main]
        if wanted and wanted != school.id:
            raise Invalid("school: it is the main classroom's", {"school": "is another one"})
        return school
    if wanted:
        return await read_school(connection, wanted)
    own = {a.school_id for a in viewer.affiliations if a.role in _WORKS_AT and a.school_id}
    return await read_school(connection, own.pop()) if len(own) == 1 else None


def _inside(school: School | None) -> str:
    if school is None:
        return "city"
    return "group" if school.group_id else "school"


def _as_booked(record: SessionRecord) -> dict[str, Any]:
    def parts(items: Any, part: str) -> list[str]:
        return [item["id"] for item in items if item["part"] == part]

    def one(items: Any, part: str) -> str | None:
        return next(iter(parts(items, part)), None)

    names = ("title", "open_to_all", "visibility", "series_id", "stage", "grade", "subject",
             "school_id")  # fmt: skip
    return {
        **{name: getattr(record, name) for name in names},
        "kind": record.session_kind, "teacher_id": one(record.people, "teacher"),
        "starts_utc": record.starts_at.timestamp(), "duration_s": record.duration_s,
        "main_classroom": one(record.rooms, "main"),
        "second_classroom": one(record.rooms, "second"),
        "listening": tuple(parts(record.rooms, "listening")),
        "second_teacher": one(record.people, "second_teacher"),
        "speakers": tuple(parts(record.people, "speaker")),
    }  # fmt: skip


def _renamed(given: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(given)
    for asked, kept in (("teacher", "teacher_id"), ("listening_classrooms", "listening")):
        if asked in found:
            found[kept] = found.pop(asked)
    for name in ("listening", "speakers"):
        if name in found:
            found[name] = tuple(found[name])
    if "starts_at" in found:
        found["starts_utc"] = found.pop("starts_at").timestamp()
    found.pop("school", None)
    return found
