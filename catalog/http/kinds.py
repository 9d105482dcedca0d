"""The six kinds of the registry: who may add, change or remove each, and what their fields become.

Every kind gives column values for what was asked, or raises `NoRight`, `Invalid` or `Conflict` in a
sentence; catalog/http/registry.py does the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec

from catalog.db.pool import Connection
from catalog.db.registry import (
    CLASSROOMS,
    DISTRICTS,
    GROUPS,
    PAIRS,
    SCHOOLS,
    SERIES,
    Row,
    Table,
    place_of_school,
    series_above,
)
from catalog.errors import Invalid
from catalog.http import registry_json as shapes
from catalog.http.lesson_json import Named
from catalog.http.listing import ListQuery
from catalog.http.registry_json import given
from catalog.people import Viewer
from catalog.rights import (
    Place,
    may_change_city,
    may_change_classroom,
    may_change_pair,
    may_change_school,
    may_change_series,
    require,
)
from catalog.text import line, prose

SERIES_LEVELS = 8


class Kind(ABC):
    """One kind of thing in the registry."""

    path: str
    table: Table
    query: type[ListQuery]
    new: type[msgspec.Struct]
    change: type[msgspec.Struct]
    result: type[msgspec.Struct]

    @staticmethod
    @abstractmethod
    def show(row: Row) -> msgspec.Struct:
        """Give a row as JSON."""

    @abstractmethod
    async def adding(
        self, connection: Connection, viewer: Viewer, asked: Any, day: date
    ) -> dict[str, Any]:
        """Give the columns of a new row."""

    @abstractmethod
    async def changing(
        self, connection: Connection, viewer: Viewer, row: Row, asked: Any
    ) -> dict[str, Any]:
        """Give the columns to set."""

    @abstractmethod
    def removing(self, viewer: Viewer, row: Row) -> None:
        """Raise NoRight unless the viewer may remove the row."""


class CityKind(Kind):
    """Districts and education groups: names that only an administrator changes."""

    query = ListQuery
    new = shapes.NewNamed
    change = shapes.NamedChange
    result = Named
    show = staticmethod(shapes.named)

    def __init__(self, path: str, table: Table) -> None:
        self.path, self.table = path, table

    async def adding(
        self, connection: Connection, viewer: Viewer, asked: shapes.NewNamed, day: date
    ) -> dict[str, Any]:
        """Check right and name."""
        self.removing(viewer, {})
        return _cleaned({"name": asked.name})

    async def changing(
        self, connection: Connection, viewer: Viewer, row: Row, asked: shapes.NamedChange
    ) -> dict[str, Any]:
        """Check right and name."""
        self.removing(viewer, row)
        return _cleaned(given(asked))

    def removing(self, viewer: Viewer, row: Row) -> None:
        """Only an administrator may."""
        require(may_change_city(viewer), f"only an administrator changes a {self.table.noun}")


class SchoolKind(Kind):
    """Schools: their district's officers change them."""

    path, table, query = "schools", SCHOOLS, shapes.SchoolQuery
    new, change, result = shapes.NewSchool, shapes.SchoolChange, shapes.School
    show = staticmethod(shapes.school)

    async def adding(
        self, connection: Connection, viewer: Viewer, asked: shapes.NewSchool, day: date
    ) -> dict[str, Any]:
        """Check the right in the district."""
        _require_district(viewer, asked.district)
        return _cleaned(_renamed(msgspec.structs.asdict(asked), ("district", "group")))

    async def changing(
        self, connection: Connection, viewer: Viewer, row: Row, asked: shapes.SchoolChange
    ) -> dict[str, Any]:
        """Check the right in the present district, and in the new one when it moves."""
        changes = _cleaned(_renamed(given(asked), ("district", "group")))
        for district in {row["district_id"], changes.get("district_id", row["district_id"])}:
            _require_district(viewer, district)
        return changes

    def removing(self, viewer: Viewer, row: Row) -> None:
        """The district's officers may."""
        _require_district(viewer, row["district_id"])


def _require_district(viewer: Viewer, district: str) -> None:
    require(
        may_change_school(viewer, district),
        "only officers of the school's district, or an administrator, change this school",
    )


class ClassroomKind(Kind):
    """Classrooms: their school's officers change them."""

    path, table, query = "classrooms", CLASSROOMS, shapes.ClassroomQuery
    new, change, result = shapes.NewClassroom, shapes.ClassroomChange, shapes.Classroom
    show = staticmethod(shapes.classroom)

    async def adding(
        self, connection: Connection, viewer: Viewer, asked: shapes.NewClassroom, day: date
    ) -> dict[str, Any]:
        """Check the right in the school."""
        self._require(viewer, await _place(connection, asked.school, "school"))
        return _cleaned({"name": asked.name, "school_id": asked.school})

    async def changing(
        self, connection: Connection, viewer: Viewer, row: Row, asked: shapes.ClassroomChange
    ) -> dict[str, Any]:
        """Check right and name."""
        self.removing(viewer, row)
        return _cleaned(given(asked))

    def removing(self, viewer: Viewer, row: Row) -> None:
        """The school's officers may."""
        self._require(viewer, Place(row["district_id"], row["school_id"]))

    def _require(self, viewer: Viewer, school: Place) -> None:
        require(
            may_change_classroom(viewer, school),
            "only officers of this school or its district change its classrooms",
        )


