"""The registry as JSON: what is shown, and what is asked when something is added or changed.

In what is asked, places are ids; a field that is left out of a change stays as it is.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from catalog.db.registry import Row
from catalog.http.lesson_json import Named
from catalog.http.listing import Id, IdOrNone, ListQuery
from catalog.text import NAME_LIMIT_CHARS, PROSE_LIMIT_CHARS

Name = Annotated[str, Meta(max_length=NAME_LIMIT_CHARS)]
Prose = Annotated[str, Meta(max_length=PROSE_LIMIT_CHARS)]
Setting = Literal["urban", "rural"]
Maybe = UnsetType


class School(Named):
    """A school."""

    district: Named
    group: Named | None
    setting: Setting


class Classroom(Named):
    """A classroom."""

    school: Named


class Pair(msgspec.Struct):
    """A city school and a country school that teach together from `since` until before `until`."""

    id: str
    urban_school: Named
    rural_school: Named
    since: date
    until: date | None


class Series(Named):
    """A series of lessons; `lesson_count` leaves deleted lessons out."""

    programme: str
    parent_id: str | None
    description: str
    lesson_count: int


class NewNamed(msgspec.Struct, forbid_unknown_fields=True):
    """A district or group to add."""

    name: Name


class NamedChange(msgspec.Struct, forbid_unknown_fields=True):
    """A district or group to rename."""

    name: Name | Maybe = UNSET


class NewSchool(msgspec.Struct, forbid_unknown_fields=True):
    """A school to add."""

    name: Name
    district: Id
    setting: Setting
    group: Id | None = None


class SchoolChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of a school."""

    name: Name | Maybe = UNSET
    district: Id | Maybe = UNSET
    setting: Setting | Maybe = UNSET
    group: Id | Maybe | None = UNSET


class NewClassroom(msgspec.Struct, forbid_unknown_fields=True):
    """A classroom to add."""

    name: Name
    school: Id


class ClassroomChange(msgspec.Struct, forbid_unknown_fields=True):
    """A classroom to rename."""

    name: Name | Maybe = UNSET


class NewPair(msgspec.Struct, forbid_unknown_fields=True):
    """A pair to make, from today unless said otherwise."""

    urban_school: Id
    rural_school: Id
    since: date | None = None
    until: date | None = None


class PairChange(msgspec.Struct, forbid_unknown_fields=True):
    """When a pair begins or ends."""

    since: date | Maybe = UNSET
    until: date | Maybe | None = UNSET


class NewSeries(msgspec.Struct, forbid_unknown_fields=True):
    """A series to add."""

    name: Name
    programme: Name = ""
    parent_id: Id | None = None
    description: Prose = ""


class SeriesChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of a series."""

    name: Name | Maybe = UNSET
    programme: Name | Maybe = UNSET
    parent_id: Id | Maybe | None = UNSET
    description: Prose | Maybe = UNSET


class SchoolQuery(ListQuery):
    """Which schools."""

    district: IdOrNone = ""
    group: IdOrNone = ""
    setting: Setting | Literal[""] = ""


class ClassroomQuery(ListQuery):
    """Which classrooms."""

    district: IdOrNone = ""
    group: IdOrNone = ""
    school: IdOrNone = ""


class PairQuery(ListQuery):
    """Which pairs: those of a school or district, on either side."""

    district: IdOrNone = ""
    school: IdOrNone = ""


class SeriesQuery(ListQuery):
    """Which series."""

    parent: IdOrNone = ""
    programme: Name = ""


def named(row: Row) -> Named:
    """Show a district or group."""
    return Named(row["id"], row["name"])


def school(row: Row) -> School:
    """Show a school."""
    group = Named(row["group_id"], row["group_name"]) if row["group_id"] else None
    district = Named(row["district_id"], row["district_name"])
    return School(row["id"], row["name"], district, group, row["setting"])


def classroom(row: Row) -> Classroom:
    """Show a classroom."""
    return Classroom(row["id"], row["name"], Named(row["school_id"], row["school_name"]))


def pair(row: Row) -> Pair:
    """Show a pair."""
    urban = Named(row["urban_school_id"], row["urban_school_name"])
    rural = Named(row["rural_school_id"], row["rural_school_name"])
    return Pair(row["id"], urban, rural, row["since"], row["until"])


def series(row: Row) -> Series:
    """Show a series."""
    return Series(row["id"], row["name"], row["programme"], row["parent_id"],
                  row["description"], row["lesson_count"])  # fmt: skip


def given(asked: msgspec.Struct) -> dict[str, Any]:
    """Give the fields of a change that were not left out."""
    return {k: v for k, v in msgspec.structs.asdict(asked).items() if v is not UNSET}
