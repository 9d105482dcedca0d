"""The object store as files below a directory: one object, one file, its key the path.

A write goes to a file in `.tmp`, is synced, renamed to its place and the directory synced: a reader
and a power cut see the whole object or the one before. A writer holds a lock on its unfinished
file, so what a killed one left is told apart and swept at the next start, also when several
processes share the directory. All file work is done in threads of the store's own. Content types
are not kept: the routes that serve an object know what it is.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import secrets
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from catalog.store.files import NO_ROOM, copy_between, make_directories, scan, sync_directory
from catalog.store.keys import require_key, require_prefix
from catalog.store.port import ObjectInfo, ObjectMissing, StoreAway, StoreFull
from catalog.store.proof import prove

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
UNFINISHED = ".tmp"
PLACE_TRIES = 8
FILE_MODE = 0o640
_NO_LINK = frozenset(
    {
        errno.EXDEV,
        errno.EPERM,
        errno.EACCES,
        errno.EMLINK,
        errno.EOPNOTSUPP,
        errno.ENOENT,
        errno.EINVAL,
    }
)
_NOT_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)

T = TypeVar("T")
Write = Callable[[BinaryIO, threading.Event], None]


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Where objects lie, and the room that writes leave free on that file system."""

    root: Path
    min_free_bytes: int = 1 << 30
    threads: int = 8


