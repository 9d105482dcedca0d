"""Who may change the registry: districts, groups, schools, classrooms, pairs, series, people. Pure.

Three ranks have officers: the city (administrator), a district, a school. An officer rules what
lies inside the own place and appoints ranks below the own one. The day is in the `Viewer`, who
carries only what is in force. Watching and editing lessons: catalog/people.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from catalog.errors import Invalid, NoRight
from catalog.people import Affiliation, Role, Viewer

_STAFF = frozenset({Role.TEACHER, Role.RESEARCHER, Role.CLASSROOM, Role.PUPIL})
APPOINTS: dict[Role, frozenset[Role]] = {
    Role.ADMINISTRATOR: frozenset(Role),
    Role.DISTRICT: _STAFF | {Role.SCHOOL},
    Role.SCHOOL: _STAFF,
}
OFFICERS = frozenset(APPOINTS)


@dataclass(frozen=True, slots=True)
class Place:
    """A school (with its district), or a district alone, or neither: the whole city."""

    district_id: str | None = None
    school_id: str | None = None


def rules(viewer: Viewer, place: Place) -> bool:
    """Tell whether the viewer is an officer over that place."""
    return any(_holds(own, place) for own in viewer.affiliations)


def _holds(own: Affiliation, place: Place) -> bool:
    if own.role is Role.ADMINISTRATOR:
        return True
    if own.role is Role.DISTRICT:
        return own.district_id is not None and own.district_id == place.district_id
    if own.role is Role.SCHOOL:
        return own.school_id is not None and own.school_id == place.school_id
    return False


def may_change_city(viewer: Viewer) -> bool:
    """Districts and education groups are the city's own."""
    return viewer.has(Role.ADMINISTRATOR)


def may_change_school(viewer: Viewer, district_id: str) -> bool:
    """A school is founded, renamed, moved or closed by its district (both, when it moves)."""
    return rules(viewer, Place(district_id))


def may_change_classroom(viewer: Viewer, school: Place) -> bool:
    """A classroom is the school's affair, or its district's."""
    return rules(viewer, school)


def may_change_pair(viewer: Viewer, urban: Place, rural: Place) -> bool:
    """A pair binds two schools: only one who rules the districts of both may make or end it."""
    return all(rules(viewer, Place(school.district_id)) for school in (urban, rural))


def may_change_series(viewer: Viewer) -> bool:
    """Series belong to the city; district officers keep theirs beside the city's."""
    return viewer.has(Role.ADMINISTRATOR, Role.DISTRICT)


def may_see_people(viewer: Viewer) -> bool:
    """Only officers see the list of people, each of the own place."""
    return viewer.has(*OFFICERS)


def may_appoint(viewer: Viewer, item: Affiliation) -> bool:
    """Tell whether the viewer may give or end this role at this place."""
    place = Place(item.district_id, item.school_id)
    return any(
        item.role in APPOINTS.get(own.role, ()) and _holds(own, place)
        for own in viewer.affiliations
    )


def may_govern(viewer: Viewer, theirs: Iterable[Affiliation], day: date) -> bool:
    """Tell whether the viewer may rename, disable or reset this person.

    That is power over all that the person may do, so it needs the right to appoint each of the
    affiliations that hold or are still to come; of one who has none left, each of the past ones.
    """
    known = tuple(theirs)
    if viewer.has(Role.ADMINISTRATOR):
        return True
    open_ones = tuple(a for a in known if a.until is None or a.until > day)
    deciding = open_ones or known
    return bool(deciding) and all(may_appoint(viewer, item) for item in deciding)


def may_take_on(
    viewer: Viewer, item: Affiliation, theirs: Iterable[Affiliation], day: date
) -> bool:
    """Tell whether the viewer may give this affiliation to a person who has `theirs`.

    Someone active elsewhere can be taken on by any school; the account of one who has left is not
    up for the taking, or a stranger could reset it and own the lessons.
    """
    known = tuple(theirs)
    active = any(a.until is None or a.until > day for a in known)
    return may_appoint(viewer, item) and (active or may_govern(viewer, known, day))


_CITY_WIDE = frozenset({Role.ADMINISTRATOR, Role.RESEARCHER, Role.PUPIL})
_OF_DISTRICT = frozenset({Role.DISTRICT, Role.RESEARCHER})
_OF_SCHOOL = frozenset({Role.SCHOOL, Role.TEACHER, Role.RESEARCHER, Role.PUPIL})


def check_affiliation(item: Affiliation) -> None:
    """Raise Invalid when the role does not go with the kind of place, or it ends before it begins.

    `item` as it was asked for: a school's district has not been filled in.
    """
    if item.until is not None and item.until <= item.since:
        raise Invalid(
            "until must be later than since: it is the first day that the role no longer holds",
            {"until": "must be later than since"},
        )
    given = [name for name in ("district", "school", "classroom") if getattr(item, f"{name}_id")]
    wanted = _wanted_places(item.role)
    if (given[0] if given else "city") not in wanted or len(given) > 1:
        what = " or ".join("no place" if w == "city" else f"a {w}" for w in wanted)
        raise Invalid(
            f"the role {item.role.value} needs {what}, and only that", {"role": f"needs {what}"}
        )


def _wanted_places(role: Role) -> list[str]:
    if role is Role.CLASSROOM:
        return ["classroom"]
    table = {"school": _OF_SCHOOL, "district": _OF_DISTRICT, "city": _CITY_WIDE}
    return [kind for kind, roles in table.items() if role in roles]


def require(allowed: bool, sentence: str) -> None:
    """Raise NoRight with this sentence unless allowed."""
    if not allowed:
        raise NoRight(sentence)
