"""Sources on this machine's disk: where they are, or fetched once into a bounded cache.

A file is pinned while somebody reads it; the least recently used ones go when the cache is over
its size. Chunks of one lesson share one copy. The cache is of this process alone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from catalog.store.port import ObjectStore


@dataclass(slots=True)
class _Copy:
    path: Path
    size_bytes: int
    pins: int = 0
    whole: bool = False
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class SourceCache:
    """Gives local paths of stored objects."""

    def __init__(self, store: ObjectStore, folder: Path, limit_bytes: int) -> None:
        self._store = store
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._copies: OrderedDict[str, _Copy] = OrderedDict()
        self._numbers = count()

    @asynccontextmanager
    async def opened(self, key: str, size_bytes: int) -> AsyncIterator[Path]:
        """Give a path that stays readable inside the block. Raises: StoreError."""
        path = await self._store.local_path(key)
        if path is not None:
            yield path
            return
        copy = self._copies.get(key) or self._new(key, size_bytes)
        self._copies.move_to_end(key)
        copy.pins += 1
        try:
            async with copy.fetching:
                if not copy.whole:
                    await self._make_room()
                    await self._store.fetch(key, copy.path)
                    copy.whole = True
            yield copy.path
        finally:
            copy.pins -= 1
            if not copy.whole and not copy.pins:
                await self._drop(key)

    @asynccontextmanager
    async def blank(self) -> AsyncIterator[Path]:
        """Give the path of a file that the block may make; it is gone at the end."""
        path = self._folder / f"source-{next(self._numbers)}"
        try:
            yield path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def _new(self, key: str, size_bytes: int) -> _Copy:
        copy = _Copy(self._folder / f"source-{next(self._numbers)}", size_bytes)
        self._copies[key] = copy
        return copy

    async def _make_room(self) -> None:
        for key, copy in list(self._copies.items()):
            if sum(held.size_bytes for held in self._copies.values()) <= self._limit_bytes:
                return
            if not copy.pins:
                await self._drop(key)

    async def _drop(self, key: str) -> None:
        copy = self._copies.pop(key)
        await asyncio.to_thread(copy.path.unlink, missing_ok=True)
