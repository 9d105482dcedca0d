"""Keeps the index of this machine in step with PostgreSQL.

One process writes (a file lock decides), the others only read. It follows lesson.change_xid, woken
by LISTEN and at least once a second; builds anew when there is no fit index, the newest lessons
first, and what changes meanwhile is taken in between. When the database goes away it waits and goes
on; when the index breaks it is built again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec
import psycopg
from psycopg_pool import PoolTimeout

from catalog.db import search_feed as feed
from catalog.db.pool import Connection, Pool
from catalog.ending import end_task
from catalog.errors import Unavailable
from catalog.ids import is_id
from catalog.search.entries import entry_of
from catalog.search.home import Home, State
from catalog.search.metrics import SearchMetrics
from catalog.search.schema import VERSION
from catalog.search.tantivy_index import SearchSettings, TantivyReader, TantivyWriter

log = logging.getLogger(__name__)

POLL_S = 1.0
BREATH_S = 0.05
LOCK_RETRY_S = 2.0
FOLLOW_EVERY_S = 2.0
LONGEST_WAIT_S = 5.0
DATABASE_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class Notifications(Protocol):
    """The part of catalog/db/listen.py that is used here."""

    def subscribe(
        self, channel: str, on_payload: Callable[[str], None], on_gap: Callable[[], None]
    ) -> Callable[[], None]:
        """Call on each notification; the result ends the subscription."""


@dataclass(slots=True)
class Built:
    """A build and where it stands: all below its state's point is in, and `seen` beyond it."""

    directory: Path
    state: State
    seen: frozenset[feed.Change] = frozenset()


