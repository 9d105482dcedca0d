"""The school's cache as a store for `/media`: pieces by `Cached`, pictures as kept answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from catalog.store.port import ObjectInfo, ObjectMissing
from streaming.edge.cached import Cached
from streaming.edge.pacing import Pacing, Slowing
from streaming.edge.presentations import Presentations
from streaming.hot.door import FileSlice
from streaming.vod.bodies import BodySource
from streaming.vod.reply import Stored


class SchoolStore:
    """What `streaming.vod.app.Media` reads from; `pacing` holds back players that are not ours."""

    def __init__(self, pieces: Cached, presentations: Presentations, pacing: Pacing) -> None:
        self._pieces = pieces
        self._presentations = presentations
        self._pacing = pacing

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

    def bodies_for(self, lesson: str, viewer: str, headers: Mapping[str, str]) -> BodySource:
        """Give what a viewer reads from (`streaming.vod.bodies.BodiesForViewers`)."""
        slowing = self._pacing.slowing(lesson, viewer, headers)
        return self if slowing is None else _Slowed(self, slowing)

    def read(
        self, key: str, offset: int = 0, length: int | None = None, slowing: Slowing | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a part of an object as chunks. Raises: StoreError, Unavailable."""
        if self._presentations.is_picture(key):
            return self._read_picture(key, offset, length)
        return self._pieces.read(key, offset, length, slowing)

    @asynccontextmanager
    async def _read_picture(
        self, key: str, offset: int, length: int | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        body = await self._picture(key)
        end = len(body) if length is None else offset + length
        yield _once(body[offset:end])

    def _is_picture(self, stored: Stored) -> bool:
        return self._presentations.is_picture(stored.key)

    async def _picture(self, key: str) -> bytes:
        found = await self._presentations.picture(key)
        if found is None:
            raise ObjectMissing(key)
        return found


class _Slowed:
    """The same bytes for a viewer who is held back."""

    def __init__(self, store: SchoolStore, slowing: Slowing) -> None:
        self._store = store
        self._slowing = slowing

    def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a part of an object as chunks. Raises: StoreError, Unavailable."""
        return self._store.read(key, offset, length, self._slowing)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
