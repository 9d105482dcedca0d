"""The school's cache as a store for `/media`: pieces by `Cached`, pictures as kept answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from catalog.store.port import ObjectInfo, ObjectMissing
from streaming.edge.cached import Cached
from streaming.edge.presentations import Presentations
from streaming.hot.door import FileSlice
from streaming.vod.reply import Stored


class SchoolStore:
    """What `streaming.vod.app.Media` reads from."""

    def __init__(self, pieces: Cached, presentations: Presentations) -> None:
        self._pieces = pieces
        self._presentations = presentations

    async def info(self, key: str) -> ObjectInfo:
        """Size of a picture. Raises: ObjectMissing, Unavailable."""
        return ObjectInfo(key, len(await self._picture(key)), 0.0)

    def held(self, stored: Stored) -> FileSlice | None:
        """Give bytes of a piece whose file is open (`streaming.hot.files.FileSource`)."""
        return None if self._is_picture(stored) else self._pieces.held(stored)

    async def open(self, stored: Stored) -> FileSlice | None:
        """Open the file of a piece; None when it is not on the shelf."""
        return None if self._is_picture(stored) else await self._pieces.open(stored)

    def close(self) -> None:
        """Open files are the shelf's."""
        self._pieces.close()

    @asynccontextmanager
    async def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a part of an object as chunks. Raises: StoreError, Unavailable."""
        if self._presentations.is_picture(key):
            body = await self._picture(key)
            end = len(body) if length is None else offset + length
            yield _once(body[offset:end])
            return
        async with self._pieces.read(key, offset, length) as chunks:
            yield chunks

    def _is_picture(self, stored: Stored) -> bool:
        return self._presentations.is_picture(stored.key)

    async def _picture(self, key: str) -> bytes:
        found = await self._presentations.picture(key)
        if found is None:
            raise ObjectMissing(key)
        return found


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
