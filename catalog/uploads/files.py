"""Files of uploads: appended to by one writer each, locked, durable before they are acknowledged.

One file an upload, `{id}`, in a directory of its own; its size is the upload's offset, so that it
survives kill -9. Bytes that are still to be checked are fenced by `{id}.from`, which names the
offset they began at: whoever opens the file next cuts it there. `{id}.join` is a final upload that
is being put together. All file work runs in threads of this object's own.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from catalog.ids import is_id
from catalog.store.files import NO_ROOM, copy_between, sync_directory
from catalog.store.port import StoreAway, StoreFull
from catalog.tus import BadChecksum, Checksum, Gone, Locked

SYNC_EVERY_BYTES = 32 * 1024 * 1024
FILE_MODE = 0o640
_FENCE = ".from"
_JOIN = ".join"

T = TypeVar("T")


class UploadFiles:
    """The directory of uploads; make it off the loop, it prepares the directory."""

    def __init__(self, directory: Path, min_free_bytes: int = 0, threads: int = 8) -> None:
        self._directory = directory.absolute()
        self._min_free_bytes = min_free_bytes
        self._threads = ThreadPoolExecutor(threads, "upload")
        self._directory.mkdir(parents=True, exist_ok=True)

    def path(self, upload: str) -> Path:
        """Path of an upload's bytes. Raises: ValueError for what is no identifier of ours."""
        if not is_id(upload):
            raise ValueError(f"not an identifier: {upload[:40]!r}")
        return self._directory / upload

    async def create(self, upload: str) -> None:
        """Make an empty file, durable when this returns."""
        await self._run(partial(_create, self.path(upload)))

    async def offset(self, upload: str) -> int | None:
        """Give how many bytes are safely here; None when there is no file."""
        return await self._run(partial(_offset, self.path(upload)))

    async def head(self, upload: str, size_bytes: int) -> bytes:
        """Give the first bytes."""
        return await self._run(partial(_head, self.path(upload), size_bytes))

    async def delete(self, upload: str) -> None:
        """Remove everything of an upload; a missing one is no error."""
        await self._run(partial(_delete, self.path(upload)))

    async def ids(self) -> list[str]:
        """Give the uploads that have anything here, the oldest first."""
        names = await self._run(partial(os.listdir, self._directory))
        return sorted({name.partition(".")[0] for name in names if is_id(name.partition(".")[0])})

    async def require_room(self, size_bytes: int) -> None:
        """Raises: StoreFull when that many bytes would leave too little on the file system."""
        seen = await self._run(partial(os.statvfs, self._directory))
        free = seen.f_bavail * seen.f_frsize
        if free - size_bytes < self._min_free_bytes:
            raise StoreFull(
                f"the server has no room for {size_bytes >> 20} MiB now ({free >> 20} MiB are "
                "free): ask its operator to make room, then go on with the same upload"
            )

    async def join(self, upload: str, parts: tuple[str, ...]) -> None:
        """Make an upload of the parts' bytes in this order; whole or not at all."""
        stop = threading.Event()
        sources = [self.path(part) for part in parts]
        try:
            await self._run(partial(_join, self.path(upload), sources, stop))
        except asyncio.CancelledError:
            stop.set()
            raise

    @asynccontextmanager
    async def writing(self, upload: str) -> AsyncIterator[Writer]:
        """Hold an upload's lock. Raises: Locked, Gone."""
        opened = _Opened(self.path(upload))
        try:
            await self._run(opened.open)
            yield Writer(opened, self._run)
        finally:
            await self._run(opened.close)

    async def close(self) -> None:
        """End the threads once they are idle."""
        self._threads.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _told, work)


class Writer:
    """Appends to one upload while its lock is held."""

    def __init__(self, opened: _Opened, run: Callable[[Callable[[], Any]], Any]) -> None:
        self._opened = opened
        self._run = run

    @property
    def offset(self) -> int:
        """Bytes that are here, with those that are still to be checked."""
        return self._opened.size

    async def expect(self, checksum: Checksum) -> None:
        """Fence what is written from here on until `settle` or `cut`."""
        await self._run(partial(self._opened.fence, checksum))

    async def write(self, data: bytes | bytearray) -> None:
        """Append. Raises: StoreFull; what fitted is kept."""
        await self._run(partial(self._opened.write, data))

    async def settle(self) -> None:
        """Make all durable; when fenced, only if it is what was expected. Raises: BadChecksum."""
        await self._run(self._opened.settle)

    async def cut(self) -> None:
        """Take back what is still fenced."""
        await self._run(self._opened.cut)