class LocalStore:
    """An `ObjectStore` in a directory; make it off the loop, it prepares the directory."""

    def __init__(self, settings: LocalSettings) -> None:
        self.root = settings.root.absolute()
        self._unfinished = self.root / UNFINISHED
        self._min_free_bytes = settings.min_free_bytes
        self._threads = ThreadPoolExecutor(settings.threads, "store")
        with self._told("the store's directory"):
            self._unfinished.mkdir(parents=True, exist_ok=True)
            self._sweep()

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store the file's bytes; on a file system that shares blocks they are not copied."""

        def write(target: BinaryIO, stop: threading.Event) -> None:
            with path.open("rb") as source:
                copy_between(source, target, stop)

        size = (await asyncio.to_thread(path.stat)).st_size
        await self._put(require_key(key), size, write)

    async def take_file(self, key: str, path: Path, content_type: str) -> None:
        """Give the file a second name as the object; copy when it is on another file system."""
        link = partial(self._link, require_key(key), path)
        if not await asyncio.get_running_loop().run_in_executor(self._threads, link):
            await self.put_file(key, path, content_type)

    async def put_bytes(self, key: str, body: bytes, content_type: str) -> None:
        """Store body."""

        def write(target: BinaryIO, stop: threading.Event) -> None:
            target.write(body)

        await self._put(require_key(key), len(body), write)

    @asynccontextmanager
    async def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the object's file; past its end there is nothing to read."""
        wanted = CHUNK_BYTES if length is None else min(length, CHUNK_BYTES)
        file, first = await self._open(key, offset, wanted)
        try:
            async with aclosing(self._chunks(key, file, first, length)) as chunks:
                yield chunks
        finally:
            self._let_go(file)

    async def _open(self, key: str, offset: int, wanted: int) -> tuple[BinaryIO, bytes]:
        """Open and read the first chunk in one go of a thread: most reads are one or two."""
        path = self._path(key)

        def open_at() -> tuple[BinaryIO, bytes]:
            with self._told(key):
                file = path.open("rb")
                file.seek(offset)
                return file, file.read(wanted)

        future = self._threads.submit(open_at)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(_close)
            raise

    def _let_go(self, file: BinaryIO) -> None:
        """Close in a thread, behind a read that may still run; nobody waits for it."""
        try:
            self._threads.submit(file.close)
        except RuntimeError:
            file.close()

    async def _chunks(
        self, key: str, file: BinaryIO, chunk: bytes, length: int | None
    ) -> AsyncGenerator[bytes, None]:
        left = length
        while chunk:
            yield chunk
            if left is not None:
                left -= len(chunk)
            wanted = CHUNK_BYTES if left is None else min(left, CHUNK_BYTES)
            chunk = await self._run(key, partial(file.read, wanted)) if wanted else b""

    async def local_path(self, key: str) -> Path | None:
        """Path of the object's file; None when there is no such object."""
        path = self._path(key)
        return path if await self._run(key, path.is_file) else None

    async def fetch(self, key: str, path: Path) -> None:
        """Copy the object to path, which appears when it is whole."""
        source_path = self._path(key)
        half = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        stop = threading.Event()

        def copy() -> None:
            with self._told(key):
                source = source_path.open("rb")
            try:
                with source, half.open("xb") as target:
                    copy_between(source, target, stop)
                half.replace(path)
            finally:
                half.unlink(missing_ok=True)

        await self._stoppable(copy, stop)

    async def info(self, key: str) -> ObjectInfo:
        """Size and age of the object's file."""
        seen = await self._run(key, self._path(key).stat)
        if not stat.S_ISREG(seen.st_mode):
            raise ObjectMissing(f"no object {key}")
        return ObjectInfo(key, seen.st_size, seen.st_mtime)

    async def delete(self, key: str) -> None:
        """Unlink the file and the directories that it leaves empty."""
        path = self._path(key)

        def remove() -> None:
            path.unlink(missing_ok=True)
            with suppress(OSError):
                for parent in list(path.relative_to(self.root).parents)[:-1]:
                    (self.root / parent).rmdir()

        await self._run(key, remove)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Walk directory by directory: what lies in memory is one level of each."""
        folder = require_prefix(prefix).rpartition("/")[0]
        async with aclosing(self._walk(folder, prefix)) as found:
            async for info in found:
                yield info

    async def _walk(self, folder: str, prefix: str) -> AsyncGenerator[ObjectInfo, None]:
        for entry in await self._run("the store", partial(self._scan, folder)):
            if isinstance(entry, ObjectInfo):
                if entry.key.startswith(prefix):
                    yield entry
            elif f"{entry}/".startswith(prefix):
                async with aclosing(self._walk(entry, prefix)) as found:
                    async for info in found:
                        yield info

    def _scan(self, folder: str) -> Sequence[str | ObjectInfo]:
        entries = scan(self.root, folder)
        if not entries:
            self._unfinished.stat()
        return entries

    async def check(self) -> None:
        """Write, read and delete a small object."""
        await prove(self)

    async def close(self) -> None:
        """End the threads once they are idle."""
        self._threads.shutdown(wait=False)

    async def _run(self, what: str, work: Callable[[], T]) -> T:
        """Do work in a thread; its errors come back as the port's, about `what`."""

        def told() -> T:
            with self._told(what):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, told)

    async def _stoppable(self, work: Callable[[], None], stop: threading.Event) -> None:
        """Do work; when cancelled, tell it to stop: its thread owns and frees the files."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except asyncio.CancelledError:
            stop.set()
            raise

    def _path(self, key: str) -> Path:
        return self.root / require_key(key)

    async def _put(self, key: str, size_bytes: int, write: Write) -> None:
        stop = threading.Event()
        await self._stoppable(lambda: self._write_whole(key, size_bytes, write, stop), stop)

    def _write_whole(self, key: str, size_bytes: int, write: Write, stop: threading.Event) -> None:
        with self._told(key, writing=True):
            self._require_room(size_bytes)
            half, target = self._open_unfinished()
            try:
                with target:
                    write(target, stop)
                    target.flush()
                    os.fsync(target.fileno())
                    self._place(half, self._path(key))
            finally:
                half.unlink(missing_ok=True)

    def _require_room(self, size_bytes: int) -> None:
        seen = os.statvfs(self._unfinished)
        free = seen.f_bavail * seen.f_frsize
        if free - size_bytes < self._min_free_bytes:
            raise self._full(f"{free >> 20} MiB are free and {size_bytes >> 20} MiB are to come")

    def _full(self, why: str) -> StoreFull:
        return StoreFull(
            f"no room in {self.root}: {why}, {self._min_free_bytes >> 20} MiB must stay free. "
            "Delete lessons or files, or give the file system more room"
        )

    def _link(self, key: str, path: Path) -> bool:
        """Link the file as the object, durable; False where that cannot be done."""
        half = self._unfinished / secrets.token_hex(12)
        with path.open("rb") as file, self._told(key, writing=True):
            try:
                os.fsync(file.fileno())
                half.hardlink_to(path)
                self._place(half, self._path(key))
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                return False
            finally:
                half.unlink(missing_ok=True)
        return True

    def _open_unfinished(self) -> tuple[Path, BinaryIO]:
        """Make a locked file in `.tmp`; again, when a sweep took it before the lock was ours."""
        while True:
            path = self._unfinished / secrets.token_hex(12)
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb")
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file.fileno()).st_nlink:
                    return path, file
            file.close()

    def _place(self, half: Path, path: Path) -> None:
        """Rename into place; again, when a delete took the empty directory meanwhile."""
        for tries_left in reversed(range(PLACE_TRIES)):
            try:
                make_directories(self.root, path.parent)
                half.rename(path)
                sync_directory(path.parent)
            except FileNotFoundError:
                if not tries_left or not half.exists():
                    raise
            else:
                return

    def _sweep(self) -> None:
        for path in self._unfinished.iterdir():
            with suppress(FileNotFoundError, BlockingIOError), path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                log.info("removed an unfinished object, %d bytes", os.fstat(file.fileno()).st_size)

    @contextmanager
    def _told(self, what: str, *, writing: bool = False) -> Iterator[None]:
        """Turn errors of the operating system into the port's."""
        try:
            yield
        except _NOT_THERE as error:
            if writing or not self._unfinished.is_dir():
                raise StoreAway(f"{self.root} is gone: mount or make it again") from error
            raise ObjectMissing(f"no object {what}") from error
        except OSError as error:
            if error.errno in NO_ROOM:
                raise self._full(error.strerror or "the file system is full") from error
            raise StoreAway(f"{what} in {self.root}: {error.strerror}") from error


def _close(opened: Future[tuple[BinaryIO, bytes]]) -> None:
    if not opened.cancelled() and not opened.exception():
        opened.result()[0].close()
