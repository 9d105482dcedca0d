"""Writers that are killed in the middle, and memory that stays small."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.store.local import UNFINISHED, LocalSettings, LocalStore
from catalog.store.port import ObjectStore
from catalog.store.s3 import S3Settings, S3Store
from tests.integration.store.processes import child, first_line
from tests.support.objects import content, digest, keys_below, write_big
from tests.support.wait import eventually

KEY = "media/01h/1/v720/000000-a1.mp4"
BIG_BYTES = 64 << 20
MEMORY_LIMIT_BYTES = 24 << 20


def open_store(root: Path) -> LocalStore:
    return LocalStore(LocalSettings(root, min_free_bytes=0))


@pytest.fixture
def where(kind: str, store: ObjectStore, local_root: Path) -> Path | S3Settings:
    """The store as a child process makes it."""
    return store.settings if isinstance(store, S3Store) else local_root


async def test_a_killed_writer_leaves_the_object_before(
    store: ObjectStore, where: Path | S3Settings, tmp_path: Path
) -> None:
    source = tmp_path / "big"
    expected = await asyncio.to_thread(write_big, source, BIG_BYTES)

    def write_and_kill() -> None:
        with child("repeat", KEY, source, where) as writer:
            assert [first_line(writer) for _ in range(3)] == ["begin"] * 3

    await asyncio.to_thread(write_and_kill)
    assert await keys_below(store, "") == [KEY]
    async with store.read(KEY) as chunks:
        assert await digest(chunks) == expected


async def test_memory_does_not_grow_with_the_object(
    where: Path | S3Settings, tmp_path: Path
) -> None:
    source = tmp_path / "big"
    await asyncio.to_thread(write_big, source, BIG_BYTES)

    def grown() -> int:
        with child("memory", KEY, source, where) as process:
            return int(first_line(process))

    assert await asyncio.to_thread(grown) < MEMORY_LIMIT_BYTES


async def eventually_seen(unfinished: Callable[[], list[Path]]) -> None:
    async def seen() -> bool:
        return len(await asyncio.to_thread(unfinished)) == 1

    await eventually(seen)


def test_an_unfinished_file_is_swept_only_when_its_writer_is_dead(tmp_path: Path) -> None:
    root, source = tmp_path / "objects", tmp_path / "source"
    os.mkfifo(source)

    def unfinished() -> list[Path]:
        return [p for p in (root / UNFINISHED).glob("*") if p.stat().st_size == 1 << 20]

    with child("put", KEY, source, root) as writer, source.open("wb") as feed:
        feed.write(bytes(1 << 20))
        feed.flush()
        asyncio.run(eventually_seen(unfinished))
        open_store(root)
        assert len(unfinished()) == 1, "a living writer's file was taken"
        writer.kill()
        writer.wait()
    assert len(unfinished()) == 1
    assert not (root / KEY).exists()
    store = open_store(root)
    assert unfinished() == []
    assert asyncio.run(keys_below(store, "")) == []


def test_a_writer_that_ends_well_after_a_sweep(tmp_path: Path) -> None:
    root, source = tmp_path / "objects", tmp_path / "source"
    os.mkfifo(source)
    with child("put", KEY, source, root) as writer:
        with source.open("wb") as feed:
            feed.write(bytes(5000))
            feed.flush()
            open_store(root)
        assert first_line(writer) == "done"
    store = open_store(root)
    assert len(asyncio.run(content(store, KEY))) == 5000
