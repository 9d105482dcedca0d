"""Connections to the catalogue's database: one asynchronous pool a process."""

from __future__ import annotations

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

WAIT_LIMIT_S = 10.0
STATEMENT_LIMIT_MS = 30_000


def make_pool(dsn: str, size: int = 10) -> Pool:
    """Make a pool, not yet open; rows come as dictionaries, every call in a transaction."""
    return AsyncConnectionPool(
        dsn,
        connection_class=AsyncConnection[DictRow],
        kwargs={
            "row_factory": dict_row,
            "options": f"-c statement_timeout={STATEMENT_LIMIT_MS} -c timezone=UTC",
        },
        min_size=1,
        max_size=size,
        timeout=WAIT_LIMIT_S,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )
