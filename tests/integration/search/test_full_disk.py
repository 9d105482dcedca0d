"""The search index on a full disk: old answers stay, nothing breaks, and it goes on by itself."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path

import pytest

from catalog.db.pool import Pool
from catalog.errors import Unavailable
from catalog.search.home import Home, State
from catalog.search.schema import VERSION
from catalog.search.tantivy_index import TantivyReader
from tests.support.full_disk import file_size_limit
from tests.support.lessons import add_lesson, insert
from tests.support.search import request, running
from tests.support.wait import eventually

LITTLE_BYTES = 8 * 1024
WORDS = 20_000


async def finds(reader: TantivyReader, text: str, *expected: str) -> bool:
    """Tell whether exactly these are found."""
    try:
        return set((await reader.page(request(text))).ids) == set(expected)
    except Unavailable:
        return False


async def add_long(pool: Pool, title: str) -> str:
    """Add a lesson whose transcript is more than the little that still fits."""
    noise = random.Random(title)
    text = "".join(chr(noise.randrange(0x4E00, 0x9FA0)) for _ in range(WORDS))
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, title)
        await insert(connection, "subtitle", lesson_id=lesson, language="zh", label="中文",
                     webvtt="", transcript=text)  # fmt: skip
    return lesson


async def told(caplog: pytest.LogCaptureFixture) -> bool:
    """Tell whether the indexer has said that it could not write."""
    return any("again in" in record.getMessage() for record in caplog.records)


def builds(directory: Path) -> list[Path]:
    """The build in use, if it is whole; then what should not be there."""
    home = Home(directory)
    current = home.current()
    state = home.state(current) if current else None
    whole = [current] if current and state and state.complete else [directory]
    return whole + [
        path for path in directory.rglob("*")
        if path.name.endswith(".partial") or (path.is_dir() and path != current)
    ]  # fmt: skip


async def built(directory: Path) -> Path:
    """Wait until one whole build is there and nothing half; give it."""
    found: list[Path] = []

    async def alone() -> bool:
        found[:] = await asyncio.to_thread(builds, directory)
        return len(found) == 1 and found != [directory]

    await eventually(alone)
    return found[0]


async def test_what_cannot_be_written_is_found_once_there_is_room(
    dsn: str, pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "catalog.search")
    async with running(dsn, pool, tmp_path) as reader:
        old = await add_long(pool, "勾股定理")
        await eventually(lambda: finds(reader, "勾股", old))
        before = await built(tmp_path)
        with file_size_limit(LITTLE_BYTES):
            new = await add_long(pool, "勾股数")
            await eventually(lambda: told(caplog))
            assert await finds(reader, "勾股", old)
        await eventually(lambda: finds(reader, "勾股", old, new))
        assert await built(tmp_path) == before


async def test_an_index_is_built_once_there_is_room(
    dsn: str, pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "catalog.search")
    lesson = await add_long(pool, "勾股定理")
    with file_size_limit(LITTLE_BYTES):
        async with running(dsn, pool, tmp_path) as reader:
            await eventually(lambda: told(caplog))
            assert not await finds(reader, "勾股", lesson)
    async with running(dsn, pool, tmp_path) as reader:
        await eventually(lambda: finds(reader, "勾股", lesson))
        await built(tmp_path)


async def test_a_disk_with_no_room_for_the_smallest_file(
    dsn: str, pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "catalog.search")
    async with running(dsn, pool, tmp_path) as reader:
        await built(tmp_path)
        with file_size_limit(16):
            lesson = await add_long(pool, "勾股定理")
            await eventually(lambda: told(caplog))
        await eventually(lambda: finds(reader, "勾股", lesson))
        await built(tmp_path)


async def test_what_could_not_be_put_in_its_place_is_not_left_beside_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    build = await asyncio.to_thread(home.new_build, State(VERSION, "test", 0, complete=True))
    with file_size_limit(16), pytest.raises(OSError, match="File too large"):
        await asyncio.to_thread(home.use, build)
    assert await asyncio.to_thread(lambda: list(tmp_path.rglob("*.partial"))) == []