class _Opened:
    """The open file, used from threads; its lock keeps a close behind a write that still runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fence = _beside(path, _FENCE)
        self._descriptor = -1
        self._turn = threading.Lock()
        self._closed = False
        self._expected: Checksum | None = None
        self._hash = hashlib.sha256()
        self._fenced_from = 0
        self._unsynced_bytes = 0
        self.size = 0

    def open(self) -> None:
        with self._turn:
            if self._closed:
                raise Gone("the connection that wanted to write has gone")
            try:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except FileNotFoundError:
                raise Gone("this upload is no longer here: begin again") from None
            except BlockingIOError:
                raise Locked("another connection is writing this upload: try again") from None
            if not os.fstat(self._descriptor).st_nlink:
                raise Gone("this upload was taken back")
            self._cut(_fenced_from(self._path))

    def fence(self, expected: Checksum) -> None:
        with self._turn:
            self._expected, self._hash = expected, hashlib.new(expected.algorithm)
            self._fenced_from = self.size
            with self._fence.open("w") as fence:
                fence.write(f"{self.size}\n")
                fence.flush()
                os.fsync(fence.fileno())
            sync_directory(self._path.parent)

    def write(self, data: bytes | bytearray) -> None:
        with self._turn:
            rest = memoryview(data)
            while rest:
                written = os.write(self._descriptor, rest)
                self.size += written
                self._unsynced_bytes += written
                rest = rest[written:]
            if self._expected:
                self._hash.update(data)
            if self._unsynced_bytes >= SYNC_EVERY_BYTES:
                os.fdatasync(self._descriptor)
                self._unsynced_bytes = 0

    def settle(self) -> None:
        with self._turn:
            if self._expected and self._hash.digest() != self._expected.digest:
                self._cut(self._fenced_from)
                raise BadChecksum("the bytes were damaged on the way: send them again")
            os.fsync(self._descriptor)
            self._lift_fence()

    def cut(self) -> None:
        with self._turn:
            self._cut(self._fenced_from if self._expected else None)

    def close(self) -> None:
        with self._turn:
            self._closed = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _cut(self, at: int | None) -> None:
        if at is not None:
            os.ftruncate(self._descriptor, at)
            os.fsync(self._descriptor)
        self._lift_fence()
        self.size = os.fstat(self._descriptor).st_size

    def _lift_fence(self) -> None:
        self._fence.unlink(missing_ok=True)
        self._expected = None


def _told(work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreFull(
                "the server's disk is full; what came so far is kept: ask its operator to make "
                "room, then go on with the same upload"
            ) from error
        raise StoreAway(f"the server cannot write uploads: {error.strerror}") from error


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
    sync_directory(path.parent)


def _offset(path: Path) -> int | None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return None
    fenced = _fenced_from(path)
    return size if fenced is None else min(size, fenced)


def _fenced_from(path: Path) -> int | None:
    """Read the fence; one that a crash left empty had nothing behind it yet."""
    try:
        text = _beside(path, _FENCE).read_text()
    except FileNotFoundError:
        return None
    return int(text) if text.endswith("\n") else None


def _head(path: Path, size_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size_bytes)


def _delete(path: Path) -> None:
    for each in (path, _beside(path, _FENCE), _beside(path, _JOIN)):
        each.unlink(missing_ok=True)


def _join(path: Path, sources: list[Path], stop: threading.Event) -> None:
    half = _beside(path, _JOIN)
    try:
        with half.open("wb") as target:
            for source in sources:
                with source.open("rb") as opened:
                    copy_between(opened, target, stop)
            target.flush()
            os.fsync(target.fileno())
        half.replace(path)
        sync_directory(path.parent)
    except FileNotFoundError:
        raise Gone("a part of this upload is no longer here: begin again") from None
    except OSError:
        half.unlink(missing_ok=True)
        raise
