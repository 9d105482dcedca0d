"""Who may do what, where, on which day: one table of people, actions and dates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from catalog.errors import Invalid, NoRight
from catalog.people import (
    GUEST,
    Affiliation,
    LessonPlace,
    Role,
    Viewer,
    city_day,
    may_edit,
    may_upload,
    may_watch,
    viewer_on,
)
from catalog.rights import (
    Place,
    check_affiliation,
    may_appoint,
    may_change_city,
    may_change_classroom,
    may_change_pair,
    may_change_school,
    may_change_series,
    may_govern,
    may_see_people,
    may_take_on,
    require,
)

START, MOVE, TODAY, LATER = (
    date(2024, 9, 1), date(2026, 9, 1), date(2026, 11, 23), date(2027, 2, 1),
)  # fmt: skip
CITY_SCHOOL = Place("shinan", "s1")
OTHER_SCHOOL = Place("shinan", "s2")
FAR_SCHOOL = Place("pingdu", "s9")


CITY = Place()


def at(role: Role, place: Place = CITY, since: date = START, until: date | None = None,
       group: str | None = None) -> Affiliation:  # fmt: skip
    return Affiliation(role, since, until, place.school_id, place.district_id, group)


PEOPLE: dict[str, tuple[Affiliation, ...]] = {
    "administrator": (at(Role.ADMINISTRATOR),),
    "district officer": (at(Role.DISTRICT, Place("shinan")),),
    "far district officer": (at(Role.DISTRICT, Place("pingdu")),),
    "officer of both districts": (
        at(Role.DISTRICT, Place("shinan")), at(Role.DISTRICT, Place("pingdu"))),
    "head": (at(Role.SCHOOL, CITY_SCHOOL),),
    "head of several": (at(Role.SCHOOL, CITY_SCHOOL), at(Role.SCHOOL, FAR_SCHOOL)),
    "teacher": (at(Role.TEACHER, CITY_SCHOOL),),
    "teacher who moved": (
        at(Role.TEACHER, CITY_SCHOOL, until=MOVE), at(Role.TEACHER, FAR_SCHOOL, since=MOVE)),
    "teacher of two": (at(Role.TEACHER, CITY_SCHOOL), at(Role.TEACHER, FAR_SCHOOL)),
    "teacher to come": (at(Role.TEACHER, CITY_SCHOOL, since=LATER),),
    "city researcher": (at(Role.RESEARCHER),),
    "district researcher": (at(Role.RESEARCHER, Place("shinan")),),
    "posted researcher": (at(Role.RESEARCHER, FAR_SCHOOL, since=MOVE, until=LATER),),
    "classroom": (at(Role.CLASSROOM, CITY_SCHOOL),),
    "pupil": (at(Role.PUPIL, CITY_SCHOOL),),
}  # fmt: skip


def viewer(who: str, day: date = TODAY) -> Viewer:
    return GUEST if who == "guest" else viewer_on(day, who, who, PEOPLE[who])


def lesson(place: Place, visibility: str, owner: str = "someone", group: str = "") -> LessonPlace:
    return LessonPlace(owner, place.school_id, place.district_id, group or None, visibility)


ACTIONS: dict[str, tuple[Callable[[Viewer], bool], set[str]]] = {
    "upload": (may_upload, {
        "administrator", "district officer", "far district officer", "officer of both districts",
        "head", "head of several", "teacher", "teacher who moved", "teacher of two"}),
    "edit a lesson of the city school": (lambda v: may_edit(v, lesson(CITY_SCHOOL, "public")), {
        "administrator", "district officer", "officer of both districts", "head",
        "head of several"}),
    "edit a lesson of the far school": (lambda v: may_edit(v, lesson(FAR_SCHOOL, "public")), {
        "administrator", "far district officer", "officer of both districts", "head of several"}),
    "edit the mover's old lesson": (
        lambda v: may_edit(v, lesson(CITY_SCHOOL, "school", owner="teacher who moved")), {
        "administrator", "district officer", "officer of both districts", "head",
        "head of several", "teacher who moved"}),
    "watch a city lesson": (lambda v: may_watch(v, lesson(FAR_SCHOOL, "city")), set(PEOPLE)),
    "watch a lesson of the city school": (lambda v: may_watch(v, lesson(CITY_SCHOOL, "school")), {
        "administrator", "district officer", "officer of both districts", "head",
        "head of several", "teacher", "teacher of two", "classroom", "pupil", "city researcher",
        "district researcher"}),
    "watch a lesson of the far school": (lambda v: may_watch(v, lesson(FAR_SCHOOL, "school")), {
        "administrator", "far district officer", "officer of both districts", "head of several",
        "teacher who moved", "teacher of two", "city researcher", "posted researcher"}),
    "watch a private lesson": (lambda v: may_watch(v, lesson(CITY_SCHOOL, "private")), {
        "administrator", "district officer", "officer of both districts", "head",
        "head of several"}),
    "change the city": (may_change_city, {"administrator"}),
    "change a school": (lambda v: may_change_school(v, "shinan"), {
        "administrator", "district officer", "officer of both districts"}),
    "change a classroom": (lambda v: may_change_classroom(v, CITY_SCHOOL), {
        "administrator", "district officer", "officer of both districts", "head",
        "head of several"}),
    "pair two districts' schools": (lambda v: may_change_pair(v, CITY_SCHOOL, FAR_SCHOOL), {
        "administrator", "officer of both districts"}),
    "pair schools of one district": (lambda v: may_change_pair(v, CITY_SCHOOL, OTHER_SCHOOL), {
        "administrator", "district officer", "officer of both districts"}),
    "change series": (may_change_series, {
        "administrator", "district officer", "far district officer", "officer of both districts"}),
    "see people": (may_see_people, {
        "administrator", "district officer", "far district officer", "officer of both districts",
        "head", "head of several"}),
    "appoint an administrator": (lambda v: may_appoint(v, at(Role.ADMINISTRATOR)), {
        "administrator"}),
    "appoint a district officer": (lambda v: may_appoint(v, at(Role.DISTRICT, Place("shinan"))), {
        "administrator"}),
    "appoint a head": (lambda v: may_appoint(v, at(Role.SCHOOL, CITY_SCHOOL)), {
        "administrator", "district officer", "officer of both districts"}),
    "appoint a teacher": (lambda v: may_appoint(v, at(Role.TEACHER, CITY_SCHOOL)), {
        "administrator", "district officer", "officer of both districts", "head",
        "head of several"}),
    "appoint a city researcher": (lambda v: may_appoint(v, at(Role.RESEARCHER)), {
        "administrator"}),
    "govern the teacher of two": (lambda v: may_govern(v, PEOPLE["teacher of two"], TODAY), {
        "administrator", "officer of both districts", "head of several"}),
    "govern the teacher who moved": (
        lambda v: may_govern(v, PEOPLE["teacher who moved"], TODAY), {
        "administrator", "far district officer", "officer of both districts", "head of several"}),
    "govern a head": (lambda v: may_govern(v, PEOPLE["head"], TODAY), {
        "administrator", "district officer", "officer of both districts"}),
    "govern one who left": (
        lambda v: may_govern(v, (at(Role.TEACHER, CITY_SCHOOL, until=MOVE),), TODAY), {
        "administrator", "district officer", "officer of both districts", "head",
        "head of several"}),
    "take on a teacher from elsewhere": (
        lambda v: may_take_on(v, at(Role.TEACHER, CITY_SCHOOL), PEOPLE["posted researcher"], TODAY),
        {"administrator", "district officer", "officer of both districts", "head",
         "head of several"}),
    "take on one who left another school": (
        lambda v: may_take_on(v, at(Role.TEACHER, CITY_SCHOOL),
                              (at(Role.TEACHER, FAR_SCHOOL, until=MOVE),), TODAY),
        {"administrator", "officer of both districts", "head of several"}),
    "govern one who never was anywhere": (lambda v: may_govern(v, (), TODAY), {"administrator"}),
}  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS)
def test_exactly_these_people_may(action: str) -> None:
    allowed, expected = ACTIONS[action]
    assert {who for who in (*PEOPLE, "guest") if allowed(viewer(who))} == expected


def may_watch_there(who: str, day: date, place: Place) -> bool:
    return may_watch(viewer(who, day), lesson(place, "school"))


@pytest.mark.parametrize(
    ("who", "day", "place", "may"),
    [
        ("teacher who moved", date(2026, 8, 31), CITY_SCHOOL, True),
        ("teacher who moved", date(2026, 8, 31), FAR_SCHOOL, False),
        ("teacher who moved", MOVE, CITY_SCHOOL, False),
        ("teacher who moved", MOVE, FAR_SCHOOL, True),
        ("teacher to come", TODAY, CITY_SCHOOL, False),
        ("teacher to come", LATER, CITY_SCHOOL, True),
        ("posted researcher", date(2026, 8, 31), FAR_SCHOOL, False),
        ("posted researcher", TODAY, FAR_SCHOOL, True),
        ("posted researcher", LATER, FAR_SCHOOL, False),
        ("posted researcher", TODAY, CITY_SCHOOL, False),
    ],
)
def test_rights_follow_the_person_with_dates(who: str, day: date, place: Place, may: bool) -> None:
    assert may_watch_there(who, day, place) is may


def test_a_group_shares_among_its_schools() -> None:
    shared = lesson(CITY_SCHOOL, "group", group="g1")
    fellow = viewer_on(TODAY, "p", "p", (at(Role.TEACHER, OTHER_SCHOOL, group="g1"),))
    assert may_watch(fellow, shared)
    assert not may_watch(viewer("teacher who moved"), shared)
    assert not may_watch(fellow, replace(shared, visibility="school"))


def test_nobody_is_a_fellow_of_places_that_are_not_set() -> None:
    nowhere = viewer_on(TODAY, "p", "p", (at(Role.SCHOOL), at(Role.DISTRICT), at(Role.TEACHER)))
    lost = LessonPlace(None, None, None, None, "school")
    assert not may_edit(nowhere, lost)
    assert not may_watch(nowhere, lost)
    assert not may_change_classroom(nowhere, Place())
    assert not may_edit(GUEST, LessonPlace("", None, None, None, "private"))


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.ADMINISTRATOR, {"city"}),
        (Role.DISTRICT, {"district"}),
        (Role.SCHOOL, {"school"}),
        (Role.TEACHER, {"school"}),
        (Role.RESEARCHER, {"city", "district", "school"}),
        (Role.CLASSROOM, {"classroom"}),
        (Role.PUPIL, {"city", "school"}),
    ],
)
def test_a_role_goes_with_its_kind_of_place(role: Role, kinds: set[str]) -> None:
    places = {
        "city": Affiliation(role, START),
        "district": Affiliation(role, START, district_id="d"),
        "school": Affiliation(role, START, school_id="s"),
        "classroom": Affiliation(role, START, classroom_id="c"),
        "two": Affiliation(role, START, school_id="s", district_id="d"),
    }
    for kind, item in places.items():
        if kind in kinds:
            check_affiliation(item)
        else:
            with pytest.raises(Invalid, match="needs"):
                check_affiliation(item)


def test_an_affiliation_ends_after_it_begins() -> None:
    with pytest.raises(Invalid, match="later than since"):
        check_affiliation(at(Role.ADMINISTRATOR, until=START))


def test_the_city_s_day_begins_at_its_own_midnight() -> None:
    noon_before = 1_795_363_200.0  # 2026-11-22T16:00:00Z
    assert city_day(noon_before) == date(2026, 11, 23)
    assert city_day(noon_before - 1) == date(2026, 11, 22)


def test_require_says_why() -> None:
    require(True, "never seen")
    with pytest.raises(NoRight, match="ask the district"):
        require(False, "ask the district")
