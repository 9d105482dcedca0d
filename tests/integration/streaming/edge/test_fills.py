"""One request an object, whoever asks, leaves or breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from catalog.store.port import ObjectMissing, StoreAway
from streaming.edge.arrival import PIECE_LIMIT_BYTES
from streaming.edge.fill import Fill, FillState, Place
from streaming.edge.fills import FILLS_LIMIT, HELD_LIMIT_BYTES, LINGER_S, REFUSAL_S
from streaming.edge.patience import PATIENCE_S
from tests.support.filling import NIGHT, QUICK, WAITED, Filling, filling
from tests.support.scripted_upstream import (
    Script,
    body_of,
    breaking_at,
    head,
    holding,
    lying,
    place_of,
    status,
)
from tests.support.wait import eventually

SIZE = 256 * 1024
PLACE = place_of(1)
BODY = body_of(PLACE.path, SIZE)
READERS = 40


@pytest.fixture
async def line() -> AsyncIterator[Filling]:
    async with filling() as line:
        yield line


async def test_forty_readers_are_one_request(line: Filling) -> None:
    go = asyncio.Event()
    line.upstream.script(PLACE.path, holding(0.0, go))
    readers = [asyncio.create_task(line.read(PLACE)) for _ in range(READERS)]
    await eventually(lambda: len(line.upstream.requests) == 1)
    go.set()
    assert await asyncio.gather(*readers) == [BODY] * READERS
    assert len(line.upstream.requests) == 1
    assert line.upstream.requests[0][1]["Authorization"] == "Edge key"
    await eventually(lambda: line.shelf.kept == {PLACE.piece: BODY})
    assert line.meter.size_bytes == SIZE
    assert (line.meter.flows, line.meter.most_flows) == (0, 1)


async def test_each_reads_what_is_there_while_the_rest_comes(line: Filling) -> None:
    go = asyncio.Event()
    line.upstream.script(PLACE.path, holding(0.5, go))
    async with line.fills.join(PLACE, WAITED) as early:
        got = await anext(early)
        while len(got) < SIZE // 2:
            got += await anext(early)
        async with line.fills.join(PLACE, NIGHT) as late:
            assert await anext(late) == BODY[: SIZE // 2]
            go.set()
            assert b"".join([chunk async for chunk in late]) == BODY[SIZE // 2 :]
        assert got + b"".join([chunk async for chunk in early]) == BODY
    assert len(line.upstream.requests) == 1
    assert line.line.hurried == [NIGHT]


async def test_a_part_of_a_piece_is_read_from_the_whole(line: Filling) -> None:
    parts = [(0, 1), (1, None), (SIZE - 1, 1), (1000, 100_000), (SIZE, None), (10, 0)]
    read = await asyncio.gather(*[line.read(PLACE, *part) for part in parts])
    assert read == [BODY[a : None if n is None else a + n] for a, n in parts]
    assert len(line.upstream.requests) == 1
    await eventually(lambda: line.shelf.kept == {PLACE.piece: BODY})


async def test_a_slow_reader_does_not_hold_up_the_fill(line: Filling) -> None:
    async with line.fills.join(PLACE, WAITED) as slow:
        first = await anext(slow)
        await eventually(lambda: line.shelf.kept == {PLACE.piece: BODY})
        await eventually(lambda: len(line.fills) == 0)
        assert first + b"".join([chunk async for chunk in slow]) == BODY


async def leave_at(line: Filling, share: float, go: asyncio.Event, place: Place = PLACE) -> None:
    """Two readers come, and go when this share is there."""
    line.upstream.script(place.path, holding(share, go))
    async with line.fills.join(place, WAITED), line.fills.join(place, WAITED):
        fill = line.fills.find(place.piece)
        assert fill is not None
        await fill.reach(int(SIZE * share) - 1)


async def test_what_nobody_wants_is_cancelled_before_its_half(line: Filling) -> None:
    await leave_at(line, 0.3, asyncio.Event())
    await eventually(lambda: line.fills.find(PLACE.piece) is None)
    await eventually(lambda: line.upstream.left == [PLACE.path])
    await eventually(lambda: line.shelf.aborted == [PLACE.piece])
    assert line.shelf.kept == {}
    assert line.fills.ended[FillState.DROPPED] == 1
    assert await line.read(PLACE) == BODY


async def test_who_comes_at_once_has_what_another_left(line: Filling) -> None:
    assert LINGER_S == 0.2
    go, later = asyncio.Event(), place_of(2)
    await leave_at(line, 0.3, go)
    reader = asyncio.create_task(line.read(PLACE))
    await leave_at(line, 0.3, go, later)
    await eventually(lambda: line.fills.find(later.piece) is None)
    assert line.fills.find(PLACE.piece) is not None
    go.set()
    assert await reader == BODY
    assert len(line.upstream.asked(PLACE.path)) == 1


async def test_what_nobody_wants_is_kept_from_its_half_on(line: Filling) -> None:
    go = asyncio.Event()
    await leave_at(line, 0.6, go)
    assert line.fills.find(PLACE.piece) is not None
    go.set()
    await eventually(lambda: line.shelf.kept == {PLACE.piece: BODY})
    assert line.upstream.left == []


async def test_one_who_leaves_does_not_take_it_from_the_others(line: Filling) -> None:
    go = asyncio.Event()
    line.upstream.script(PLACE.path, holding(0.1, go))
    readers = [asyncio.create_task(line.read(PLACE)) for _ in range(3)]
    await eventually(lambda: len(line.upstream.requests) == 1)
    readers[0].cancel()
    await asyncio.wait((readers[0],))
    go.set()
    assert await asyncio.gather(*readers[1:]) == [BODY] * 2
    assert len(line.upstream.requests) == 1


async def test_a_break_is_continued_where_it_was(line: Filling) -> None:
    line.upstream.script(PLACE.path, breaking_at(0.5), breaking_at(0.5))
    assert await line.read(PLACE) == BODY
    whole, half, quarter = line.upstream.asked(PLACE.path)
    assert "Range" not in whole
    assert half["Range"].startswith("bytes=")
    assert half["If-Range"] == quarter["If-Range"] != ""
    assert line.meter.size_bytes == SIZE
    await eventually(lambda: line.shelf.kept == {PLACE.piece: BODY})


async def test_a_break_without_a_tag_begins_again_and_compares(line: Filling) -> None:
    async def untagged(request: web.Request, body: bytes) -> web.StreamResponse:
        response, body = head(request, body, ETag="")
        await response.prepare(request)
        await response.write(body[: SIZE // 2])
        assert request.transport is not None
        request.transport.close()
        return response

    line.upstream.script(PLACE.path, untagged)
    assert await line.read(PLACE) == BODY
    assert "Range" not in line.upstream.asked(PLACE.path)[1]


async def chunked_forever(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    while True:
        await response.write(body)


async def chunked_short(request: web.Request, body: bytes) -> web.StreamResponse:
    return web.Response(body=body[:-1], headers={"Content-Type": "video/mp4"})


async def packed(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.Response(body=body, headers={"Content-Type": "video/mp4"})
    response.enable_compression(web.ContentCoding.gzip)
    return response


LIES: dict[str, Script] = {
    "too long": lying(Content_Length=str(SIZE + 1)),
    "too short": chunked_short,
    "a page": lying(Content_Type="text/html"),
    "no type": lying(Content_Type="application/octet-stream"),
    "packed": packed,
    "error": status(500),
    "busy": status(429),
    "redirect": status(302),
    "half a reply": breaking_at(0.0),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_ends_the_try_and_the_next_is_right(line: Filling, lie: str) -> None:
    line.upstream.script(PLACE.path, LIES[lie])
    assert await line.read(PLACE) == BODY
    assert len(line.upstream.asked(PLACE.path)) == 2
    await eventually(lambda: line.shelf.kept == {PLACE.piece: BODY})


@pytest.mark.parametrize("lie", [*LIES, "endless"])
async def test_who_lies_always_is_given_up_and_nothing_is_kept(line: Filling, lie: str) -> None:
    script = LIES.get(lie, chunked_forever)
    line.upstream.script(PLACE.path, *[script] * QUICK.tries)
    with pytest.raises(StoreAway):
        await line.read(PLACE)
    assert len(line.upstream.asked(PLACE.path)) <= QUICK.tries
    assert line.shelf.kept == {}
    line.upstream.scripts.clear()
    assert await line.read(PLACE) == BODY


async def test_another_thing_under_the_same_name_is_never_mixed_in(line: Filling) -> None:
    line.upstream.script(PLACE.path, breaking_at(0.5), lying(ETag='"other"'))
    with pytest.raises(StoreAway, match="another thing"):
        await line.read(PLACE)
    assert line.shelf.kept == {}
    assert await line.read(PLACE) == BODY


async def test_other_bytes_the_second_time_are_never_mixed_in(line: Filling) -> None:
    async def other(request: web.Request, body: bytes) -> web.StreamResponse:
        response, body = head(request, bytes(SIZE), ETag="")
        await response.prepare(request)
        await response.write(body)
        return response

    async def untagged(request: web.Request, body: bytes) -> web.StreamResponse:
        return await breaking_at(0.5)(request, body)

    line.upstream.script(PLACE.path, untagged, other)
    with pytest.raises(StoreAway):
        await line.read(PLACE)
    assert line.shelf.kept == {}


@pytest.mark.parametrize("limits", [(0.2, 60.0), (60.0, 0.2)])
async def test_silence_and_drips_are_ended_and_the_rest_asked_for(
    limits: tuple[float, float],
) -> None:
    async with filling(silence_s=limits[0], window_s=limits[1]) as line:
        line.upstream.script(PLACE.path, holding(0.01, asyncio.Event()))
        assert await line.read(PLACE) == BODY
        first, second = line.upstream.asked(PLACE.path)
        assert (first.get("Range"), second["Range"]) == (None, f"bytes={SIZE // 100}-")
        assert line.client.cut is None


async def test_missing_is_remembered_for_half_a_second(line: Filling) -> None:
    assert REFUSAL_S <= 0.5
    line.upstream.script(PLACE.path, status(404))
    for _ in range(3):
        with pytest.raises(ObjectMissing):
            await line.read(PLACE)
    assert len(line.upstream.requests) == 1

    async def there() -> bool:
        try:
            return await line.read(PLACE) == BODY
        except ObjectMissing:
            return False

    await eventually(there)
    assert len(line.upstream.requests) == 2


async def test_a_refusal_is_not_tried_again_at_once(line: Filling) -> None:
    line.upstream.script(PLACE.path, status(403), status(403))
    for _ in range(3):
        with pytest.raises(StoreAway, match="403"):
            await line.read(PLACE)
    assert len(line.upstream.requests) == 1


async def test_errors_are_tried_for_a_while_and_never_kept(line: Filling) -> None:
    line.upstream.script(PLACE.path, *[status(503)] * QUICK.tries)
    readers = [asyncio.create_task(line.read(PLACE)) for _ in range(3)]
    ended = await asyncio.gather(*readers, return_exceptions=True)
    assert [type(error) for error in ended] == [StoreAway] * 3
    assert len(line.upstream.requests) == QUICK.tries
    assert await line.read(PLACE) == BODY


async def test_what_is_too_large_is_not_begun(line: Filling) -> None:
    with pytest.raises(StoreAway, match="MiB"):
        await line.read(place_of(0, PIECE_LIMIT_BYTES + 1))
    assert line.upstream.requests == []


async def test_fills_are_bounded(line: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FILLS_LIMIT == 2000
    monkeypatch.setattr("streaming.edge.fills.FILLS_LIMIT", 1)
    line.upstream.script(PLACE.path, holding(0.5, asyncio.Event()))
    async with line.fills.join(PLACE, WAITED):
        with pytest.raises(StoreAway, match="too much"):
            await line.read(place_of(2))


async def test_who_waits_makes_a_prefetch_urgent_over_breaks_too(line: Filling) -> None:
    line.upstream.script(PLACE.path, breaking_at(0.5))
    fetching = asyncio.create_task(line.fills.fetch(PLACE, NIGHT))
    await eventually(lambda: line.fills.find(PLACE.piece) is not None)
    assert await line.read(PLACE) == BODY
    await fetching
    assert line.line.turns == [(PLACE.piece, NIGHT), (PLACE.piece, WAITED)]
    assert line.line.hurried == [WAITED]


async def test_a_prefetch_ends_when_it_is_kept(line: Filling) -> None:
    await line.fills.fetch(PLACE, NIGHT)
    assert line.shelf.kept == {PLACE.piece: BODY}


async def test_what_the_shelf_does_not_take_is_held_in_memory_for_a_while(
    line: Filling, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert HELD_LIMIT_BYTES == 32 * 1024 * 1024
    monkeypatch.setattr("streaming.edge.fills.HELD_LIMIT_BYTES", 2 * SIZE)
    line.shelf.full = True
    for _ in range(3):
        for number in (1, 2):
            assert await line.read(place_of(number)) == body_of(place_of(number).path, SIZE)
    assert len(line.upstream.requests) == 2
    await line.read(place_of(3))
    await eventually(lambda: line.fills.find(place_of(1).piece) is None)
    await line.read(place_of(2))
    assert len(line.upstream.requests) == 3
    await line.read(place_of(1))
    assert len(line.upstream.requests) == 4
    assert line.shelf.kept == {}


async def test_who_waits_is_told_when_the_box_stops(line: Filling) -> None:
    line.upstream.script(PLACE.path, holding(0.7, asyncio.Event()))
    reader = asyncio.create_task(line.read(PLACE))
    await eventually(lambda: len(line.upstream.requests) == 1)
    await line.fills.close()
    with pytest.raises(StoreAway):
        await reader
    assert len(line.fills) == 0


def test_a_fill_goes_from_state_to_state_only_as_the_table_says() -> None:
    fill = Fill(PLACE)
    with pytest.raises(ValueError, match="waiting cannot become whole"):
        fill.become(FillState.WHOLE)
    assert PATIENCE_S == 30
