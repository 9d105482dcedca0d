"""The shelf as the event loop sees it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from streaming.edge.disk import Disk
from streaming.edge.openfiles import OPEN_LIMIT
from streaming.edge.piece import Group, Piece
from streaming.edge.shelf import COMMIT_S, READERS, RETRY_S, Shelf
from streaming.edge.shelving import BACKLOG_LIMIT_BYTES, Backlog
from streaming.edge.trouble import ShelfState
from tests.support.shelves import (
    MIB,
    QUICK,
    TODAY,
    bytes_of,
    change_rows,
    file_of,
    files_in,
    group_of,
    piece_of,
    put,
    read,
    rows_in,
    shelf_at,
    soon,
)
from tests.support.wait import eventually

PIECE = piece_of(0, 700_000)


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with shelf_at(tmp_path, 4 * MIB) as shelf:
        yield shelf


def open_files(path: Path) -> list[str]:
    """Give the names of files below path that this process holds open."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            name = os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:
            continue
        if name.startswith(str(path / "objects")):
            found.append(name)
    return found


async def test_what_is_kept_is_given_as_a_file(shelf: Shelf, tmp_path: Path) -> None:
    assert await shelf.get(PIECE) is None
    assert await put(shelf, PIECE, group_of())
    assert await asyncio.to_thread(file_of(tmp_path, PIECE).read_bytes) == bytes_of(PIECE)
    assert shelf.at_hand(PIECE) is None
    assert await read(shelf, PIECE) == bytes_of(PIECE)
    kept = shelf.at_hand(PIECE)
    assert kept is not None
    kept.close()
    kept.close()
    await soon(lambda: set(rows_in(tmp_path)) == {PIECE.name})
    figures = shelf.figures()
    assert (figures.hits, figures.misses, figures.kept) == (2, 1, 1)
    assert figures.size_bytes == PIECE.size_bytes
    assert await shelf.pieces(group_of()) == {PIECE}


async def test_what_is_of_another_size_is_not_kept(shelf: Shelf, tmp_path: Path) -> None:
    assert not await put(shelf, PIECE, group_of(), bytes_of(PIECE)[:-1])
    assert await shelf.get(PIECE) is None
    assert await asyncio.to_thread(files_in, tmp_path) == {}
    assert shelf.figures().size_bytes == 0


async def test_what_is_given_up_leaves_nothing(shelf: Shelf, tmp_path: Path) -> None:
    writer = shelf.begin(PIECE, group_of())
    writer.write(bytes_of(PIECE)[:500_000])
    await soon(lambda: len(files_in(tmp_path)) == 1)
    writer.abort()
    await soon(lambda: files_in(tmp_path) == {})
    assert await put(shelf, PIECE, group_of())


def is_let_go(shelf: Shelf, piece: Piece) -> bool:
    """Tell whether a piece is not lent any more; a removed one is, until the shelf looks again."""
    found = shelf.at_hand(piece)
    if found is not None:
        found.close()
    return found is None


async def test_a_file_that_is_sent_stays_readable_when_it_must_go(tmp_path: Path) -> None:
    async with shelf_at(tmp_path, MIB) as shelf:
        await put(shelf, PIECE, group_of(0))
        kept = await shelf.get(PIECE)
        assert kept is not None
        assert await put(shelf, piece_of(0, 700_000, 1), group_of(1))
        assert not await asyncio.to_thread(file_of(tmp_path, PIECE).exists)
        await eventually(lambda: is_let_go(shelf, PIECE))
        assert await shelf.get(PIECE) is None
        with kept:
            data = await asyncio.to_thread(os.pread, kept.fd, PIECE.size_bytes, 0)
        assert data == bytes_of(PIECE)
        await soon(lambda: open_files(tmp_path) == [])
        assert shelf.figures().evicted == 1


async def test_so_many_files_stay_open_and_no_more(tmp_path: Path) -> None:
    assert OPEN_LIMIT == 512
    pieces = [piece_of(number) for number in range(5)]
    async with shelf_at(tmp_path, settings=replace(QUICK, open_limit=3)) as shelf:
        for piece in pieces:
            await put(shelf, piece, group_of())
        read_all = await asyncio.gather(*[read(shelf, piece) for piece in pieces * 4])
        assert read_all == [bytes_of(piece) for piece in pieces] * 4
        await soon(lambda: len(open_files(tmp_path)) == 3)
    await soon(lambda: open_files(tmp_path) == [])


async def test_an_opening_that_nobody_waits_for_leaves_no_file_open(tmp_path: Path) -> None:
    async with shelf_at(tmp_path) as shelf:
        await put(shelf, piece_of(1), group_of())
        asked = [asyncio.create_task(shelf.get(piece_of(1))) for _ in range(4 * READERS)]
        await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await soon(lambda: len(open_files(tmp_path)) <= 1)


