"""Tables of the catalogue as text, out and in: what backup and restore say to PostgreSQL.

Only what is ours and what lasts: no jobs (the table `work` is their truth), no sign-in sessions, no
column that names transactions of one server (`xid8`: the new server gives its own). Synchronous:
for commands, not for the service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, LiteralString

import psycopg
from psycopg import sql

Database = psycopg.Connection[tuple[Any, ...]]

NOT_KEPT = frozenset({"login", "migration"})
LAST = "garbage"
OWNED = ("lesson", "person", "school", "series")
_JOBS = "procrastinate\\_%"

_COLUMNS: LiteralString = """
select c.relname, array_agg(a.attname::text order by a.attnum)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not like %s
  and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.atttypid <> 'xid8'::regtype
group by c.relname order by c.relname
"""
_REFERENCES: LiteralString = """
select conrelid::regclass::text, confrelid::regclass::text from pg_constraint
where contype = 'f' and connamespace = 'public'::regnamespace and conrelid <> confrelid
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the columns of it that are kept."""

    name: str
    columns: tuple[str, ...]

    @property
    def _copied(self) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        return sql.SQL("{} ({})").format(sql.Identifier(self.name), columns)


def tables(connection: Database) -> list[Table]:
    """Give the kept tables, each behind those it refers to; what waits to be swept is last."""
    found = {
        name: Table(name, tuple(columns))
        for name, columns in connection.execute(_COLUMNS, (_JOBS,))
        if name not in NOT_KEPT
    }
    order: TopologicalSorter[str] = TopologicalSorter({name: set() for name in found})
    for child, parent in connection.execute(_REFERENCES):
        if child in found and parent in found:
            order.add(child, parent)
    names = [name for name in order.static_order() if name != LAST]
    return [found[name] for name in (*names, LAST) if name in found]


def copy_out(connection: Database, table: Table) -> Iterator[bytes]:
    """Give the table's rows as PostgreSQL's text format, ordered as they lie."""
    with connection.cursor().copy(sql.SQL("copy {} to stdout").format(table._copied)) as copy:
        for block in copy:
            yield bytes(block)


def copy_in(connection: Database, table: Table, blocks: Iterable[bytes]) -> int:
    """Add rows in PostgreSQL's text format; give how many."""
    cursor = connection.cursor()
    with cursor.copy(sql.SQL("copy {} from stdin").format(table._copied)) as copy:
        for block in blocks:
            copy.write(block)
    return cursor.rowcount


def steps(connection: Database) -> list[tuple[str, str]]:
    """Give name and digest of the migrations that ran, in order; none in an empty database."""
    known = connection.execute("select to_regclass('public.migration')").fetchone()
    if not known or known[0] is None:
        return []
    rows = connection.execute("select name, digest from migration order by name").fetchall()
    return [(name, digest) for name, digest in rows]


def filled(connection: Database, names: Sequence[str] = OWNED) -> dict[str, int]:
    """Count rows of those tables, as far as they exist and have any."""
    counts: dict[str, int] = {}
    for name in names:
        known = connection.execute("select to_regclass(%s)", (f"public.{name}",)).fetchone()
        if known and known[0]:
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(name))
            row = connection.execute(query).fetchone()
            counts[name] = int(row[0]) if row else 0
    return {name: count for name, count in counts.items() if count}


def others_connected(connection: Database) -> int:
    """Count the other clients of this database."""
    row = connection.execute(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and backend_type = 'client backend'"
    ).fetchone()
    return int(row[0]) if row else 0


def empty_database(connection: Database) -> None:
    """Remove all tables, types and functions of this database's public schema."""
    connection.execute("set local lock_timeout = '10s'")
    connection.execute("drop schema if exists public cascade")
    connection.execute("create schema public")
