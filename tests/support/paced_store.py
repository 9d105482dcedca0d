"""A store that a test holds up, breaks or watches. Everything else goes to the real one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from catalog.store.port import ObjectInfo, ObjectStore, StoreError


class PacedStore:
    """Lets `free` media objects in at once, then one each time `allow` is called.

    While `error` is set every media object is refused with it. `media` names what was stored. With
    `each` it lets in so many of each rendition: none can take what another needs.
    """

    def __init__(
        self, store: ObjectStore, free: int | None = None, each: int | None = None
    ) -> None:
        self._store = store
        self._room = asyncio.Semaphore(free or 0) if free is not None else None
        self._each = each
        self._stored: Counter[str] = Counter()
        self._open = asyncio.Event()
        self.error: StoreError | None = None
        self.refused = 0
        self.media: list[str] = []

    def allow(self, number: int = 1) -> None:
        """Let some more in."""
        assert self._room is not None
        for _ in range(number):
            self._room.release()

    def open_up(self) -> None:
        """Hold nothing up any more."""
        self._open.set()
        if self._room is not None:
            self.allow(100_000)

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        if self.error is not None:
            self.refused += 1
            raise self.error
        if self._room is not None:
            await self._room.acquire()
        folder = key.rpartition("/")[0]
        self._stored[folder] += 1
        if self._each is not None and self._stored[folder] > self._each:
            await self._open.wait()
        await self._store.put_file(key, path, content_type)
        self.media.append(key)

    async def put_bytes(self, key: str, body: bytes, content_type: str) -> None:
        await self._store.put_bytes(key, body, content_type)

    def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self._store.read(key, offset, length)

    async def local_path(self, key: str) -> Path | None:
        return await self._store.local_path(key)

    async def fetch(self, key: str, path: Path) -> None:
        await self._store.fetch(key, path)

    async def info(self, key: str) -> ObjectInfo:
        return await self._store.info(key)

    async def delete(self, key: str) -> None:
        await self._store.delete(key)

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        return self._store.list(prefix)

    async def check(self) -> None:
        await self._store.check()

    async def close(self) -> None:
        await self._store.close()