async def test_a_piece_that_is_kept_while_it_is_looked_for_is_found(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, go = threading.Event(), threading.Event()
    open_file = Disk.open_file

    def slowly(disk: Disk, piece: Piece) -> int | None:
        found = open_file(disk, piece)
        if piece == PIECE:
            looked.set()
            go.wait(10)
        return found

    monkeypatch.setattr(Disk, "open_file", slowly)
    asked = asyncio.create_task(shelf.get(PIECE))
    await asyncio.to_thread(looked.wait, 10)
    assert await put(shelf, PIECE, group_of())
    go.set()
    kept = await asked
    assert kept is not None
    kept.close()


async def test_after_an_unclean_stop_no_wrong_byte_is_given(tmp_path: Path) -> None:
    pieces = [piece_of(number) for number in range(4)]
    async with shelf_at(tmp_path) as shelf:
        for piece in pieces:
            await put(shelf, piece, group_of())

    def spoil() -> None:
        change_rows(tmp_path, "DELETE FROM flags")
        one = f"x'{pieces[1].name}'"
        change_rows(tmp_path, f"UPDATE objects SET crc32 = crc32 + 1 WHERE name = {one}")
        file_of(tmp_path, pieces[2]).write_bytes(bytes(1000))
        os.truncate(file_of(tmp_path, pieces[3]), 10)

    await asyncio.to_thread(spoil)
    async with shelf_at(tmp_path) as shelf:
        found = [await read(shelf, piece) for piece in pieces]
        assert found == [bytes_of(pieces[0]), None, None, None]
        for piece in pieces[1:]:
            assert await put(shelf, piece, group_of())
        assert [await read(shelf, piece) for piece in pieces] == [bytes_of(p) for p in pieces]
        assert shelf.figures().damaged == 2


async def test_what_was_swept_away_behind_its_back_is_fetched_again(
    shelf: Shelf, tmp_path: Path
) -> None:
    await put(shelf, PIECE, group_of())
    await soon(lambda: set(rows_in(tmp_path)) == {PIECE.name})
    await asyncio.to_thread(file_of(tmp_path, PIECE).unlink)
    assert await shelf.get(PIECE) is None
    await soon(lambda: rows_in(tmp_path) == {})
    assert await put(shelf, PIECE, group_of())
    assert await read(shelf, PIECE) == bytes_of(PIECE)


async def test_strangers_on_the_shelf_are_swept_out(tmp_path: Path) -> None:
    stranger = tmp_path / "objects" / "ab" / ("ab" * 16)
    async with shelf_at(tmp_path) as shelf:
        await put(shelf, PIECE, group_of())
    await asyncio.to_thread(stranger.parent.mkdir, exist_ok=True)
    await asyncio.to_thread(stranger.write_bytes, b"who")
    async with shelf_at(tmp_path):
        await soon(lambda: set(files_in(tmp_path)) == {PIECE.name})


@pytest.mark.parametrize(
    ("piece", "group"),
    [
        (Piece("half\ud800", 0, 10), group_of()),
        (Piece("x" * 3000, 0, 10), group_of()),
        (Piece("far", 2**63, 10), group_of()),
        (Piece("a", 0, 10), Group("\udfff", "r")),
    ],
)
async def test_names_that_no_index_takes_are_not_kept(
    shelf: Shelf, piece: Piece, group: Group
) -> None:
    assert not await put(shelf, piece, group, b"0123456789")
    assert await shelf.get(piece) is None
    assert shelf.state is ShelfState.KEEPING


async def test_paths_in_keys_lead_nowhere(shelf: Shelf, tmp_path: Path) -> None:
    piece = Piece("../../../etc/passwd\0", 0, 10)
    assert await put(shelf, piece, group_of(), b"0123456789")
    assert set(await asyncio.to_thread(files_in, tmp_path)) == {piece.name}


async def test_what_the_disk_cannot_take_in_time_is_let_go(tmp_path: Path) -> None:
    assert BACKLOG_LIMIT_BYTES == 64 * MIB
    backlog = Backlog(1000)
    assert backlog.admits(1000)
    assert not backlog.admits(1001)
    async with shelf_at(tmp_path, 128 * MIB) as shelf:
        large = Piece("large", 0, BACKLOG_LIMIT_BYTES)
        one, two = shelf.begin(large, group_of()), shelf.begin(PIECE, group_of())
        one.write(bytes(BACKLOG_LIMIT_BYTES))
        two.write(bytes_of(PIECE))
        assert await one.commit()
        assert not await two.commit()
        assert await put(shelf, PIECE, group_of())


async def test_pins_hold_against_newer_groups(tmp_path: Path) -> None:
    async with shelf_at(tmp_path, MIB) as shelf:
        await put(shelf, PIECE, group_of(0))
        await shelf.pin(group_of(0), TODAY)
        assert not await put(shelf, piece_of(0, 700_000, 1), group_of(1))
        assert [c.last_day for c in await shelf.contents()] == [TODAY]
        await shelf.pin(group_of(0), None)
        assert await put(shelf, piece_of(0, 700_000, 1), group_of(1))
    assert (COMMIT_S, RETRY_S) == (1.0, 30.0)
