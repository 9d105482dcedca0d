"""A real PostgreSQL for the test run; each test gets a database of its own from a template."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from catalog.db.embedded import embedded_postgres
from catalog.db.migrate import migrate


@dataclass(slots=True)
class PostgresServer:
    """A running server; `template` is a migrated, empty catalogue."""

    dsn: str
    numbers: Iterator[int] = field(default_factory=count)

    def for_database(self, name: str) -> str:
        """Connection string of one database of this server."""
        return self.dsn.replace("dbname=tongbu", f"dbname={name}")

    @contextmanager
    def database(self) -> Iterator[str]:
        """A fresh copy of the template, dropped at the end."""
        name = f"test_{next(self.numbers)}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(f'create database "{name}" template template_catalog'.encode())
        try:
            yield self.for_database(name)
        finally:
            with psycopg.connect(self.dsn, autocommit=True) as connection:
                connection.execute(f'drop database "{name}" with (force)'.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server in a directory of its own and prepare the template."""
    with tempfile.TemporaryDirectory(prefix="tongbu-test-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        with embedded_postgres(Path(home)) as dsn:
            server = PostgresServer(dsn)
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("create database template_catalog")
            migrate(server.for_database("template_catalog"))
            yield server
