"""Who may book, run, join and see sessions. Pure; the day is in the `Viewer`.

book     officers of the school; its teachers, for themselves; researchers, research
invite   own school, own group, a school that is paired with it; or whoever rules the other
run      its teachers, who booked it, officers of its school, the device in the main classroom
join     all when it is open; else who runs or speaks, invited classrooms and everyone of their
         school or group, officers over one of these, researchers of the city or the district
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from catalog.live import RoomRole
from catalog.people import Affiliation, Role, Viewer
from catalog.rights import Place, rules
from catalog.session import SessionKind


@dataclass(frozen=True, slots=True)
class School:
    """A school as rights see it."""

    id: str
    district_id: str
    group_id: str | None = None

    @property
    def place(self) -> Place:
        """The school and its district."""
        return Place(self.district_id, self.id)


@dataclass(frozen=True, slots=True)
class Room:
    """A classroom of a session: its part is main, second or listening."""

    id: str
    school: School
    part: str = "listening"


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """What of a session decides who may do what."""

    created_by: str | None
    open_to_all: bool
    school: School | None = None
    rooms: tuple[Room, ...] = ()
    people: tuple[tuple[str, str], ...] = ()

    def schools(self) -> tuple[School, ...]:
        """Give the school it belongs to and those of its classrooms."""
        own = (self.school,) if self.school else ()
        return own + tuple(room.school for room in self.rooms)

    def part_of(self, person: str) -> str:
        """Give a person's part: teacher, second_teacher, speaker, or nothing."""
        return next((part for key, part in self.people if key == person and key), "")


_TEACHES = frozenset({"teacher", "second_teacher"})


def may_book(viewer: Viewer, kind: SessionKind, school: School | None, teacher_id: str) -> bool:
    """Tell whether the viewer may book for that school (None: the city) and teacher."""
    if rules(viewer, school.place if school else Place()):
        return True
    if teacher_id != viewer.person_id or not viewer.signed_in:
        return False
    if kind is SessionKind.RESEARCH and any(_researches(a, school) for a in viewer.affiliations):
        return True
    return school is not None and any(
        a.role is Role.TEACHER and a.school_id == school.id for a in viewer.affiliations
    )


def may_invite(
    viewer: Viewer, room: School, school: School | None, paired: Collection[str]
) -> bool:
    """Tell whether a classroom of school `room` may be invited; `paired` are ids of schools."""
    if rules(viewer, room.place):
        return True
    if school is None:
        return False
    grouped = room.group_id is not None and room.group_id == school.group_id
    return room.id == school.id or grouped or room.id in paired


def may_run(viewer: Viewer, session: SessionPlace) -> bool:
    """Tell whether the viewer may see the keys, open the room, end, change and cancel."""
    if not viewer.signed_in:
        return False
    if viewer.person_id == session.created_by or session.part_of(viewer.person_id) in _TEACHES:
        return True
    if rules(viewer, session.school.place if session.school else Place()):
        return True
    return any(room.part != "listening" and _is_device(viewer, room) for room in session.rooms)


def may_join(viewer: Viewer, session: SessionPlace) -> bool:
    """Tell whether the viewer may see the session and take part."""
    if session.open_to_all or may_run(viewer, session):
        return True
    if viewer.signed_in and session.part_of(viewer.person_id):
        return True
    return any(
        _belongs(item, school) for item in viewer.affiliations for school in session.schools()
    ) or any(_city_wide(item) for item in viewer.affiliations)


def room_role(viewer: Viewer, session: SessionPlace) -> RoomRole | None:
    """Give what the viewer is in the session's room; None for one who may not join."""
    if may_run(viewer, session):
        return RoomRole.TEACHER
    if session.part_of(viewer.person_id) == "speaker":
        return RoomRole.SPEAKER
    if any(_is_device(viewer, room) for room in session.rooms):
        return RoomRole.CLASSROOM
    return RoomRole.VIEWER if may_join(viewer, session) else None


def _is_device(viewer: Viewer, room: Room) -> bool:
    return any(a.role is Role.CLASSROOM and a.classroom_id == room.id for a in viewer.affiliations)


def _belongs(item: Affiliation, school: School) -> bool:
    if item.school_id:
        grouped = school.group_id is not None and item.group_id == school.group_id
        return item.school_id == school.id or grouped
    return item.role in _OVER_DISTRICT and item.district_id == school.district_id


_OVER_DISTRICT = frozenset({Role.DISTRICT, Role.RESEARCHER})


def _city_wide(item: Affiliation) -> bool:
    if item.role is Role.ADMINISTRATOR:
        return True
    return item.role is Role.RESEARCHER and not item.school_id and not item.district_id


def _researches(item: Affiliation, school: School | None) -> bool:
    if item.role is not Role.RESEARCHER or school is None:
        return item.role is Role.RESEARCHER
    if item.school_id:
        return item.school_id == school.id
    return not item.district_id or item.district_id == school.district_id
