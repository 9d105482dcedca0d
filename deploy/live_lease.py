"""One process at a time takes live lessons in: the one that holds the catalogue's lease.

A lesson's encoder, channel and room share one process, so of several services on one catalogue (a
second machine, or the next version while the last one stops) only one may let publishers in: two
would write one recording. The lease is a session lock of PostgreSQL: it is gone with its process,
and whoever is asked next takes it. When the database was away, what is on air goes on, and the
first to let a publisher in holds the lease.

Spec: PostgreSQL 13.3.5 (advisory locks).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from catalog.errors import Unavailable
from catalog.live import FeedName
from streaming.live.port import Feed, Feeds
from transcoder.live.errors import Refusal, Refused

LEASE = 0x746F6E67_6C697665  # a number of our own
ANSWER_LIMIT_S = 5.0

log = logging.getLogger(__name__)


class LiveLease:
    """The right to take live lessons in. `hold` takes it, again and again; `close` gives it up."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._turn = asyncio.Lock()
        self._connection: psycopg.AsyncConnection | None = None

    async def hold(self) -> bool:
        """Take the lease if it is free; tell whether this process has it. Raises: Unavailable."""
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    return await self._try()
            except (psycopg.Error, TimeoutError) as error:
                await self._drop()
                log.warning("the lease of live lessons cannot be asked for: %s", error)
                raise Unavailable("the database does not answer now: try again") from error

    async def close(self) -> None:
        """Give it up."""
        async with self._turn:
            await self._drop()

    async def _try(self) -> bool:
        """Ask on the connection that has the lease; on a new one where that is gone."""
        if self._connection is not None:
            try:
                return await _take(self._connection)
            except psycopg.OperationalError:
                await self._drop()
        self._connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        held = await _take(self._connection)
        if held:
            log.info("live lessons are taken in here")
        else:
            await self._drop()
        return held

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def _take(connection: psycopg.AsyncConnection) -> bool:
    """Take the lock; whoever has it may take it again."""
    cursor = await connection.execute("select pg_try_advisory_lock(%s)", (LEASE,))
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


class LeasedFeeds:
    """An origin's feeds (`streaming.live.port.Feeds`), opened by who holds the lease only."""

    def __init__(self, feeds: Feeds, lease: LiveLease) -> None:
        self._feeds = feeds
        self._lease = lease

    async def open(self, session: str, feed: FeedName) -> Feed:
        """Open a feed. Raises: Refused, Unavailable; NotFound, Conflict."""
        if not await self._lease.hold():
            raise Refused(
                Refusal.BUSY,
                "another service of this city takes live lessons in: publish to its address",
            )
        return await self._feeds.open(session, feed)


@asynccontextmanager
async def live_lease(dsn: str) -> AsyncIterator[LiveLease]:
    """Give the lease, not yet held; it is given up when the block is left."""
    lease = LiveLease(dsn)
    try:
        yield lease
    finally:
        await lease.close()
