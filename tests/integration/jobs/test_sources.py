"""Local copies of sources that a store keeps elsewhere: fetched once, pinned, bounded."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from catalog.store.local import LocalStore
from catalog.store.port import ObjectMissing
from tests.support.paced_store import PacedStore
from transcoder.sources import SourceCache

SIZE = 1000


class FarStore(PacedStore):
    """A store that keeps no files here, and counts what is fetched."""

    def __init__(self, store: LocalStore) -> None:
        super().__init__(store)
        self.fetched: list[str] = []

    async def local_path(self, key: str) -> Path | None:
        return None

    async def fetch(self, key: str, path: Path) -> None:
        self.fetched.append(key)
        await super().fetch(key, path)


@pytest.fixture
async def far(store: LocalStore) -> FarStore:
    """Three sources far away."""
    for name in "abc":
        await store.put_bytes(f"source/{name}/1", name.encode() * SIZE, "video/mp4")
    return FarStore(store)


@pytest.fixture
def cache(far: FarStore, tmp_path: Path) -> SourceCache:
    """Room for two of them."""
    (tmp_path / "cache").mkdir()
    return SourceCache(far, tmp_path / "cache", 2 * SIZE)


async def read(cache: SourceCache, name: str) -> bytes:
    async with cache.opened(f"source/{name}/1", SIZE) as path:
        return await asyncio.to_thread(path.read_bytes)


async def test_a_file_that_is_here_is_used_where_it_is(store: LocalStore, tmp_path: Path) -> None:
    await store.put_bytes("source/a/1", b"here", "video/mp4")
    async with SourceCache(store, tmp_path / "none", 0).opened("source/a/1", 4) as path:
        assert await asyncio.to_thread(path.read_bytes) == b"here"


async def test_chunks_share_one_copy(far: FarStore, cache: SourceCache) -> None:
    assert await asyncio.gather(*(read(cache, "a") for _ in range(4))) == [b"a" * SIZE] * 4
    assert far.fetched == ["source/a/1"]


async def test_the_least_recently_used_goes_but_never_a_pinned_one(
    far: FarStore, cache: SourceCache, tmp_path: Path
) -> None:
    async with cache.opened("source/a/1", SIZE) as pinned:
        await read(cache, "b")
        await read(cache, "c")
        assert await asyncio.to_thread(pinned.is_file)
        await read(cache, "b")
    assert far.fetched == [f"source/{name}/1" for name in "abcb"]
    kept = await asyncio.to_thread(lambda: list((tmp_path / "cache").iterdir()))
    assert len(kept) <= 3


async def test_a_fetch_that_fails_leaves_nothing(cache: SourceCache, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ObjectMissing):
            await read(cache, "d")
    assert await asyncio.to_thread(lambda: list((tmp_path / "cache").iterdir())) == []
