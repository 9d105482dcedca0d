"""One attempt at a unit from taking it to giving it back: lease, failure, drain.

A lease beside the work tells the catalogue each heartbeat that the attempt lives and how far it is;
when it no longer holds (another attempt, a cancel), the work is ended and nothing of it published.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec

from catalog.db import publication, work
from catalog.db.pool import Connection, Pool
from catalog.db.tally import tally
from catalog.db.work import Claim, Superseded, Taken, Unit
from catalog.store.files import NO_ROOM
from catalog.store.port import StoreAway, StoreFull
from transcoder.bench import Bench, Job
from transcoder.errors import BadSource
from transcoder.estimate import estimate
from transcoder.plan import EncodePlan
from transcoder.sources import SourceCache
from transcoder.together import AWAY, beside, patiently
from transcoder.units import do_unit

HAND_BACK_LIMIT_S = 5.0
RETRY_GROWTH = 4

log = logging.getLogger(__name__)


class Lease:
    """Keeps one claim alive; `tell` may be called at any rate."""

    def __init__(self, pool: Pool, claim: Claim, heartbeat_s: float) -> None:
        self._pool = pool
        self._claim = claim
        self._heartbeat_s = heartbeat_s
        self._progress = 0.0
        self._speed: float | None = None
        self.media_s = 0.0
        self.job: Job | None = None

    def tell(self, progress: float, speed: float | None, media_s: float) -> None:
        """Note how far the attempt is; written with the next heartbeat."""
        self._progress, self._speed, self.media_s = progress, speed, media_s

    async def run(self) -> None:
        """Beat for ever. Raises: Superseded. A database that is away is waited for."""
        while True:
            await asyncio.sleep(self._heartbeat_s)
            try:
                await self._beat()
            except AWAY as error:
                log.warning("%s: no heartbeat: %s", self._claim.unit, type(error).__name__)

    async def _beat(self) -> None:
        """Beat, then show it: two transactions, because the second locks the lesson."""
        unit = self._claim.unit
        async with self._pool.connection() as connection:
            await work.beat(connection, self._claim, self._progress, self._speed)
        if self.job is None or self.job.taken.plan is None or unit.late:
            return
        async with self._pool.connection() as connection:
            found = estimate(self.job.plan(), await work.read_units(connection, unit))
            await work.show_progress(connection, unit, found.progress, found.eta_s)


class UnitRunner:
    """Does units; one of these a worker process."""

    def __init__(self, bench: Bench, sources: SourceCache, name: str) -> None:
        self._bench = bench
        self._sources = sources
        self._name = name

    async def __call__(self, unit: Unit) -> None:
        """Take the unit if it is still wanted, and do it. Never raises for the unit's own sake."""
        taken = await patiently(lambda: self._take(unit), self._bench.settings.patience_s)
        if taken is None:
            return
        log.info("%s: attempt %d", unit, taken.claim.attempt)
        lease = Lease(self._bench.pool, taken.claim, self._bench.settings.heartbeat_s)
        began_at = asyncio.get_running_loop().time()
        try:
            await beside(self._do(taken, lease), lease.run())
        except asyncio.CancelledError:
            await self._hand_back(taken.claim)
            raise
        except Superseded as error:
            log.info("%s", error)
            outcome = "superseded"
        except Exception as error:
            outcome = await self._fail(taken, error)
        else:
            outcome = "done"
        took_s = asyncio.get_running_loop().time() - began_at
        await self._tally(unit, outcome, lease.media_s, took_s)

    async def _take(self, unit: Unit) -> Taken | None:
        async with self._bench.pool.connection() as connection:
            return await work.take(connection, unit, self._name)

    async def _do(self, taken: Taken, lease: Lease) -> None:
        async with self._source(taken) as path:
            job = lease.job = Job(taken, path, lease.tell)
            await do_unit(self._bench, job)

    def _source(self, taken: Taken) -> AbstractAsyncContextManager[Path]:
        if not taken.source_key:
            return self._sources.blank()
        return self._sources.opened(taken.source_key, taken.source_bytes)

    async def _tally(self, unit: Unit, outcome: str, media_s: float, took_s: float) -> None:
        try:
            async with self._bench.pool.connection() as connection:
                await tally(connection, unit.kind, outcome, media_s, took_s)
        except AWAY as error:
            log.warning("%s: not counted: %s", unit, type(error).__name__)

    async def _hand_back(self, claim: Claim) -> None:
        """Give the unit to whoever comes; when the database is away its lease runs out instead."""
        giving = asyncio.ensure_future(self._give(claim))
        done, _ = await asyncio.wait((giving,), timeout=HAND_BACK_LIMIT_S)
        giving.cancel()
        if done and giving.exception() is None:
            log.info("%s: handed back", claim.unit)
        else:
            log.warning("%s: left to its lease", claim.unit)

    async def _give(self, claim: Claim) -> None:
        async with self._bench.pool.connection() as connection:
            await work.hand_back(connection, claim)

    async def _fail(self, taken: Taken, error: Exception) -> str:
        """Record a failure; give the word for what follows."""
        settings, unit = self._bench.settings, taken.claim.unit
        code, sentence = explain(error)
        final = isinstance(error, BadSource) or taken.failures + 1 >= settings.tries
        log.warning("%s: attempt %d failed: %s", unit, taken.claim.attempt, error,
                    exc_info=not isinstance(error, BadSource))  # fmt: skip

        async def record() -> None:
            async with self._bench.pool.connection() as connection:
                if final:
                    await give_up(connection, taken, code, sentence)
                else:
                    wait_s = settings.retry_wait_s * RETRY_GROWTH**taken.failures
                    await work.try_again(connection, taken.claim, code, sentence, wait_s)

        try:
            await patiently(record, settings.patience_s)
        except Superseded as gone:
            log.info("%s", gone)
        except AWAY:
            log.exception("%s: its failure is left to its lease", unit)
        return "failed" if final else "again"


async def give_up(connection: Connection, taken: Taken, code: str, sentence: str) -> None:
    """Fail the unit for good; late renditions that were begun are taken back."""
    unit = taken.claim.unit
    await work.give_up(connection, taken.claim, code, sentence)
    if unit.late and taken.plan is not None:
        video = msgspec.convert(taken.plan, EncodePlan).video
        names = [rung.name for rung in video.late_rungs] if video else []
        await publication.drop_late(connection, unit, names)


def explain(error: Exception) -> tuple[str, str]:
    """Give a code for the pages and a sentence for a person."""
    if isinstance(error, BadSource):
        return error.code, str(error)
    if isinstance(error, StoreFull):
        return "store_full", "The object store has no room: free some, then try again."
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return "store_full", "The disk of a worker has no room: free some, then try again."
    if isinstance(error, StoreAway):
        return "store_away", "The object store does not answer: check it, then try again."
    if isinstance(error, AWAY):
        return "database_away", "The database does not answer: check it, then try again."
    return "transcoder_failed", "The video could not be converted: try again, or upload another."
