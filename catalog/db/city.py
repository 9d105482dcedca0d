"""Take a whole city's registry in at once: districts, groups, schools, pairs, classrooms, series.

For demonstrations and load tests. Rows are written in one transaction with COPY; a name that exists
is an error, so call it on an empty registry only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import sql

from catalog.db.pool import Connection, Pool
from catalog.errors import Conflict
from catalog.ids import new_id


@dataclass(frozen=True, slots=True)
class CitySchool:
    """A school by name; district and group by name too."""

    name: str
    district: str
    group: str | None
    setting: str
    classrooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class City:
    """A registry by names. pairs are (urban school, rural school)."""

    districts: tuple[str, ...]
    groups: tuple[str, ...]
    schools: tuple[CitySchool, ...]
    pairs: tuple[tuple[str, str], ...]
    series: tuple[tuple[str, str], ...]
    since: date


async def city_is_empty(pool: Pool) -> bool:
    """Tell whether no district is known yet."""
    async with pool.connection() as connection:
        cursor = await connection.execute("select 1 from district limit 1")
        return await cursor.fetchone() is None


async def insert_city(pool: Pool, city: City) -> dict[str, str]:
    """Write the city and give the ids of its schools by name. Raises: Conflict when not empty."""
    if not await city_is_empty(pool):
        raise Conflict("the registry is not empty: start with an empty data directory")
    districts = {name: new_id() for name in city.districts}
    groups = {name: new_id() for name in city.groups}
    schools = {school.name: new_id() for school in city.schools}
    async with pool.connection() as connection:
        await _copy(connection, "district", ("id", "name"), _named(districts))
        await _copy(connection, "education_group", ("id", "name"), _named(groups))
        await _copy(
            connection, "school", ("id", "name", "district_id", "group_id", "setting"),
            ((schools[s.name], s.name, districts[s.district],
              groups[s.group] if s.group else None, s.setting) for s in city.schools),
        )  # fmt: skip
        await _copy(
            connection, "classroom", ("id", "school_id", "name"),
            ((new_id(), schools[s.name], room) for s in city.schools for room in s.classrooms),
        )  # fmt: skip
        await _copy(
            connection, "school_pair", ("id", "urban_school_id", "rural_school_id", "since"),
            ((new_id(), schools[urban], schools[rural], city.since)
             for urban, rural in city.pairs),
        )  # fmt: skip
        await _copy(
            connection, "series", ("id", "name", "programme"),
            ((new_id(), name, programme) for name, programme in city.series),
        )  # fmt: skip
    return schools


def _named(ids: dict[str, str]) -> Iterable[Sequence[Any]]:
    return ((key, name) for name, key in ids.items())


async def _copy(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            await copy.write_row(row)
