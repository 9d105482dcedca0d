"""The catalogue's database for a command: the configured server, or the embedded one meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from catalog.db.embedded import embedded_postgres, running_server
from catalog.db.migrate import migrate
from deploy.settings import Settings
from transcoder.jobs import ensure_schema


@contextmanager
def catalogue(settings: Settings, prepare: bool = True, beside: bool = False) -> Iterator[str]:
    """Give a connection string to a running catalogue; with prepare, migrated.

    With beside, an embedded server that a running Tongbu has is used, not refused.
    Raises: PostgresError, MigrationError with what to do.
    """
    known = settings.database.url
    if beside and not known:
        known = running_server(settings.server.data) or ""
    if known:
        yield _prepared(known, prepare)
        return
    settings.server.data.mkdir(parents=True, exist_ok=True)
    with embedded_postgres(settings.server.data) as dsn:
        yield _prepared(dsn, prepare)


def _prepared(dsn: str, prepare: bool) -> str:
    if prepare:
        migrate(dsn)
        ensure_schema(dsn)
    return dsn
