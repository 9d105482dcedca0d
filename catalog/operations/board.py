"""The wall as rows with versions: a page that knows one version is sent what changed since. Pure.

Who may see a row is said by its places: districts and schools that it is of. A row without places
is of the city and open to every officer. Removed rows are remembered for FORGOTTEN_LIMIT rows; a
page that knows an older version is given everything anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from catalog.errors import NoRight
from catalog.operations.rows import (
    AlertRow,
    CityRow,
    DistrictRow,
    RoomRow,
    Row,
    SchoolRow,
    SessionRow,
)
from catalog.people import Role, Viewer

FORGOTTEN_LIMIT = 5000
ONLY_OFFICERS = "operations are for officers of the city, a district or a school"

Key = tuple[str, str]
KINDS = ("city", "district", "school", "session", "room", "alert")  # as Change has them
CITY = "city"


@dataclass(frozen=True, slots=True)
class Places:
    """What a row is of. `for_city`: only those who rule the whole city see it."""

    districts: frozenset[str] = frozenset()
    schools: frozenset[str] = frozenset()
    for_city: bool = False


EVERYBODY = Places()


@dataclass(frozen=True, slots=True)
class Scope:
    """What an officer may see: the city, or districts and schools."""

    city: bool = False
    districts: frozenset[str] = frozenset()
    schools: frozenset[str] = frozenset()

    def sees(self, places: Places) -> bool:
        """Tell whether a row is in it."""
        if self.city or places == EVERYBODY:
            return True
        if places.for_city:
            return False
        return bool(self.districts & places.districts or self.schools & places.schools)


def scope_of(viewer: Viewer) -> Scope:
    """Give what a viewer may see. Raises: NoRight for who is no officer."""
    held = viewer.affiliations
    found = Scope(
        viewer.has(Role.ADMINISTRATOR),
        frozenset(a.district_id for a in held if a.role is Role.DISTRICT and a.district_id),
        frozenset(a.school_id for a in held if a.role is Role.SCHOOL and a.school_id),
    )
    if found == Scope():
        raise NoRight(ONLY_OFFICERS)
    return found


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and what it is of."""

    row: Row
    places: Places = EVERYBODY


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    placed: Placed


class Change(msgspec.Struct, frozen=True):
    """What a page is sent. `whole`: forget what you have, this is everything.

    Rows by id; one that is null is gone. `city` is null when it has not changed.
    """

    version: int
    at: float
    whole: bool
    city: CityRow | None
    districts: dict[str, DistrictRow | None]
    schools: dict[str, SchoolRow | None]
    sessions: dict[str, SessionRow | None]
    rooms: dict[str, RoomRow | None]
    alerts: dict[str, AlertRow | None]


class Board:
    """All rows of the wall."""

    def __init__(self) -> None:
        self.version = 0
        self.at_utc = 0.0
        self._rows: dict[Key, _Kept] = {}
        self._gone: dict[Key, _Kept] = {}
        self._oldest = 0

    def put(self, rows: Mapping[Key, Placed], at_utc: float) -> None:
        """Take all rows as they are now."""
        self.version += 1
        self.at_utc = at_utc
        for key in self._rows.keys() - rows.keys():
            self._gone[key] = _Kept(self.version, self._rows.pop(key).placed)
        for key, placed in rows.items():
            self._gone.pop(key, None)
            before = self._rows.get(key)
            if before is None or before.placed != placed:
                self._rows[key] = _Kept(self.version, placed)
        while len(self._gone) > FORGOTTEN_LIMIT:
            oldest = min(self._gone, key=lambda key: self._gone[key].version)
            self._oldest = self._gone.pop(oldest).version

    def changes(self, scope: Scope, known: int = -1) -> Change:
        """Give what is new since a version, for who sees this much; -1: everything."""
        whole = known < self._oldest or known > self.version
        since = -1 if whole else known
        found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        for (kind, id_), kept in self._rows.items():
            if kept.version > since and scope.sees(kept.placed.places):
                found[kind][id_] = kept.placed.row
        for (kind, id_), kept in self._gone.items():
            if not whole and kept.version > since and scope.sees(kept.placed.places):
                found[kind][id_] = None
        city, *others = found.values()
        return Change(self.version, self.at_utc, whole, city.get(CITY), *others)

    def find(self, scope: Scope, kind: str, id_: str) -> Row | None:
        """Give one row, if there is one and it may be seen."""
        kept = self._rows.get((kind, id_))
        return kept.placed.row if kept is not None and scope.sees(kept.placed.places) else None

    def of_kind(self, scope: Scope, kind: str) -> Sequence[Row]:
        """Give all rows of a kind that may be seen."""
        return [
            kept.placed.row
            for key, kept in self._rows.items()
            if key[0] == kind and scope.sees(kept.placed.places)
        ]
