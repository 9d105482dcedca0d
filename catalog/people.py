"""People, what they are where, and what follows from it. Pure; the day is an argument.

A person's rights come from dated affiliations: a role, at a place, from a day until its end.
`Viewer` is one person on one day, with the affiliations that hold then; a guest has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum

CITY_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")


class Role(Enum):
    """What a person (or a classroom's device) is at a place."""

    ADMINISTRATOR = "administrator"
    DISTRICT = "district"
    SCHOOL = "school"
    TEACHER = "teacher"
    RESEARCHER = "researcher"
    CLASSROOM = "classroom"
    PUPIL = "pupil"


UPLOADERS = frozenset({Role.ADMINISTRATOR, Role.DISTRICT, Role.SCHOOL, Role.TEACHER})


@dataclass(frozen=True, slots=True)
class Affiliation:
    """A role at a place from `since` to the day before `until`; the school's place comes along."""

    role: Role
    since: date
    until: date | None = None
    school_id: str | None = None
    district_id: str | None = None
    group_id: str | None = None
    classroom_id: str | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether it is in force on that day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking, today. person_id is "" for a guest."""

    person_id: str = ""
    name: str = ""
    affiliations: tuple[Affiliation, ...] = ()

    @property
    def signed_in(self) -> bool:
        """Tell whether this is a known person."""
        return self.person_id != ""

    def has(self, *roles: Role) -> bool:
        """Tell whether any affiliation is of one of these roles."""
        return any(item.role in roles for item in self.affiliations)


GUEST = Viewer()


def viewer_on(day: date, person_id: str, name: str, affiliations: Iterable[Affiliation]) -> Viewer:
    """Give the person as of that day: with the affiliations in force then and no others."""
    return Viewer(person_id, name, tuple(a for a in affiliations if a.holds_on(day)))


def city_day(now_utc: float) -> date:
    """Give the city's calendar day at a wall time (Unix seconds); rights begin at its midnight."""
    return datetime.fromtimestamp(now_utc, UTC).astimezone(CITY_ZONE).date()


@dataclass(frozen=True, slots=True)
class LessonPlace:
    """What of a lesson decides who may see or change it."""

    owner_id: str | None
    school_id: str | None
    district_id: str | None
    group_id: str | None
    visibility: str


def may_upload(viewer: Viewer) -> bool:
    """Tell whether this person may add lessons."""
    return viewer.has(*UPLOADERS)


def may_edit(viewer: Viewer, lesson: LessonPlace) -> bool:
    """Owner, the school's or district's officer, or an administrator."""
    if viewer.signed_in and viewer.person_id == lesson.owner_id:
        return True
    return any(_governs(item, lesson) for item in viewer.affiliations)


def _governs(item: Affiliation, lesson: LessonPlace) -> bool:
    if item.role is Role.ADMINISTRATOR:
        return True
    if item.role is Role.DISTRICT:
        return item.district_id is not None and item.district_id == lesson.district_id
    if item.role is Role.SCHOOL:
        return item.school_id is not None and item.school_id == lesson.school_id
    return False


def may_watch(viewer: Viewer, lesson: LessonPlace) -> bool:
    """Public: everyone. City: signed in. Group, school: those affiliated. Private: editors.

    A researcher of the city or of the lesson's district listens to all but private lessons.
    """
    if lesson.visibility == "public" or may_edit(viewer, lesson):
        return True
    if lesson.visibility == "city":
        return viewer.signed_in
    if lesson.visibility != "private" and any(_listens(a, lesson) for a in viewer.affiliations):
        return True
    group = lesson.group_id if lesson.visibility == "group" else None
    school = lesson.school_id if lesson.visibility in ("group", "school") else None
    return any(
        (group and item.group_id == group) or (school and item.school_id == school)
        for item in viewer.affiliations
    )


def _listens(item: Affiliation, lesson: LessonPlace) -> bool:
    # One who is posted to a school sees what that school sees, like everyone else there.
    if item.role is not Role.RESEARCHER or item.school_id:
        return False
    return not item.district_id or item.district_id == lesson.district_id
