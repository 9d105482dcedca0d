"""`/media` of a school: from the shelf, else across the line, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catalog.store.port import ObjectMissing, StoreAway
from streaming.edge.schedule import Priority, Wish
from streaming.hot.files import FileSource, chunks_of
from streaming.vod.reply import Stored
from tests.support.box import PIECE_BYTES, PIECES, Box, box, place
from tests.support.scripted_upstream import (
    ScriptedUpstream,
    body_of,
    holding,
    place_of,
    serving,
    status,
)
from tests.support.shelves import MIB, file_of
from tests.support.wait import eventually

ONE, TWO = place(0), place(1)
BODY = body_of(ONE.path, PIECE_BYTES)
BOTH = BODY + body_of(TWO.path, PIECE_BYTES)


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedUpstream]:
    found = ScriptedUpstream()
    for number in range(PIECES):
        found.sizes[place(number).path] = PIECE_BYTES
    async with serving(found) as found:
        yield found


@pytest.fixture
async def school(tmp_path: Path, origin: ScriptedUpstream) -> AsyncIterator[Box]:
    async with box(tmp_path, origin.url, 20 * MIB) as school:
        yield school


async def test_a_piece_crosses_the_line_once(school: Box, origin: ScriptedUpstream) -> None:
    assert await school.read(ONE.piece) == BODY
    await eventually(lambda: len(school.fills) == 0)
    assert await school.read(ONE.piece) == BODY
    assert len(origin.requests) == 1
    assert (school.cached.fill_bytes, school.cached.shelf_bytes) == (PIECE_BYTES, PIECE_BYTES)


async def test_it_crosses_once_however_readers_come_and_go(
    school: Box, origin: ScriptedUpstream
) -> None:
    async def come(number: int) -> None:
        for step in range(PIECES):
            place_here = place((number + step) % PIECES)
            reader = asyncio.create_task(school.read(place_here.piece))
            if (number + step) % 3:
                assert await reader == body_of(place_here.path, PIECE_BYTES)
            else:
                await school.read(place_here.piece, 1, 1)
                await reader

    await asyncio.gather(*[come(number) for number in range(8)])
    assert sorted(path for path, _ in origin.requests) == sorted(
        place(number).path for number in range(PIECES)
    )
    await eventually(lambda: len(school.fills) == 0)
    assert school.shelf.figures().kept == PIECES


@pytest.mark.parametrize("kept", [True, False])
async def test_a_part_is_read_from_the_whole(
    school: Box, origin: ScriptedUpstream, kept: bool
) -> None:
    if kept:
        await school.read(ONE.piece)
        await eventually(lambda: len(school.fills) == 0)
    parts = [(0, 1), (PIECE_BYTES - 1, 1), (100, 300_000), (0, PIECE_BYTES)]
    found = await asyncio.gather(*[school.read(ONE.piece, *part) for part in parts])
    assert found == [BODY[first : first + length] for first, length in parts]
    assert [headers.get("Range") for headers in origin.asked(ONE.path)] == [None]


@pytest.mark.parametrize("kept", [True, False])
async def test_several_pieces_are_read_in_one_go(
    school: Box, origin: ScriptedUpstream, kept: bool
) -> None:
    if kept:
        await school.read(ONE.piece)
        await eventually(lambda: len(school.fills) == 0)
    assert await school.read(ONE.piece, 5, 2 * PIECE_BYTES - 10) == BOTH[5:-5]
    assert len(origin.requests) == 2


async def test_what_nobody_knows_is_missing(school: Box, origin: ScriptedUpstream) -> None:
    with pytest.raises(ObjectMissing, match="nothing is known"):
        async with school.cached.read("media/other"):
            pass
    origin.script(ONE.path, status(404))
    with pytest.raises(ObjectMissing):
        async with school.cached.read(ONE.piece.key, ONE.piece.offset):
            pass
    assert len(origin.requests) == 1


async def test_who_leaves_early_frees_all(school: Box, origin: ScriptedUpstream) -> None:
    go = asyncio.Event()
    origin.script(ONE.path, holding(0.3, go))
    async with school.cached.read(ONE.piece.key, ONE.piece.offset) as chunks:
        await anext(chunks)
    await eventually(lambda: len(school.fills) == 0)
    await school.read(TWO.piece)
    await eventually(lambda: len(school.fills) == 0)
    async with school.cached.read(TWO.piece.key, TWO.piece.offset) as chunks:
        await anext(chunks)
    assert await school.read(TWO.piece) == BOTH[PIECE_BYTES:]


async def test_a_night_fetch_and_a_viewer_are_one_request(
    school: Box, origin: ScriptedUpstream
) -> None:
    go = asyncio.Event()
    origin.script(ONE.path, holding(0.1, go))
    fetching = asyncio.create_task(school.fills.fetch(ONE, Wish(Priority.AHEAD)))
    await eventually(lambda: len(origin.requests) == 1)
    reader = asyncio.create_task(school.read(ONE.piece))
    go.set()
    assert await reader == BODY
    await fetching
    assert await school.shelf.pieces(ONE.group) == {ONE.piece}
    assert school.shelf.size_of(ONE.group) == PIECE_BYTES
    assert school.shelf.size_of(place_of(0, 1, "none").group) == 0
    assert len(origin.requests) == 1


async def test_a_file_that_vanishes_is_fetched_again(
    school: Box, origin: ScriptedUpstream, tmp_path: Path
) -> None:
    await school.read(ONE.piece)
    await eventually(lambda: len(school.fills) == 0)
    await asyncio.to_thread(file_of(tmp_path, ONE.piece).unlink)
    assert await school.read(ONE.piece) == BODY
    assert len(origin.requests) == 2


async def test_what_is_here_plays_on_while_the_line_is_cut(tmp_path: Path) -> None:
    origin = ScriptedUpstream()
    origin.sizes[ONE.path] = PIECE_BYTES
    async with serving(origin), box(tmp_path, origin.url) as school:
        await school.read(ONE.piece)
    async with box(tmp_path, origin.url) as school:
        with pytest.raises(StoreAway):
            await school.read(TWO.piece)
        assert school.upstream.cut is not None
        assert await school.read(ONE.piece) == BODY


async def test_what_is_kept_is_given_as_an_open_file(school: Box, origin: ScriptedUpstream) -> None:
    part = Stored(ONE.piece.key, ONE.piece.offset + 1000, 5000)
    both = Stored(ONE.piece.key, ONE.piece.offset, PIECE_BYTES + 1)
    assert isinstance(school.cached, FileSource)
    assert school.cached.held(part) is None
    assert await school.cached.open(part) is None
    await school.read(ONE.piece)
    await eventually(lambda: len(school.fills) == 0)
    assert school.cached.held(part) is None
    for found in (await school.cached.open(part), school.cached.held(part)):
        assert found is not None
        async with chunks_of(found) as chunks:
            assert b"".join([chunk async for chunk in chunks]) == BODY[1000:6000]
        found.release()
    assert await school.cached.open(both) is None
    assert await school.cached.open(Stored("media/other", 0, 1)) is None
    assert len(origin.requests) == 1


async def test_a_piece_that_comes_is_read_from_its_fill(
    school: Box, origin: ScriptedUpstream
) -> None:
    go = asyncio.Event()
    origin.script(ONE.path, holding(0.5, go))
    async with school.fills.join(ONE, Wish(Priority.WAITED)):
        stored = Stored(ONE.piece.key, ONE.piece.offset, PIECE_BYTES)
        assert await school.cached.open(stored) is None
        assert school.shelf.figures().misses == 0
        go.set()
