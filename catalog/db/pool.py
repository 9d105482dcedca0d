"""Connections to the catalogue's database: one asynchronous pool a process.

A database that is away, restarting or overloaded becomes `Unavailable` here, once for all callers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from catalog.errors import Invalid, Unavailable

log = logging.getLogger(__name__)

Connection = AsyncConnection[DictRow]

WAIT_LIMIT_S = 10.0
STATEMENT_LIMIT_MS = 30_000
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
IDLE_LIMIT_MS = 5_000  # a process that is frozen in a transaction must not hold its locks


class Pool(AsyncConnectionPool[Connection]):
    """A pool whose connections report a database that cannot answer as Unavailable."""

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Connection]:
        """Lend a connection for one transaction.

        Raises: Unavailable, for anything that the same call may get past later: the server is
        away or stops, no connection came free, a deadlock or time limit ended the statement.
        Invalid, for a text with NUL or a lone surrogate that no check before has refused.
        A cancellation that the pool's waiting lost (catalog/ending.py) is raised here.
        """
        try:
            heard = _cancellations()
            async with super().connection(timeout) as connection:
                if _cancellations() > heard:
                    raise asyncio.CancelledError
                if connection.autocommit:
                    # psycopg_pool's check makes it so for a moment, and leaves it so where a
                    # cancellation comes just as it does.
                    await connection.set_autocommit(False)
                yield connection
        except AWAY as error:
            log.warning("database: %s", str(error).strip().splitlines()[0] if str(error) else error)
            raise Unavailable("the database does not answer now: try again in a moment") from error
        except (psycopg.DataError, UnicodeEncodeError) as error:
            if getattr(error, "sqlstate", None):
                raise
            raise Invalid("a text has characters that cannot be kept: take them out") from error


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def make_pool(dsn: str, size: int = 10) -> Pool:
    """Make a pool, not yet open; rows come as dictionaries, every call in a transaction."""
    return Pool(
        dsn,
        connection_class=AsyncConnection[DictRow],
        kwargs={
            "row_factory": dict_row,
            "options": f"-c statement_timeout={STATEMENT_LIMIT_MS} -c timezone=UTC"
            f" -c idle_in_transaction_session_timeout={IDLE_LIMIT_MS}",
        },
        min_size=1,
        max_size=size,
        timeout=WAIT_LIMIT_S,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )
