"""Pieces on disk, for the event loop: nothing here waits for the disk but who asks for a piece.

All that changes the shelf is done by one thread, in order (disk.py); files are opened by others.
A hit on a file that is open takes no thread. Trouble with the disk ends keeping for a while and is
told by `state` and `trouble`; what is on the shelf can still be read, what comes is streamed
through, and the disk is tried again each RETRY_S.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from catalog.store.port import StoreAway
from streaming.edge.disk import PREFIXES, Disk
from streaming.edge.eviction import Held
from streaming.edge.index import can_be_indexed
from streaming.edge.openfiles import OPEN_LIMIT, Kept, OpenFiles
from streaming.edge.piece import Group, Piece
from streaming.edge.shelving import Backlog, NoWriting, Writing
from streaming.edge.trouble import DiskError, ShelfState, state_after, told

log = logging.getLogger(__name__)

COMMIT_S = 1.0
RETRY_S = 30.0
READERS = 4
CHUNK_BYTES = 256 * 1024
SWEEP_PAUSE_S = 0.05
MIN_FREE_BYTES = 64 * 1024 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShelfSettings:
    """Times of the shelf, and the room that it leaves to others on its file system."""

    commit_s: float = COMMIT_S
    retry_s: float = RETRY_S
    sweep_pause_s: float = SWEEP_PAUSE_S
    min_free_bytes: int = MIN_FREE_BYTES
    open_limit: int = OPEN_LIMIT


@dataclass(frozen=True, slots=True)
class ShelfFigures:
    """What there is to say of the shelf; counts are since the start."""

    state: ShelfState
    trouble: str
    size_bytes: int
    budget_bytes: int
    hits: int
    misses: int
    kept: int
    evicted: int
    checked: int
    damaged: int
    troubles: int


class Shelf:
    """The box's disk cache. Use as a context, around all who read and write it."""

    def __init__(
        self,
        directory: Path,
        budget_bytes: int,
        settings: ShelfSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = date.today,
        sync: Callable[[], None] = os.sync,
    ) -> None:
        self._settings = settings or ShelfSettings()
        self._clock = clock
        free_bytes = self._settings.min_free_bytes
        self._disk = Disk(directory, budget_bytes, today, free_bytes, sync)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shelf")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="shelf-read")
        self._files = OpenFiles(self._close_fd, self._settings.open_limit)
        self._backlog = Backlog()
        self._touched: dict[Piece, None] = {}
        self._doubtful: set[Piece] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._retry_at = 0.0
        self._hits = self._misses = self._troubles = 0
        self.state = ShelfState.CLOSED
        self.trouble = ""

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self.state = ShelfState.KEEPING
        with self._noted():
            await self._do(self._disk.open)
        self._tasks = [
            asyncio.create_task(self._tend(), name="shelf"),
            asyncio.create_task(self._sweep(), name="shelf sweep"),
        ]
        for task in self._tasks:
            task.add_done_callback(_note_failure)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._write_down()
        self._files.clear()
        with self._noted():
            await self._do(partial(self._disk.close, clean=self.state is ShelfState.KEEPING))
        self.state = ShelfState.CLOSED
        self._readers.shutdown(wait=False)
        self._thread.shutdown(wait=False)

    def at_hand(self, piece: Piece) -> Kept | None:
        """Give a piece whose file is open already, to be closed by whoever asks; never waits."""
        kept = self._files.lend(piece)
        if kept is not None:
            self._hits += 1
            self._touched[piece] = None
        return kept

    async def get(self, piece: Piece) -> Kept | None:
        """Give a piece that is here, to be closed by whoever asks; None when it is not."""
        kept = self.at_hand(piece)
        if kept is not None:
            return kept
        fd = await self._found(piece)
        if fd is None:
            self._misses += 1
            self._doubtful.add(piece)
            return None
        self._hits += 1
        self._touched[piece] = None
        return self._files.take(piece, fd)

    def begin(self, piece: Piece, group: Group) -> Writing | NoWriting:
        """Begin to keep a piece; what cannot be kept is let go without a word."""
        if self.state is not ShelfState.KEEPING or not can_be_indexed(piece, group):
            return NoWriting()
        return Writing(self._disk, self._thread, self._backlog, piece, group, self._note_soon)

    async def chunks(
        self, kept: Kept, first: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Read a part of an open piece. Raises: StoreAway when the disk does not give it."""
        end = kept.size_bytes if length is None else min(kept.size_bytes, first + length)
        while first < end:
            wanted = min(CHUNK_BYTES, end - first)
            try:
                chunk = await _run(self._readers, partial(os.pread, kept.fd, wanted, first))
            except OSError as error:
                raise StoreAway(f"the box's disk cannot be read: {error}") from error
            if not chunk:
                raise StoreAway("a file on the box's disk became shorter")
            first += len(chunk)
            yield chunk

    async def pin(self, group: Group, last_day: date | None) -> None:
        """Keep a group until a day is over; None lets it go."""
        with self._noted():
            await self._do(partial(self._disk.pin, group, last_day))

    def size_of(self, group: Group) -> int:
        """Say how many bytes of a group are here, or have their room."""
        return self._disk.size_of(group)

    async def pieces(self, group: Group) -> frozenset[Piece]:
        """Give the pieces of a group that are here."""
        return frozenset(await self._do(partial(self._disk.pieces, group)))

    async def contents(self) -> list[Held]:
        """Give all groups, the most recently used first."""
        return await self._do(self._disk.contents)

    def figures(self) -> ShelfFigures:
        """Say how the shelf does."""
        disk = self._disk
        return ShelfFigures(
            self.state, self.trouble, disk.size_bytes, disk.budget_bytes, self._hits,
            self._misses, disk.kept, disk.evicted, disk.checked, disk.damaged, self._troubles,
        )  # fmt: skip

    async def _found(self, piece: Piece) -> int | None:
        """Open a piece; look again when one was kept meanwhile, for it may be this one."""
        try:
            while True:
                before = self._disk.kept
                fd = await self._open(piece)
                if fd is not None or self._disk.kept == before:
                    return fd
        except DiskError as error:
            log.warning("%s at %d cannot be read: %s", piece.key, piece.offset, error)
            return None

    async def _open(self, piece: Piece) -> int | None:
        if not self._disk.is_proven(piece) and not await self._do(partial(self._disk.prove, piece)):
            return None
        opening = self._readers.submit(partial(self._disk.open_file, piece))
        try:
            return await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_opened)
            raise

    async def _do(self, work: Callable[[], T]) -> T:
        """Do work in the shelf's thread; drop what it removed from the open files."""
        try:
            return await _run(self._thread, work)
        finally:
            while self._disk.gone:
                self._files.drop(self._disk.gone.popleft())

    async def _tend(self) -> None:
        """Write down what was used, or try the disk again."""
        while True:
            await asyncio.sleep(self._settings.commit_s)
            if self.state is ShelfState.KEEPING:
                await self._write_down()
            elif self._clock() >= self._retry_at:
                await self._try_again()

    async def _write_down(self) -> None:
        touched, doubtful = list(self._touched), list(self._doubtful)
        self._touched.clear()
        self._doubtful.clear()
        if self.state is ShelfState.KEEPING:
            with self._noted():
                await self._do(partial(self._disk.tend, touched, doubtful))

    async def _try_again(self) -> None:
        full = self.state is ShelfState.FULL
        try:
            await self._do(partial(self._disk.recover, full=full))
        except DiskError as error:
            self._note(error)
        else:
            self.state, self.trouble = ShelfState.KEEPING, ""
            log.warning("the disk can be used again")

    async def _sweep(self) -> None:
        for prefix in PREFIXES:
            await asyncio.sleep(self._settings.sweep_pause_s)
            if self.state is ShelfState.KEEPING:
                with self._noted():
                    await self._do(partial(self._disk.sweep, prefix))

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except DiskError as error:
            self._note(error)

    def _note_soon(self, error: BaseException) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._note, error)

    def _note(self, error: BaseException) -> None:
        self.state, self.trouble = state_after(error), told(error)
        self._troubles += 1
        self._retry_at = self._clock() + self._settings.retry_s
        log.warning("nothing is kept for %.0f s: %s", self._settings.retry_s, self.trouble)

    def _close_fd(self, fd: int) -> None:
        """Close in a thread: the last one of a removed file frees its blocks."""
        try:
            self._readers.submit(os.close, fd)
        except RuntimeError:
            os.close(fd)


def _note_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("%s ended", task.get_name(), exc_info=task.exception())


async def _run(thread: Executor, work: Callable[[], T]) -> T:
    return await asyncio.wrap_future(thread.submit(work))


def _close_opened(opening: Future[int | None]) -> None:
    fd = None if opening.cancelled() or opening.exception() else opening.result()
    if fd is not None:
        os.close(fd)
