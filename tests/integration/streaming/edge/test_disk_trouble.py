"""Disks that are full, read-only or broken: the school goes on, and it is said."""

from __future__ import annotations

import asyncio
import math
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streaming.edge.shelf import MIN_FREE_BYTES, Shelf
from streaming.edge.trouble import ShelfState, state_after
from tests.support.box import PIECE_BYTES as PIECE_SIZE
from tests.support.box import box, place
from tests.support.full_disk import file_size_limit, mount, others_fill, small_disk
from tests.support.scripted_upstream import ScriptedUpstream, body_of, holding, serving
from tests.support.shelves import (
    MIB,
    QUICK,
    bytes_of,
    files_in,
    group_of,
    piece_of,
    put,
    read,
    shelf_at,
    soon,
)
from tests.support.wait import eventually

DISK_BYTES = 4 * MIB
PIECE_BYTES = 500_000


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of DISK_BYTES."""
    with small_disk(tmp_path / "small", DISK_BYTES) as path:
        yield path


async def remount(path: Path, options: str) -> None:
    assert await asyncio.to_thread(mount, path, f"remount,{options}")


async def fill_up(path: Path) -> Path:
    """Let somebody else take all that is free."""

    def write() -> Path:
        other = path / "other"
        with other.open("wb") as file:
            try:
                while True:
                    os.write(file.fileno(), bytes(4096))
            except OSError:
                return other

    return await asyncio.to_thread(write)


async def put_some(shelf: Shelf, first: int, count: int) -> list[bool]:
    """Keep pieces of a group each."""
    return [
        await put(shelf, piece_of(0, PIECE_BYTES, number), group_of(number))
        for number in range(first, first + count)
    ]


async def test_a_budget_larger_than_the_disk_is_cut_to_what_there_is(small: Path) -> None:
    assert MIN_FREE_BYTES == 64 * MIB
    async with shelf_at(small, 100 * MIB, replace(QUICK, min_free_bytes=MIB)) as shelf:
        assert all(await put_some(shelf, 0, 20))
        assert shelf.state is ShelfState.KEEPING
        assert 5 * PIECE_BYTES <= shelf.figures().size_bytes <= DISK_BYTES - MIB
        assert shelf.figures().evicted >= 10


async def test_a_disk_that_others_fill_is_told_and_used_again(small: Path) -> None:
    # Who tries again makes room for itself of what it keeps, and may be first here: only later.
    now = [0.0]
    async with shelf_at(small, 3 * MIB, clock=lambda: now[0]) as shelf:
        assert all(await put_some(shelf, 0, 2))
        await soon(lambda: len(files_in(small)) == 2)
        other = await fill_up(small)
        assert not all(await put_some(shelf, 2, 5))
        await eventually(lambda: shelf.state is ShelfState.FULL)
        assert shelf.figures().troubles >= 1
        assert "full" in shelf.trouble
        await asyncio.to_thread(other.unlink)
        now[0] = math.inf
        await eventually(lambda: shelf.state is ShelfState.KEEPING)
        assert shelf.trouble == ""

        async def kept() -> bool:
            return all(await put_some(shelf, 10, 2))

        await eventually(kept)
        piece = piece_of(0, PIECE_BYTES, 11)
        assert await read(shelf, piece) == bytes_of(piece)


async def test_room_that_others_need_is_left_to_them_and_taken_again(small: Path) -> None:
    async with shelf_at(small, 3 * MIB, replace(QUICK, min_free_bytes=MIB)) as shelf:
        assert all(await put_some(shelf, 0, 5))
        other = small / "other"
        await asyncio.to_thread(other.write_bytes, bytes(MIB))
        await eventually(lambda: shelf.figures().size_bytes <= 4 * PIECE_BYTES)
        assert shelf.state is ShelfState.KEEPING
        await asyncio.to_thread(other.unlink)
        await eventually(lambda: shelf.figures().budget_bytes >= 5 * PIECE_BYTES)


async def test_to_keep_nothing_because_others_left_no_room_is_a_full_disk(small: Path) -> None:
    settings = replace(QUICK, min_free_bytes=MIB, retry_s=0.02)
    async with shelf_at(small, 3 * MIB, settings) as shelf:
        assert await put_some(shelf, 0, 1) == [True]
        async with others_fill(small, MIB // 4):
            await eventually(lambda: shelf.state is ShelfState.FULL)
            assert "free some room" in shelf.trouble
            left = await asyncio.to_thread(lambda: [*files_in(small)])
            assert not left, "what was here has made room for others"
            assert await put_some(shelf, 1, 1) == [False]
        await eventually(lambda: shelf.state is ShelfState.KEEPING)
        assert await put_some(shelf, 2, 2) == [True, True]


async def test_what_is_here_is_read_while_the_disk_is_full(small: Path) -> None:
    async with shelf_at(small, 3 * MIB, replace(QUICK, retry_s=60, commit_s=60)) as shelf:
        await put_some(shelf, 0, 1)
        await fill_up(small)
        assert not all(await put_some(shelf, 1, 5))
        assert shelf.state is ShelfState.FULL
        assert "free some room" in shelf.trouble
        held = [p for n in range(6) for p in await shelf.pieces(group_of(n))]
        assert held
        assert [await read(shelf, piece) for piece in held] == [bytes_of(p) for p in held]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """A way to forbid that files are made in a folder (+i), and to allow it again (-i)."""

    def change(how: str) -> None:
        folder = str(tmp_path / "objects" / ".tmp")
        subprocess.run(["chattr", how, folder], check=True, capture_output=True)

    yield change
    subprocess.run(["chattr", "-R", "-i", str(tmp_path)], check=False, capture_output=True)


async def test_a_disk_that_takes_no_more_files_is_still_read(
    tmp_path: Path, guarded: Callable[[str], None]
) -> None:
    async with shelf_at(tmp_path, 3 * MIB) as shelf:
        assert all(await put_some(shelf, 0, 2))
        try:
            await asyncio.to_thread(guarded, "+i")
        except (subprocess.CalledProcessError, FileNotFoundError):
            pytest.skip("this file system knows no files that may not be changed")
        assert await put_some(shelf, 2, 1) == [False]
        assert shelf.state is ShelfState.READ_ONLY
        assert "cannot be written" in shelf.trouble
        piece = piece_of(0, PIECE_BYTES, 0)
        assert await read(shelf, piece) == bytes_of(piece)
        await asyncio.to_thread(guarded, "-i")
        await eventually(lambda: shelf.state is ShelfState.KEEPING)
        assert await put_some(shelf, 3, 1) == [True]


async def test_a_disk_that_is_read_only_from_the_start_is_read_with_care(small: Path) -> None:
    async with shelf_at(small, 3 * MIB) as shelf:
        assert all(await put_some(shelf, 0, 2))
    await remount(small, "ro")
    async with shelf_at(small, 3 * MIB) as shelf:
        assert shelf.state is ShelfState.READ_ONLY
        assert await put_some(shelf, 2, 1) == [False]
        piece = piece_of(0, PIECE_BYTES, 0)
        assert await read(shelf, piece) == bytes_of(piece)
        assert await read(shelf, piece_of(9)) is None
        assert shelf.figures().checked == 1


async def test_a_directory_that_cannot_be_made_is_no_crash(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    await asyncio.to_thread(blocker.write_bytes, b"")
    async with shelf_at(blocker / "shelf") as shelf:
        assert shelf.state is ShelfState.FAILING
        assert await put_some(shelf, 0, 1) == [False]
        assert await shelf.get(piece_of(0)) is None
        assert await shelf.contents() == []
        await shelf.pin(group_of(0), None)
        await asyncio.to_thread(blocker.unlink)
        await eventually(lambda: shelf.state is ShelfState.KEEPING)
        assert await put_some(shelf, 0, 1) == [True]


async def test_files_that_may_not_grow_are_a_full_disk(tmp_path: Path) -> None:
    async with shelf_at(tmp_path, settings=replace(QUICK, retry_s=60)) as shelf:
        await put(shelf, piece_of(0), group_of())
        with file_size_limit(300_000):
            assert await put_some(shelf, 1, 1) == [False]
        assert shelf.state is ShelfState.FULL
        assert await read(shelf, piece_of(0)) == bytes_of(piece_of(0))
        await soon(lambda: list(files_in(tmp_path)) == [piece_of(0).name])


async def test_viewers_notice_nothing_of_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    origin, one = ScriptedUpstream(), place(0)
    origin.sizes[one.path] = PIECE_SIZE
    go = asyncio.Event()
    origin.script(one.path, holding(0.5, go))
    body = body_of(one.path, PIECE_SIZE)
    async with serving(origin), box(tmp_path, origin.url) as school:
        with file_size_limit(100_000):
            readers = [asyncio.create_task(school.read(one.piece)) for _ in range(10)]
            await eventually(lambda: school.shelf.state is ShelfState.FULL)
            go.set()
            assert await asyncio.gather(*readers) == [body] * 10
            assert await school.read(one.piece) == body
    assert len(origin.requests) == 1


async def test_an_index_that_breaks_while_it_is_used_is_no_crash(tmp_path: Path) -> None:
    pieces = [piece_of(number) for number in range(4)]
    async with shelf_at(tmp_path) as shelf:
        await put(shelf, pieces[0], group_of())
        await soon(lambda: (tmp_path / "index.sqlite-wal").stat().st_size > 0)

        def spoil() -> None:
            for name in ("index.sqlite", "index.sqlite-wal"):
                (tmp_path / name).write_bytes(bytes(range(256)) * 400)

        await asyncio.to_thread(spoil)
        for piece in pieces[1:]:
            await put(shelf, piece, group_of())
    async with shelf_at(tmp_path) as shelf:
        assert shelf.state is ShelfState.KEEPING
        for piece in pieces:
            assert await read(shelf, piece) in (None, bytes_of(piece))
            await put(shelf, piece, group_of())
            assert await read(shelf, piece) == bytes_of(piece)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OSError(28, "no space"), ShelfState.FULL),
        (OSError(122, "quota"), ShelfState.FULL),
        (OSError(30, "read-only"), ShelfState.READ_ONLY),
        (OSError(13, "denied"), ShelfState.READ_ONLY),
        (OSError(5, "I/O error"), ShelfState.FAILING),
        (OSError("index closed"), ShelfState.FAILING),
        (sqlite3.ProgrammingError("closed"), ShelfState.FAILING),
    ],
)
def test_what_a_disk_says_is_understood(error: Exception, state: ShelfState) -> None:
    assert state_after(error) is state
