"""Who was in a session, as JSON: its classrooms, those of them that did not come, and people.

Guests are counted, never listed: their names are what they typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from catalog.db.sessions import SessionRecord
from catalog.http.lesson_json import Named
from catalog.http.sessions_json import StateWord
from catalog.live import Attended, RoomCounts, RoomRole, RoomSummary

PEOPLE_LIMIT = 3000
CLASSROOM, PERSON = "classroom:", "person:"
_ORDER = {role: place for place, role in enumerate(RoomRole)}


class Presence(Named, kw_only=True):
    """How long of the lesson someone was in it, and what they did; not seen at all: null, 0."""

    first_seen: datetime | None = None
    last_seen: datetime | None = None
    present_s: float = 0.0
    here: bool = False
    hands: int = 0
    floors: int = 0
    questions: int = 0
    votes: int = 0


class ClassroomPresence(Presence, kw_only=True):
    """A classroom; part is main, second or listening, empty for one that was not invited."""

    school: Named | None
    part: str


class PersonPresence(Presence, kw_only=True):
    """Someone who was signed in; role is what they were in the room."""

    role: str


class Attendance(msgspec.Struct, kw_only=True):
    """Who was in a session; of one that goes on, so far. `left_out` people are not listed."""

    session: str
    title: str
    state: StateWord
    starts_at: datetime
    began_at: datetime | None
    lesson_s: float
    classrooms: list[ClassroomPresence]
    people: list[PersonPresence]
    left_out: int
    guests: int
    counts: RoomCounts


def attendance_of(record: SessionRecord, summed: RoomSummary) -> Attendance:
    """Give the attendance of a session."""
    going_on = record.ended_at is None
    people = [item for item in summed.attended if item.identity.startswith(PERSON)]
    people.sort(key=lambda item: (_ORDER[item.role], item.first_utc))
    began_utc = summed.began_utc
    return Attendance(
        session=record.id, title=record.title, state=record.state, starts_at=record.starts_at,
        began_at=None if began_utc is None else _moment(began_utc), lesson_s=summed.lesson_s,
        classrooms=_classrooms(record, summed.attended, going_on),
        people=[_person(item, going_on) for item in people[:PEOPLE_LIMIT]],
        left_out=max(0, len(people) - PEOPLE_LIMIT),
        guests=sum(_is_guest(item) for item in summed.attended),
        counts=summed.counts,
    )  # fmt: skip


def _is_guest(item: Attended) -> bool:
    return not item.identity.startswith((CLASSROOM, PERSON))


def _classrooms(
    record: SessionRecord, attended: Sequence[Attended], going_on: bool
) -> list[ClassroomPresence]:
    """List the invited ones, then others that came.

    A room where the lesson is given is left out when its device was not in the room: the lesson
    itself shows that somebody taught there.
    """
    seen = {
        item.identity.removeprefix(CLASSROOM): item
        for item in attended
        if item.identity.startswith(CLASSROOM)
    }
    found: list[ClassroomPresence] = []
    for room in record.rooms:
        item = seen.pop(room["id"], None)
        if item is not None or room["part"] == "listening":
            school = Named(room["school_id"], room["school_name"])
            found.append(ClassroomPresence(
                id=room["id"], name=room["name"], school=school, part=room["part"],
                **_presence(item, going_on),
            ))  # fmt: skip
    for key, item in seen.items():
        found.append(ClassroomPresence(
            id=key, name=item.name, school=None, part="", **_presence(item, going_on)
        ))  # fmt: skip
    return found


def _person(item: Attended, going_on: bool) -> PersonPresence:
    return PersonPresence(
        id=item.identity.removeprefix(PERSON), name=item.name, role=item.role.value,
        **_presence(item, going_on),
    )  # fmt: skip


def _presence(item: Attended | None, going_on: bool) -> dict[str, Any]:
    if item is None:
        return {}
    return {
        "first_seen": _moment(item.first_utc), "last_seen": _moment(item.last_utc),
        "present_s": item.present_s, "here": item.here and going_on, "hands": item.hands,
        "floors": item.floors, "questions": item.questions, "votes": item.votes,
    }  # fmt: skip


def _moment(utc: float) -> datetime:
    return datetime.fromtimestamp(utc, UTC)