class PairKind(Kind):
    """City–countryside pairs: those who rule both districts change them."""

    path, table, query = "pairs", PAIRS, shapes.PairQuery
    new, change, result = shapes.NewPair, shapes.PairChange, shapes.Pair
    show = staticmethod(shapes.pair)

    async def adding(
        self, connection: Connection, viewer: Viewer, asked: shapes.NewPair, day: date
    ) -> dict[str, Any]:
        """Check that both schools are there, of their kind and different, and the right."""
        urban = await _place(connection, asked.urban_school, "urban_school")
        rural = await _place(connection, asked.rural_school, "rural_school")
        self._require(viewer, urban, rural)
        if urban == rural:
            raise _field("rural_school", "must be another school than urban_school")
        since = asked.since or day
        _check_dates(since, asked.until)
        return {"urban_school_id": urban.school_id, "rural_school_id": rural.school_id,
                "since": since, "until": asked.until}  # fmt: skip

    async def changing(
        self, connection: Connection, viewer: Viewer, row: Row, asked: shapes.PairChange
    ) -> dict[str, Any]:
        """Check right and dates."""
        self.removing(viewer, row)
        dates = {"since": row["since"], "until": row["until"], **given(asked)}
        _check_dates(dates["since"], dates["until"])
        return dates

    def removing(self, viewer: Viewer, row: Row) -> None:
        """Who rules both may."""
        self._require(
            viewer,
            Place(row["urban_district_id"], row["urban_school_id"]),
            Place(row["rural_district_id"], row["rural_school_id"]),
        )

    def _require(self, viewer: Viewer, urban: Place, rural: Place) -> None:
        require(
            may_change_pair(viewer, urban, rural),
            "a pair of two districts is an administrator's affair, one inside a district its "
            "officers'",
        )


class SeriesKind(Kind):
    """Series of lessons: district officers and administrators change them."""

    path, table, query = "series", SERIES, shapes.SeriesQuery
    new, change, result = shapes.NewSeries, shapes.SeriesChange, shapes.Series
    show = staticmethod(shapes.series)

    async def adding(
        self, connection: Connection, viewer: Viewer, asked: shapes.NewSeries, day: date
    ) -> dict[str, Any]:
        """Check the right; the depth below other series is limited."""
        self.removing(viewer, {})
        if asked.parent_id:
            await _check_parent(connection, "", asked.parent_id)
        return _cleaned(msgspec.structs.asdict(asked))

    async def changing(
        self, connection: Connection, viewer: Viewer, row: Row, asked: shapes.SeriesChange
    ) -> dict[str, Any]:
        """Check the right; a series never comes to lie below itself."""
        self.removing(viewer, row)
        changes = _cleaned(given(asked))
        if changes.get("parent_id"):
            await _check_parent(connection, row["id"], changes["parent_id"])
        return changes

    def removing(self, viewer: Viewer, row: Row) -> None:
        """District officers and administrators may."""
        require(
            may_change_series(viewer), "only district officers and administrators change series"
        )


async def _check_parent(connection: Connection, series: str, parent: str) -> None:
    # Two changes at once could close a circle that neither sees: they take turns.
    await connection.execute("lock table series in share row exclusive mode")
    above = await series_above(connection, parent, SERIES_LEVELS)
    if series in above:
        raise _field("parent_id", "would put the series below itself")
    if len(above) >= SERIES_LEVELS:
        raise _field("parent_id", f"would make more than {SERIES_LEVELS} levels")


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    checks: dict[str, Callable[[str], str]] = {
        "name": lambda text: line(text, "name"),
        "programme": lambda text: line(text, "programme", empty=True),
        "description": lambda text: prose(text, "description"),
    }
    return {k: checks[k](v) if k in checks else v for k, v in values.items()}


def _renamed(values: dict[str, Any], places: tuple[str, ...]) -> dict[str, Any]:
    return {f"{k}_id" if k in places else k: v for k, v in values.items()}


async def _place(connection: Connection, school: str, name: str) -> Place:
    found = await place_of_school(connection, school)
    if found is None:
        raise _field(name, "there is no school with this id")
    return found


def _check_dates(since: date, until: date | None) -> None:
    if until is not None and until <= since:
        raise _field("until", "must be later than since")


def _field(name: str, sentence: str) -> Invalid:
    return Invalid(f"{name}: {sentence}", {name: sentence})


def all_kinds() -> tuple[Kind, ...]:
    """Give the six kinds."""
    return (
        CityKind("districts", DISTRICTS),
        CityKind("groups", GROUPS),
        SchoolKind(),
        ClassroomKind(),
        PairKind(),
        SeriesKind(),
    )
