"""A piece on its way to disk: bytes are handed to the shelf's thread, in order.

Whoever writes never waits and never learns of trouble; the shelf does. What the disk cannot take
as fast as it comes is bounded by `Backlog`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import TypeVar

from streaming.edge.disk import Disk, NoRoom
from streaming.edge.half import Half
from streaming.edge.piece import Group, Piece
from streaming.edge.trouble import DiskError

WRITE_BYTES = 256 * 1024
BACKLOG_LIMIT_BYTES = 64 * 1024 * 1024

T = TypeVar("T")


class Backlog:
    """Bytes that wait for the disk; counted on the loop."""

    def __init__(self, limit_bytes: int = BACKLOG_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self.size_bytes = 0

    def admits(self, size_bytes: int) -> bool:
        """Tell whether so many more may wait."""
        return self.size_bytes + size_bytes <= self._limit_bytes

    def add(self, size_bytes: int, written: Future[None]) -> None:
        """Count bytes until they are written."""
        self.size_bytes += size_bytes
        loop = asyncio.get_running_loop()
        written.add_done_callback(lambda _: loop.call_soon_threadsafe(self._take_off, size_bytes))

    def _take_off(self, size_bytes: int) -> None:
        self.size_bytes -= size_bytes


class Writing:
    """Keeps one piece. `failed` is called in the thread when the disk does not do as it should."""

    def __init__(
        self,
        disk: Disk,
        thread: Executor,
        backlog: Backlog,
        piece: Piece,
        group: Group,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._disk = disk
        self._thread = thread
        self._backlog = backlog
        self._piece = piece
        self._group = group
        self._failed = failed
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self._lost = False
        self._half: Half | None = None

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._lost:
            return
        self._parts.append(data)
        self._size_bytes += len(data)
        if self._size_bytes >= WRITE_BYTES:
            self._hand_over()

    async def commit(self) -> bool:
        """Put the piece on the shelf; tell whether it is there. Goes on when cancelled."""
        self._hand_over()
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._keep)))

    def abort(self) -> None:
        """Forget the piece."""
        self._parts.clear()
        self._thread.submit(self._give_up)

    def _hand_over(self) -> None:
        data, size_bytes = b"".join(self._parts), self._size_bytes
        self._parts.clear()
        self._size_bytes = 0
        if not self._backlog.admits(size_bytes):
            self._lost = True
        if not self._lost:
            written = self._thread.submit(partial(self._write, data))
            self._backlog.add(size_bytes, written)

    def _write(self, data: bytes) -> None:
        if self._lost:
            return
        try:
            if self._half is None:
                self._half = self._disk.start(self._piece, self._group)
            self._half.write(data)
        except NoRoom:
            self._lost = True
        except DiskError as error:
            self._lose(error)

    def _keep(self) -> bool:
        half = self._half
        if self._lost or half is None:
            self._give_up()
            return False
        try:
            self._disk.keep(half)
        except NoRoom:
            self._give_up()
            return False
        except DiskError as error:
            self._lose(error)
            return False
        self._half = None
        return True

    def _lose(self, error: BaseException) -> None:
        self._failed(error)
        self._lost = True
        self._give_up()

    def _give_up(self) -> None:
        self._lost = True
        half, self._half = self._half, None
        if half is not None:
            try:
                self._disk.give_up(half)
            except DiskError as error:
                self._failed(error)


class NoWriting:
    """Keeps nothing: the disk is in trouble."""

    def write(self, data: bytes) -> None:
        """Let the bytes go."""

    async def commit(self) -> bool:
        """Tell that nothing is kept."""
        return False

    def abort(self) -> None:
        """Forget nothing."""