class Indexer:
    """The one writer's task; `run` ends only when it is cancelled."""

    def __init__(
        self, pool: Pool, reader: TantivyReader, settings: SearchSettings, metrics: SearchMetrics
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._settings = settings
        self._metrics = metrics
        self._home = Home(settings.directory)
        self._woken = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="search-writer")
        self._rebuild_asked = False
        self._lock: IO[str] | None = None

    def wake(self, payload: str = "") -> None:
        """Look for changes now."""
        self._woken.set()

    def rebuild(self) -> None:
        """Build the index anew beside the one in use, soon."""
        self._rebuild_asked = True
        self._woken.set()

    async def run(self) -> None:
        """Become the writer when no other process is, and write until cancelled."""
        looking = asyncio.create_task(self._reader.keep_looking(), name="search-look")
        try:
            await self._become_writer()
            await self._write_for_ever()
        finally:
            await end_task(looking)
            await asyncio.to_thread(self._stop_writing)

    async def _become_writer(self) -> None:
        while True:
            try:
                await self._off_loop(self._try_writing)
            except OSError as error:
                log.warning("search cannot write; again in %.0f s: %s", LOCK_RETRY_S, error)
            if self._lock:
                return
            await asyncio.sleep(LOCK_RETRY_S)

    def _try_writing(self) -> None:
        self._lock = self._home.try_writing()

    def _stop_writing(self) -> None:
        # The thread ends what it was at before another process may begin to write.
        self._thread.shutdown()
        if self._lock:
            self._lock.close()

    async def _write_for_ever(self) -> None:
        wait_s = BREATH_S
        while True:
            try:
                async for _ in self._session():
                    wait_s = BREATH_S
            except DATABASE_AWAY as error:
                log.warning("search waits for the database: %s", error)
            except Unavailable as error:
                log.warning("search writes again in %.1f s: %s", wait_s, error)
            except Exception:
                # Without this task search would stand still unseen: say it and try again.
                log.exception("the search indexer failed; again in %.1f s", wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _session(self) -> AsyncIterator[None]:
        """Follow with one writer until something breaks; yields after each round that went well."""
        await self._off_loop(self._home.sweep)
        built = await self._fit_build() or await self._build_anew()
        async with self._writer(built.directory) as writer:
            while not (self._rebuild_asked or self._reader.damaged == built.directory):
                self._woken.clear()
                await self._follow(writer, built)
                yield
                await self._rest()

    async def _fit_build(self) -> Built | None:
        """Give the build in use if it is whole, of this database, and opens."""
        directory, state = await self._off_loop(self._in_use)
        if state is None or not state.complete or self._rebuild_asked:
            return None
        async with self._pool.connection() as connection:
            point = await feed.read_point(connection)
        if state.database != point.database or state.after_xid > point.beyond:
            return None
        try:
            await self._reader.look()
        except Unavailable as error:
            log.warning("the search index is built anew: %s", error)
        return None if self._reader.damaged == directory else Built(directory, state)

    def _in_use(self) -> tuple[Path, State | None]:
        directory = self._home.current() or self._home.root
        return directory, self._home.state(directory)

    @asynccontextmanager
    async def _writer(self, directory: Path) -> AsyncIterator[TantivyWriter]:
        opening = self._thread.submit(TantivyWriter, directory, self._settings)
        try:
            yield await asyncio.wrap_future(opening)
        finally:
            await asyncio.shield(self._off_loop(_close, opening))

    async def _build_anew(self) -> Built:
        """Read everything into a new build; it is used at once when there is no fit one."""
        started = asyncio.get_running_loop().time()
        async with self._pool.connection() as connection:
            point = await feed.read_point(connection)
            pulled = await feed.pull_back_future(connection, point.beyond)
        if pulled:
            log.info("%d lessons came from another database", pulled)
        directory, old = await self._off_loop(self._in_use)
        beside = old is not None and self._reader.damaged != directory
        async with self._pool.connection() as connection:
            await feed.one_snapshot(connection)
            try:
                built = await self._new_build(connection, beside)
                count = await self._fill(connection, built)
            finally:
                await connection.rollback()
                await feed.any_snapshot(connection)
        await self._off_loop(self._home.use, built.directory)
        await self._reader.look()
        self._rebuild_asked = False
        took_s = asyncio.get_running_loop().time() - started
        self._metrics.rebuilt(count, took_s)
        log.info("search index built: %d lessons in %.1f s", count, took_s)
        return built

    async def _new_build(self, connection: Connection, beside: bool) -> Built:
        point = await feed.read_point(connection)
        state = State(VERSION, point.database, point.horizon, complete=False)
        built = Built(await self._off_loop(self._home.new_build, state), state)
        if not beside:
            await self._off_loop(self._home.use, built.directory)
        return built

    async def _fill(self, connection: Connection, built: Built) -> int:
        clock = asyncio.get_running_loop().time
        count, committed, follow_at = 0, 0, clock()
        newer: set[str] = set()
        async with (
            self._writer(built.directory) as writer,
            aclosing(feed.stream_lessons(connection)) as lessons,
        ):
            async for rows in lessons:
                fresh = [row for row in rows if row["id"] not in newer]
                await self._off_loop(_add, writer, fresh, False)
                count += len(fresh)
                if clock() >= follow_at:
                    newer |= await self._follow(writer, built, commit=count >= 2 * committed)
                    committed = max(committed, count) if count >= 2 * committed else committed
                    follow_at = clock() + FOLLOW_EVERY_S
            await self._follow(writer, built, commit=True)
        built.state = msgspec.structs.replace(built.state, complete=True)
        await self._off_loop(self._home.write_state, built.directory, built.state)
        return count

    async def _follow(self, writer: TantivyWriter, built: Built, commit: bool = False) -> set[str]:
        """Take in what changed since the state's point and move it on; gives what was taken in."""
        taken: set[str] = set()
        met: set[feed.Change] = set()
        async with self._pool.connection() as connection:
            point = await feed.read_point(connection)
            after = feed.Change("", built.state.after_xid)
            while changes := await feed.read_changes(connection, after):
                after = changes[-1]
                met.update(changes)
                ids = [change.id for change in changes if change not in built.seen]
                await self._take(connection, writer, ids)
                taken.update(ids)
        if taken or commit:
            await self._off_loop(writer.commit)
            await self._reader.look()
            self._metrics.took(len(taken), self._reader.lessons)
        built.seen = frozenset(change for change in met if change.xid >= point.horizon)
        built.state = msgspec.structs.replace(built.state, after_xid=point.horizon)
        # Going back a little after a crash costs nothing: the file is written with changes only.
        if taken and built.state.complete:
            await self._off_loop(self._home.write_state, built.directory, built.state)
        return taken

    async def _take(self, connection: Connection, writer: TantivyWriter, ids: list[str]) -> None:
        if not ids:
            return
        rows = await feed.read_rows(connection, ids)
        gone = set(ids) - {row["id"] for row in rows}
        await self._off_loop(_add, writer, rows, True)
        await self._off_loop(writer.delete, gone)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
            await asyncio.sleep(BREATH_S)
        except TimeoutError:
            pass

    async def _off_loop(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)


def _add(writer: TantivyWriter, rows: Sequence[dict[str, Any]], known: bool) -> None:
    writer.add((entry_of(row) for row in rows if is_id(row["id"])), known)


def _close(opening: Future[TantivyWriter]) -> None:
    # One thread: this runs after the opening, also when nobody waited for it.
    if not opening.cancelled() and not opening.exception():
        opening.result().close()


@asynccontextmanager
async def search_running(
    pool: Pool, notifications: Notifications, settings: SearchSettings, metrics: SearchMetrics
) -> AsyncIterator[TantivyReader]:
    """Read, and write when no other process of this machine does, until the end of the block."""
    reader = TantivyReader(settings)
    indexer = Indexer(pool, reader, settings, metrics)
    unsubscribe = notifications.subscribe("lesson", indexer.wake, indexer.wake)
    task = asyncio.create_task(indexer.run(), name="search-indexer")
    try:
        yield reader
    finally:
        unsubscribe()
        await end_task(task)
        await asyncio.to_thread(reader.close)
