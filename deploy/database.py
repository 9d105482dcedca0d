"""The catalogue's database for a command: the configured server, or the embedded one meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from catalog.db.embedded import embedded_postgres
from catalog.db.migrate import migrate
from deploy.settings import Settings


@contextmanager
def catalogue(settings: Settings, prepare: bool = True) -> Iterator[str]:
    """Give a connection string to a running catalogue; with prepare, migrated.

    Raises: PostgresError, MigrationError with what to do.
    """
    if settings.database.url:
        yield _prepared(settings.database.url, prepare)
        return
    settings.server.data.mkdir(parents=True, exist_ok=True)
    with embedded_postgres(settings.server.data) as dsn:
        yield _prepared(dsn, prepare)


def _prepared(dsn: str, prepare: bool) -> str:
    if prepare:
        migrate(dsn)
    return dsn
