"""Schema migrations: numbered SQL files applied in order, once, under an advisory lock.

Each file runs in one transaction together with its row in `migration`; a file that was applied may
not change afterwards (its digest is kept and compared).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg

from catalog.errors import CatalogError

_LOCK = 7_305_110_221


class MigrationError(CatalogError):
    """The schema does not fit this program; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the SQL text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def catalog_migrations() -> list[Migration]:
    """Read the packaged steps in order."""
    folder = files("catalog.db") / "migrations"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [Migration(f.name.removesuffix(".sql"), f.read_text("utf-8")) for f in found]


def migrate(dsn: str, steps: list[Migration] | None = None) -> list[str]:
    """Apply what is missing and give the names of the steps that ran.

    Raises: MigrationError when the database is ahead of this program or a step was changed.
    """
    steps = catalog_migrations() if steps is None else steps
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        return apply_steps(connection, steps)


def apply_steps(
    connection: psycopg.Connection[tuple[Any, ...]], steps: Sequence[Migration]
) -> list[str]:
    """Apply the steps that are missing, each in a transaction of its own or a savepoint.

    Raises: MigrationError.
    """
    connection.execute(
        "create table if not exists migration (name text primary key, digest text not null,"
        " applied_at timestamptz not null default now())"
    )
    known: dict[str, str] = dict(
        connection.execute("select name, digest from migration").fetchall()
    )
    _compare(known, steps)
    missing = [step for step in steps if step.name not in known]
    for step in missing:
        with connection.transaction():
            connection.execute(step.sql.encode())
            connection.execute(
                "insert into migration (name, digest) values (%s, %s)", (step.name, step.digest)
            )
    return [step.name for step in missing]


def _compare(known: dict[str, str], steps: Sequence[Migration]) -> None:
    ours = {step.name: step.digest for step in steps}
    ahead = sorted(set(known) - set(ours))
    if ahead:
        raise MigrationError(
            f"the database has steps this program does not know ({', '.join(ahead)}): "
            "install the newer Tongbu that made them"
        )
    changed = sorted(name for name, digest in known.items() if ours[name] != digest)
    if changed:
        raise MigrationError(
            f"these steps were changed after they ran: {', '.join(changed)}. "
            "Restore a backup with `tongbu restore`, or start with an empty data directory"
        )
