"""Files of objects, kept open while they are in use: a segment is sent from an open descriptor.

What is opened is the file that a store keeps an object in. A file that nobody reads is closed once
others have been used since; one that is being sent stays open until it is sent.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from catalog.store.port import ObjectMissing
from streaming.hot.door import FileSlice
from streaming.vod.reply import Stored

OPEN_LIMIT = 512
CHUNK_BYTES = 256 * 1024


@runtime_checkable
class FileSource(Protocol):
    """Where stored bytes lie in files, if they do. A `BodySource` may be one besides."""

    def held(self, stored: Stored) -> FileSlice | None:
        """Give the bytes if their file is open."""

    async def open(self, stored: Stored) -> FileSlice | None:
        """Open their file; None when they lie in none. Raises: StoreError."""

    def close(self) -> None:
        """Close what is open and not being sent."""


@runtime_checkable
class LocatesFiles(Protocol):
    """An ObjectStore, of which this is a part."""

    async def local_path(self, key: str) -> Path | None:
        """Path of the object's file, if it is one here."""


class OpenFile:
    """A descriptor, closed when nobody holds it; `used` since the table last looked."""

    __slots__ = ("_holders", "fd", "size_bytes", "used")

    def __init__(self, fd: int, size_bytes: int) -> None:
        self.fd = fd
        self.size_bytes = size_bytes
        self.used = False
        self._holders = 1

    def slice(self, offset: int, size_bytes: int) -> FileSlice:
        """Hold the file for some of its bytes."""
        self._holders += 1
        return FileSlice(self.fd, offset, size_bytes, self.release, self.hold)

    def hold(self) -> bool:
        """Hold it once more, unless it is closed."""
        if not self._holders:
            return False
        self._holders += 1
        self.used = True
        return True

    def release(self) -> None:
        """Hold it no longer."""
        self._holders -= 1
        if not self._holders:
            os.close(self.fd)


class ObjectFiles:
    """A `FileSource` over a store that keeps an object as one file, or none at all."""

    def __init__(self, store: LocatesFiles | None, limit: int = OPEN_LIMIT) -> None:
        self._store = store
        self._limit = limit
        self._open: OrderedDict[str, OpenFile] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def held(self, stored: Stored) -> FileSlice | None:
        """Give the bytes if their file is open and has them."""
        found = self._open.get(stored.key)
        if found is None or stored.offset + stored.size_bytes > found.size_bytes:
            return None
        self._open.move_to_end(stored.key)
        return found.slice(stored.offset, stored.size_bytes)

    async def open(self, stored: Stored) -> FileSlice | None:
        """Open the file of the object; None when it is none here or too short."""
        if stored.key not in self._open:
            path = await self._store.local_path(stored.key) if self._store else None
            if path is None:
                return None
            self._keep(stored.key, await asyncio.to_thread(_open, path))
        return self.held(stored)

    def close(self) -> None:
        """Close what nobody reads; what is being sent is closed when it is sent."""
        while self._open:
            self._open.popitem()[1].release()

    def _keep(self, key: str, file: OpenFile) -> None:
        """Keep the newest; another may have opened it meanwhile."""
        before = self._open.pop(key, None)
        if before is not None:
            before.release()
        self._open[key] = file
        while len(self._open) > self._limit:
            self._drop_one()

    def _drop_one(self) -> None:
        """Drop the file that was not used for longest; what was held again has a second chance."""
        key, file = self._open.popitem(last=False)
        while file.used:
            file.used, self._open[key] = False, file
            key, file = self._open.popitem(last=False)
        file.release()


def _open(path: Path) -> OpenFile:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise ObjectMissing(f"no file {path.name}") from error
    return OpenFile(fd, os.fstat(fd).st_size)


@asynccontextmanager
async def chunks_of(body: FileSlice) -> AsyncIterator[AsyncIterator[bytes]]:
    """Read a slice in threads, for who cannot send files. Does not release it."""
    async with aclosing(_read(body)) as chunks:
        yield chunks


async def _read(body: FileSlice) -> AsyncGenerator[bytes, None]:
    at, end = body.offset, body.offset + body.size_bytes
    while at < end:
        chunk = await asyncio.to_thread(os.pread, body.fd, min(CHUNK_BYTES, end - at), at)
        if not chunk:
            return
        at += len(chunk)
        yield chunk
