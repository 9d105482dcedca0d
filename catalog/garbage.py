"""The sweeper: takes objects that nothing needs any more out of the store.

Three rounds: lessons deleted long ago leave the catalogue; objects that nothing points at (of
attempts that never published) are found by walking the store; keys that have waited in the table
`garbage` for the grace time are deleted. A key is looked up again under a lock right before its
object goes, and a tombstone refuses one that would be published afterwards: nothing that players
are shown can be taken. Several sweepers may run; each takes keys that no other has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from catalog.db import sweep
from catalog.db.pool import Pool
from catalog.ending import end_task
from catalog.errors import TongbuError
from catalog.store.port import ObjectStore

log = logging.getLogger(__name__)

KEYS_AT_ONCE = 32
LOOKED_UP_AT_ONCE = 500
LESSONS_AT_ONCE = 20
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """How long things stay: thrown away, found without an owner, deleted by a person, swept.

    A source that no lesson has stays long: a backup that was restored does not know the newest.
    """

    every_s: float = 600.0
    orphans_every_s: float = 86_400.0
    grace_s: float = 86_400.0
    orphan_sources_kept_s: float = 30 * 86_400.0
    deleted_lessons_kept_s: float = 30 * 86_400.0
    tombstones_kept_s: float = 90 * 86_400.0


class Sweeper:
    """One sweeper over one catalogue and its store."""

    def __init__(self, pool: Pool, store: ObjectStore, settings: SweepSettings) -> None:
        self._pool = pool
        self._store = store
        self._settings = settings

    async def drop_lessons(self, now: datetime) -> int:
        """Remove lessons that were deleted long enough ago; tell how many."""
        before = now - timedelta(seconds=self._settings.deleted_lessons_kept_s)
        dropped = 0
        while True:
            async with self._pool.connection() as connection:
                gone = await sweep.drop_lessons(connection, before, now, LESSONS_AT_ONCE)
            dropped += len(gone)
            if len(gone) < LESSONS_AT_ONCE:
                return dropped

    async def find_orphans(self, now: datetime) -> int:
        """Put old objects that nothing points at into the garbage; tell how many."""
        settings = self._settings
        found = 0
        for prefix, kept_s in (
            ("media/", settings.grace_s),
            ("side/", settings.grace_s),
            ("source/", settings.orphan_sources_kept_s),
        ):
            found += await self._find_below(prefix, now.timestamp() - kept_s, now)
        return found

    async def _find_below(self, prefix: str, before_utc: float, now: datetime) -> int:
        found, old = 0, list[str]()
        async for info in self._store.list(prefix):
            if info.modified_utc < before_utc:
                old.append(info.key)
            if len(old) == LOOKED_UP_AT_ONCE:
                found += await self._add_orphans(old, now)
                old = []
        return found + await self._add_orphans(old, now)

    async def _add_orphans(self, keys: list[str], now: datetime) -> int:
        async with self._pool.connection() as connection:
            return len(await sweep.add_orphans(connection, keys, now))

    async def sweep(self, now: datetime) -> int:
        """Delete what has waited for the grace time; tell how many objects."""
        before = now - timedelta(seconds=self._settings.grace_s)
        swept = 0
        while taken := await self._sweep_some(before, now):
            swept += taken[1]
        async with self._pool.connection() as connection:
            kept_since = now - timedelta(seconds=self._settings.tombstones_kept_s)
            await sweep.drop_tombstones(connection, kept_since)
        return swept

    async def _sweep_some(self, before: datetime, now: datetime) -> tuple[int, int] | None:
        """Sweep a few keys in one transaction; give how many were due and how many went."""
        async with self._pool.connection() as connection:
            due = await sweep.take_due(connection, before, KEYS_AT_ONCE)
            if not due:
                return None
            used = await sweep.in_use(connection, due)
            if used:
                log.warning("%d keys in the garbage are in use: kept", len(used))
                await sweep.keep(connection, sorted(used))
            free = [key for key in due if key not in used]
            for key in free:
                await self._store.delete(key)
            await sweep.mark_swept(connection, free, now)
        return len(due), len(free)

    async def run(self, clock: Clock) -> None:
        """Sweep again and again; trouble is told and the next round comes."""
        orphans_at = clock()
        while True:
            now = clock()
            try:
                await self.drop_lessons(now)
                if now >= orphans_at:
                    found = await self.find_orphans(now)
                    orphans_at = now + timedelta(seconds=self._settings.orphans_every_s)
                    _tell("found %d objects that nothing points at", found)
                _tell("removed %d objects from the store", await self.sweep(now))
            except (TongbuError, psycopg.Error, OSError) as error:
                log.warning("the sweep stopped and comes again: %s", error)
            await asyncio.sleep(self._settings.every_s)


def _tell(what: str, count: int) -> None:
    log.log(logging.INFO if count else logging.DEBUG, what, count)


@asynccontextmanager
async def sweeping(
    pool: Pool,
    store: ObjectStore,
    settings: SweepSettings | None = None,
    clock: Clock = lambda: datetime.now(UTC),
) -> AsyncIterator[None]:
    """Run a sweeper beside the body."""
    sweeper = Sweeper(pool, store, settings or SweepSettings())
    task = asyncio.create_task(sweeper.run(clock), name="sweeper")
    try:
        yield
    finally:
        await end_task(task)
