"""The city's registry in the database: districts, groups, schools, classrooms, pairs, series.

The six are alike, so one set of functions serves them; a `Table` says what is different. Functions
take an open connection: the caller owns the transaction and decides who may do what. Names of
tables, columns and filters come from this file only; values are always bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql

from catalog.db.pool import Connection
from catalog.db.tell import told
from catalog.rights import Place

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of thing. `select` gives its rows with the names of what they point at.

    `sort` is the text that lists are ordered by and searched in; `filters` are the conditions that
    a list may ask for, by name.
    """

    name: str
    noun: str
    select: LiteralString
    sort: LiteralString = "t.name"
    filters: Mapping[str, LiteralString] = field(default_factory=dict)


DISTRICTS = Table("district", "district", "select t.id, t.name, t.name as sort from district t")
GROUPS = Table(
    "education_group", "group", "select t.id, t.name, t.name as sort from education_group t"
)
SCHOOLS = Table(
    "school",
    "school",
    "select t.id, t.name, t.setting, t.district_id, d.name as district_name, t.group_id,"
    " g.name as group_name, t.name as sort from school t join district d on d.id = t.district_id"
    " left join education_group g on g.id = t.group_id",
    filters={
        "district": "t.district_id = {}",
        "group": "t.group_id = {}",
        "setting": "t.setting = {}",
    },
)
CLASSROOMS = Table(
    "classroom",
    "classroom",
    "select t.id, t.name, t.school_id, sc.name as school_name, sc.district_id,"
    " sc.name || ' ' || t.name as sort"
    " from classroom t join school sc on sc.id = t.school_id",
    "sc.name || ' ' || t.name",
    {
        "school": "t.school_id = {}",
        "district": "sc.district_id = {}",
        "group": "sc.group_id = {}",
    },
)
PAIRS = Table(
    "school_pair",
    "pair",
    "select t.id, t.since, t.until, t.urban_school_id, u.name as urban_school_name,"
    " u.district_id as urban_district_id, t.rural_school_id, r.name as rural_school_name,"
    " r.district_id as rural_district_id, u.name || ' ' || r.name as sort from school_pair t"
    " join school u on u.id = t.urban_school_id join school r on r.id = t.rural_school_id",
    "u.name || ' ' || r.name",
    {
        "school": "{} in (t.urban_school_id, t.rural_school_id)",
        "district": "{} in (u.district_id, r.district_id)",
    },
)
SERIES = Table(
    "series",
    "series",
    "select t.id, t.name, t.programme, t.parent_id, t.description, t.name as sort,"
    " (select count(*) from lesson l where l.series_id = t.id and l.deleted_at is null)"
    " as lesson_count from series t",
    filters={"parent": "t.parent_id = {}", "programme": "t.programme = {}"},
)


async def list_rows(
    connection: Connection,
    table: Table,
    text: str,
    wanted: Mapping[str, str],
    limit: int,
    after: tuple[str, str],
) -> list[Row]:
    """Give rows whose sort text holds `text` and that pass all `wanted` filters, after a place."""
    parts = [
        sql.SQL("({}, t.id) > (%(after_sort)s, %(after_id)s)").format(sql.SQL(table.sort)),
        sql.SQL("strpos(lower({}), %(text)s) > 0").format(sql.SQL(table.sort)),
        *(sql.SQL(table.filters[name]).format(sql.Placeholder(name)) for name in wanted),
    ]
    query = sql.SQL("{} where {} order by {}, t.id limit %(limit)s").format(
        sql.SQL(table.select), sql.SQL(" and ").join(parts), sql.SQL(table.sort)
    )
    values = {"text": text.lower(), "after_sort": after[0], "after_id": after[1], "limit": limit}
    return [*await (await connection.execute(query, {**wanted, **values})).fetchall()]


async def read_row(
    connection: Connection, table: Table, key: str, lock: bool = False
) -> Row | None:
    """Give one row; with lock, held for update until the transaction ends."""
    query = sql.SQL("{} where t.id = %s{}").format(
        sql.SQL(table.select), sql.SQL(" for update of t" if lock else "")
    )
    return await (await connection.execute(query, (key,))).fetchone()


async def insert_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Add a row. Raises: Conflict, Invalid in words for a name that is taken or a missing place."""
    query = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
    )
    with told(table.noun):
        await connection.execute(query, values)


async def update_row(
    connection: Connection, table: Table, key: str, changes: Mapping[str, Any]
) -> None:
    """Set columns of a row. Raises: Conflict, Invalid."""
    if not changes:
        return
    parts = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in changes]
    query = sql.SQL("update {} set {} where id = {}").format(
        sql.Identifier(table.name), sql.SQL(", ").join(parts), sql.Placeholder("row_id")
    )
    with told(table.noun):
        await connection.execute(query, {**changes, "row_id": key})


async def delete_row(connection: Connection, table: Table, key: str) -> None:
    """Remove a row. Raises: Conflict while something points at it."""
    query = sql.SQL("delete from {} where id = %s").format(sql.Identifier(table.name))
    with told(table.noun):
        await connection.execute(query, (key,))


async def place_of_school(connection: Connection, school: str) -> Place | None:
    """Give a school with its district."""
    cursor = await connection.execute(
        "select district_id, id as school_id from school where id = %s", (school,)
    )
    row = await cursor.fetchone()
    return Place(**row) if row else None


_ABOVE = """
with recursive above as (
  select id, parent_id, 1 as depth from series where id = %(start)s
  union all
  select s.id, s.parent_id, a.depth + 1 from series s join above a on s.id = a.parent_id
  where a.depth < %(limit)s)
select id from above
"""


async def series_above(connection: Connection, series: str, limit: int) -> list[str]:
    """Give a series and those above it, at most `limit`, nearest first."""
    cursor = await connection.execute(_ABOVE, {"start": series, "limit": limit})
    return [row["id"] for row in await cursor.fetchall()]
