"""Which objects of the catalogue are in the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from catalog.inventory import Inventory, inventory, list_objects
from catalog.store.local import LocalSettings, LocalStore

MP4 = "video/mp4"


@pytest.fixture
def prepared(tmp_path: Path) -> LocalStore:
    return LocalStore(LocalSettings(tmp_path / "objects", min_free_bytes=0))


@pytest.fixture
async def store(prepared: LocalStore) -> AsyncIterator[LocalStore]:
    yield prepared
    await prepared.close()


def keys_of(dsn: str, query: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [key for (key,) in connection.execute(query.encode()).fetchall()]


async def counted(dsn: str, store: LocalStore, listed: bytes = b"") -> Inventory:
    path = store.root.parent / "listed"
    await list_objects(store, path)
    return await asyncio.to_thread(inventory, dsn, path, [listed] if listed else [])


async def test_tells_what_is_missing_and_what_has_another_size(
    filled: str, store: LocalStore
) -> None:
    sources, objects, sides = await asyncio.to_thread(
        lambda: [
            keys_of(filled, f"select key from {table} order by key")
            for table in ("source", "media_object", "side_product")
        ]
    )
    assert await counted(filled, store) == Inventory(
        9, 9, 0, tuple(f"{key}: missing" for key in sorted([*sources, *objects, *sides]))
    )
    for key in sources:
        await store.put_bytes(key, bytes(7), MP4)
    for key in objects:
        await store.put_bytes(key, bytes(2 + 3 + 4), MP4)
    for key in sides:
        await store.put_bytes(key, bytes(50), "image/jpeg")
    assert await counted(filled, store) == Inventory(9, 0, 0, ())
    assert (await counted(filled, store)).whole
    await store.put_bytes(objects[0], bytes(8), MP4)
    await store.delete(sources[1])
    seen = await counted(filled, store, listed=f"{sides[0]}\t51\n".encode())
    assert (seen.missing, seen.wrong, seen.whole) == (1, 2, False)
    assert set(seen.shown) == {
        f"{sources[1]}: missing", f"{objects[0]}: of another size", f"{sides[0]}: of another size",
    }  # fmt: skip


async def test_an_empty_catalogue_is_whole(dsn: str, store: LocalStore) -> None:
    assert await counted(dsn, store) == Inventory(0, 0, 0, ())
