"""The table of who may book, invite, run, join a session, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.live import RoomRole
from catalog.people import GUEST, Affiliation, Role, Viewer
from catalog.session import SessionKind
from catalog.session_grants import may_publish, session_grant
from catalog.session_rights import (
    Room,
    School,
    SessionPlace,
    may_book,
    may_invite,
    may_join,
    may_run,
    room_role,
)
from tests.support.lessons import SINCE

URBAN = School("urban", "shinan", "group")
SISTER = School("sister", "shinan", "group")
RURAL = School("rural", "pingdu")
OTHER = School("other", "pingdu")
PLACE = SessionPlace(
    "booker", False, URBAN, (Room("main", URBAN, "main"), Room("far", RURAL)),
    (("teacher", "teacher"), ("second", "second_teacher"), ("guestspeaker", "speaker")),
)  # fmt: skip
OPEN = SessionPlace("booker", True, URBAN)
T, S, V, C = RoomRole.TEACHER, RoomRole.SPEAKER, RoomRole.VIEWER, RoomRole.CLASSROOM


def who(person: str = "someone", *held: Affiliation) -> Viewer:
    return Viewer(person, "某人", held)


def at(role: Role, school: School | None = None, **place: Any) -> Affiliation:
    if school:
        place |= {"school_id": school.id, "district_id": school.district_id,
                  "group_id": school.group_id}  # fmt: skip
    return Affiliation(role, SINCE, **place)


PEOPLE: dict[str, tuple[Viewer, RoomRole | None]] = {
    "guest": (GUEST, None),
    "nobody": (who(), None),
    "booker": (who("booker"), T),
    "teacher": (who("teacher"), T),
    "second teacher": (who("second"), T),
    "speaker from elsewhere": (who("guestspeaker"), S),
    "administrator": (who("a", at(Role.ADMINISTRATOR)), T),
    "officer of the school": (who("a", at(Role.SCHOOL, URBAN)), T),
    "officer of its district": (who("a", at(Role.DISTRICT, district_id="shinan")), T),
    "officer of the far school": (who("a", at(Role.SCHOOL, RURAL)), V),
    "officer of the far district": (who("a", at(Role.DISTRICT, district_id="pingdu")), V),
    "officer of a third district": (who("a", at(Role.DISTRICT, district_id="jimo")), None),
    "colleague": (who("a", at(Role.TEACHER, URBAN)), V),
    "teacher of the group": (who("a", at(Role.TEACHER, SISTER)), V),
    "pupil of the far school": (who("a", at(Role.PUPIL, RURAL)), V),
    "pupil of the far district": (who("a", at(Role.PUPIL, OTHER)), None),
    "pupil of the city": (who("a", at(Role.PUPIL)), None),
    "researcher of the city": (who("a", at(Role.RESEARCHER)), V),
    "researcher of the district": (who("a", at(Role.RESEARCHER, district_id="pingdu")), V),
    "researcher elsewhere": (who("a", at(Role.RESEARCHER, district_id="jimo")), None),
    "researcher posted elsewhere": (who("a", at(Role.RESEARCHER, OTHER)), None),
    "device of the main classroom": (who("d", at(Role.CLASSROOM, URBAN, classroom_id="main")), T),
    "device of the far classroom": (who("d", at(Role.CLASSROOM, RURAL, classroom_id="far")), C),
    "device of the next classroom": (who("d", at(Role.CLASSROOM, RURAL, classroom_id="x")), V),
    "device of a stranger": (who("d", at(Role.CLASSROOM, OTHER, classroom_id="y")), None),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_who_may_join_and_as_what(name: str) -> None:
    viewer, role = PEOPLE[name]
    assert room_role(viewer, PLACE) is role
    assert may_join(viewer, PLACE) is (role is not None)
    assert may_run(viewer, PLACE) is (role is T)


@pytest.mark.parametrize("name", PEOPLE)
def test_everyone_joins_what_is_open(name: str) -> None:
    viewer, _ = PEOPLE[name]
    assert may_join(viewer, OPEN)
    assert room_role(viewer, OPEN) is not None


def test_a_guest_is_not_the_booker_of_what_nobody_booked() -> None:
    nobodys = SessionPlace(None, False, None, (), (("", "teacher"),))
    assert not may_run(GUEST, nobodys)
    assert not may_join(who(), nobodys)


def test_schools_without_a_group_are_not_one_group() -> None:
    lonely = School("lonely", "jimo")
    place = SessionPlace("booker", False, lonely)
    assert not may_join(who("a", at(Role.TEACHER, RURAL)), place)
    assert not may_invite(who("a", at(Role.TEACHER, lonely)), RURAL, lonely, set())


_K = SessionKind
TEACHER = who("t", at(Role.TEACHER, URBAN))
MOVED = Viewer("t", "", (at(Role.TEACHER, RURAL), at(Role.RESEARCHER, district_id="shinan")))


@pytest.mark.parametrize(
    ("viewer", "kind", "school", "teacher", "may"),
    [
        (TEACHER, _K.SYNC_CLASS, URBAN, "t", True),
        (TEACHER, _K.SYNC_CLASS, URBAN, "other", False),
        (TEACHER, _K.SYNC_CLASS, RURAL, "t", False),
        (TEACHER, _K.OPEN_CLASS, None, "t", False),
        (who("o", at(Role.SCHOOL, URBAN)), _K.SYNC_CLASS, URBAN, "t", True),
        (who("o", at(Role.SCHOOL, URBAN)), _K.SYNC_CLASS, SISTER, "t", False),
        (who("o", at(Role.DISTRICT, district_id="shinan")), _K.OPEN_CLASS, SISTER, "t", True),
        (who("o", at(Role.DISTRICT, district_id="shinan")), _K.OPEN_CLASS, None, "t", False),
        (who("o", at(Role.ADMINISTRATOR)), _K.OPEN_CLASS, None, "t", True),
        (MOVED, _K.RESEARCH, URBAN, "t", True),
        (MOVED, _K.RESEARCH, RURAL, "t", True),
        (MOVED, _K.RESEARCH, None, "t", True),
        (MOVED, _K.OPEN_CLASS, URBAN, "t", False),
        (who("p", at(Role.PUPIL, URBAN)), _K.SYNC_CLASS, URBAN, "p", False),
        (who("d", at(Role.CLASSROOM, URBAN, classroom_id="main")), _K.SYNC_CLASS, URBAN, "d",
         False),
        (GUEST, _K.OPEN_CLASS, URBAN, "", False),
    ],
)  # fmt: skip
def test_who_may_book(
    viewer: Viewer, kind: SessionKind, school: School | None, teacher: str, may: bool
) -> None:
    assert may_book(viewer, kind, school, teacher) is may


@pytest.mark.parametrize(
    ("viewer", "room", "paired", "may"),
    [
        (TEACHER, URBAN, set(), True),
        (TEACHER, SISTER, set(), True),
        (TEACHER, RURAL, {"rural"}, True),
        (TEACHER, RURAL, set(), False),
        (TEACHER, OTHER, {"rural"}, False),
        (who("o", at(Role.DISTRICT, district_id="pingdu")), OTHER, set(), True),
    ],
)
def test_who_may_be_invited(viewer: Viewer, room: School, paired: set[str], may: bool) -> None:
    assert may_invite(viewer, room, URBAN, paired) is may


def test_without_a_school_only_those_who_rule_invite() -> None:
    assert not may_invite(TEACHER, URBAN, None, {"urban"})
    assert may_invite(who("o", at(Role.ADMINISTRATOR)), URBAN, None, set())


def test_a_grant_names_the_room_of_a_device_and_the_role() -> None:
    rooms = [{"id": "far", "name": "一号教室", "school_name": "田野小学"}]
    device = PEOPLE["device of the far classroom"][0]
    found = session_grant(device, "s", PLACE, rooms, 1000.9, 60)
    assert found is not None
    assert (found.classroom, found.name, found.issued_utc, found.expires_utc) == (
        "far", "田野小学 一号教室", 1000, 1060,
    )  # fmt: skip
    assert not may_publish(found)
    teacher = session_grant(who("teacher"), "s", PLACE, rooms, 1000, 60)
    assert teacher is not None
    assert (teacher.classroom, teacher.name, may_publish(teacher)) == ("", "某人", True)
    assert session_grant(GUEST, "s", PLACE, rooms, 1000, 60) is None
