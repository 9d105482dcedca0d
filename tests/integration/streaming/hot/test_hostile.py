"""Viewers that send rubbish, wait, read slowly, leave in the middle, or are too many."""

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import cast

import pytest

from streaming.hot.door import Broken
from streaming.hot.head import HEAD_LIMIT_BYTES
from streaming.hot.patience import HALF_CLOSED_S, HEAD_S, IDLE_S, LINGER_S, SLOW_WINDOW_S
from streaming.hot.port import AHEAD_LIMIT_BYTES
from tests.support.hot import PIECES, SMALL, Hot, Viewer, asking, hot_port
from tests.support.wait import eventually

OBSERVED_S = 0.5
QUIET_CPU_S = 0.1


async def open_files() -> int:
    return len(await asyncio.to_thread(os.listdir, "/proc/self/fd"))


def closed(hot: Hot, why: str) -> float:
    return hot.count("tongbu_hot_closed_total", why=why)


async def stuck(hot: Hot, target: str = "/hot/file") -> Viewer:
    """A viewer who asks for much and takes next to nothing."""
    viewer = await hot.connect(1024)
    viewer.ask(target)
    await viewer.reader.read(1)
    transport = cast(asyncio.Transport, viewer.writer.transport)
    if transport.is_reading():
        transport.pause_reading()
    return viewer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (asking("/cold", "POST", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400),
        (asking("/cold", "POST", "Content-Length: 5\r\nContent-Length: 6\r\n"), 400),
        (asking("/cold", lines=" folded: 1\r\n"), 400),
        (asking("/cold", lines="X : 1\r\n"), 400),
        (asking("/cold", lines="X: " + "x" * HEAD_LIMIT_BYTES), 431),
        (asking("/cold", lines="X: 1\r\n" * 101), 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
async def test_rubbish_is_refused_and_nothing_behind_it_is_read(
    hot: Hot, sent: bytes, status: int
) -> None:
    viewer = await hot.connect()
    viewer.writer.write(sent + asking("/hot/small") + b"x" * 300_000)
    found, fields, _ = await viewer.answer()
    assert (found, fields["connection"]) == (status, "close")
    assert await viewer.ended() == b""
    viewer.writer.write(b"more")
    hot.port.sweep(hot.port.loop.time() + LINGER_S + 1)
    await eventually(lambda: len(hot.port) == 0)
    assert hot.door.asked == []
    assert hot.count("tongbu_hot_refused_total", status=str(status)) == 1
    await viewer.close()


async def test_a_refusal_waits_for_the_answers_before_it(hot: Hot) -> None:
    viewer = await hot.connect(2**20)
    viewer.writer.write(asking("/hot/stream") + asking("/cold") + b"rubbish\n")
    assert (await viewer.answer())[2] == b"".join(PIECES)
    assert (await viewer.answer())[2] == b"cold /cold"
    assert (await viewer.answer())[0] == 400
    await viewer.close()


@pytest.mark.parametrize("path", ["/media/../x", "/media/%2e%2e/x", "//hot/small", "/hot/%73mall"])
async def test_paths_are_taken_as_they_stand(hot: Hot, path: str) -> None:
    viewer = await hot.connect()
    viewer.ask(path)
    assert (await viewer.answer())[0] in (200, 404)
    assert hot.door.asked == [path]
    await viewer.close()


async def test_who_asks_nothing_is_left_after_a_while(hot: Hot) -> None:
    fresh, used = await hot.connect(), await hot.connect()
    used.ask("/hot/small", "/cold")
    assert (await used.answer())[2] == SMALL
    await used.answer()
    await eventually(lambda: len(hot.port) == 2)
    now = hot.port.loop.time()
    hot.port.sweep(now + IDLE_S - 5)
    assert closed(hot, "idle") == 0
    used.ask("/hot/small")
    assert (await used.answer())[2] == SMALL
    hot.port.sweep(now + IDLE_S + 5)
    assert await fresh.ended() == await used.ended() == b""
    assert closed(hot, "idle") == 2
    await fresh.close()
    await used.close()


async def test_a_head_must_end_soon_whatever_trickles_in(hot: Hot) -> None:
    viewer = await hot.connect()
    viewer.writer.write(b"GET / HT")
    await eventually(lambda: any(c.in_head for c in hot.port.connections))
    begun = hot.port.loop.time()
    hot.port.sweep(begun + HEAD_S - 5)
    viewer.writer.write(b"TP/1.1\r\nX: ")
    await viewer.writer.drain()
    hot.port.sweep(begun + HEAD_S + 1)
    assert await viewer.ended() == b""
    assert closed(hot, "head") == 1
    await viewer.close()


@pytest.mark.parametrize("target", ["/hot/small", "/cold"])
async def test_the_next_head_has_its_own_time_when_it_comes_with_the_end_of_one(
    hot: Hot, target: str
) -> None:
    viewer = await hot.connect()
    first, second = asking(target), b"GET / HT"
    viewer.writer.write(first[:10])
    await eventually(lambda: any(c.in_head for c in hot.port.connections))
    hot.port.sweep(hot.port.loop.time() + HEAD_S - 5)
    viewer.writer.write(first[10:] + second)
    assert (await viewer.answer())[0] == 200
    await eventually(lambda: any(c.in_head for c in hot.port.connections))
    begun = hot.port.loop.time()
    hot.port.sweep(begun + HEAD_S - 1)
    assert closed(hot, "head") == 0
    hot.port.sweep(begun + HEAD_S + 1)
    assert await viewer.ended() == b""
    assert closed(hot, "head") == 1
    await viewer.close()


@pytest.mark.parametrize("target", ["/hot/file", "/huge"])
async def test_who_takes_nothing_is_cut_off(hot: Hot, target: str) -> None:
    viewers = [await stuck(hot, target) for _ in range(3)]
    await eventually(lambda: all(c.lags for c in hot.port.connections))
    now = hot.port.loop.time()
    hot.port.sweep(now)
    hot.port.sweep(now + SLOW_WINDOW_S - 1)
    assert len(hot.port) == 3
    await hot.cut_off(now)
    assert closed(hot, "slow") == 3
    assert {broken for _, broken in hot.door.done} <= {Broken.VIEWER}
    assert hot.door.open_slices == 0
    assert not any(viewer.writer.is_closing() for viewer in viewers)


async def test_readers_that_lag_cost_nothing(hot: Hot) -> None:
    viewers = [await stuck(hot) for _ in range(5)]
    await eventually(lambda: all(c.lags for c in hot.port.connections))
    begun = time.process_time()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), OBSERVED_S)
    assert time.process_time() - begun < QUIET_CPU_S
    for viewer in viewers:
        viewer.abort()
    await eventually(lambda: len(hot.port) == 0)
    assert hot.door.open_slices == 0


async def test_nothing_is_left_behind_by_who_leaves_in_the_middle(hot: Hot) -> None:
    before = await open_files()
    for target in ("/hot/file", "/hot/stream", "/hot/later", "/hot/none", "/slow", "/large"):
        viewers = [await hot.connect(1024) for _ in range(10)]
        for viewer in viewers:
            viewer.ask(target, "/hot/small", target)
        if target in ("/hot/later", "/hot/none"):
            await eventually(lambda: hot.door.waiting == 10)
        elif target == "/slow":
            await eventually(lambda: hot.cold.waiting == 10)
        else:
            await asyncio.gather(*(viewer.reader.read(1) for viewer in viewers))
        for viewer in viewers:
            viewer.abort()
        await eventually(lambda: all(c.half_closed for c in hot.port.connections))
        hot.port.sweep(hot.port.loop.time() + HALF_CLOSED_S)
        await eventually(lambda: len(hot.port) == 0)
        await eventually(lambda: hot.door.waiting == 0)
        if target == "/slow":
            hot.cold.gate.set()
        await eventually(lambda: hot.cold.waiting == 0)
    assert hot.door.open_slices == 0
    while await open_files() > before:
        await asyncio.to_thread(os.sched_yield)


async def test_an_idle_connection_holds_one_descriptor(hot: Hot) -> None:
    viewers = [await hot.connect() for _ in range(20)]
    before = await open_files()
    for viewer in viewers:
        viewer.ask("/hot/small")
        await viewer.answer()
    assert await open_files() == before + 20
    hot.port.sweep(hot.port.loop.time() + 10)
    assert await open_files() == before
    viewers[0].ask("/hot/small")
    assert (await viewers[0].answer())[2] == SMALL
    for viewer in viewers:
        await viewer.close()


@pytest.mark.parametrize("target", ["/hot/later", "/slow"])
async def test_what_is_sent_ahead_is_not_read_without_end(hot: Hot, target: str) -> None:
    viewer = await hot.connect()
    request = asking("/hot/small", lines=f"X: {'x' * 8000}\r\n")
    viewer.ask(target)
    count = 4000
    viewer.writer.write(request * count)
    transport = viewer.writer.transport
    await eventually(lambda: any(c.holds for c in hot.port.connections))
    held = [c.waiting_bytes for c in hot.port.connections]
    assert max(held) < AHEAD_LIMIT_BYTES + 512 * 1024
    assert transport.get_write_buffer_size() > 0
    hot.door.gate.set()
    hot.cold.gate.set()
    answers = [await viewer.answer() for _ in range(count + 1)]
    assert {answer[2] for answer in answers[1:]} == {SMALL}
    await viewer.close()


@pytest.mark.parametrize("targets", [["/hot/later"], ["/hot/file?0-8000000"], ["/slow"], ["/cold"]])
async def test_who_has_shut_its_half_still_gets_the_answer(hot: Hot, targets: list[str]) -> None:
    viewer = await hot.connect(2**20)
    viewer.ask("/hot/small", *targets)
    viewer.writer.write_eof()
    assert (await viewer.answer())[2] == SMALL
    hot.door.gate.set()
    hot.cold.gate.set()
    assert (await viewer.answer())[0] == 200
    assert await viewer.ended() == b""
    await eventually(lambda: len(hot.port) == 0)
    await viewer.close()


@pytest.mark.parametrize("target", ["/slow", "/hot/later"])
async def test_half_closed_is_not_for_long(hot: Hot, target: str) -> None:
    viewer = await hot.connect()
    viewer.ask(target)
    await eventually(lambda: hot.cold.waiting + hot.door.waiting == 1)
    viewer.writer.write_eof()
    await eventually(lambda: all(c.half_closed for c in hot.port.connections))
    hot.port.sweep(hot.port.loop.time() + HALF_CLOSED_S + 1)
    await eventually(lambda: len(hot.port) == 0)
    hot.cold.gate.set()
    await viewer.close()


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", asking("/cold", "POST", "Content-Length: 9\r\n")]
)
async def test_who_goes_before_the_end_of_a_request_is_gone(hot: Hot, sent: bytes) -> None:
    viewer = await hot.connect()
    viewer.writer.write(sent)
    viewer.writer.write_eof()
    assert await viewer.ended() == b""
    await eventually(lambda: len(hot.port) == 0)
    await viewer.close()


async def test_when_there_are_too_many_the_longest_idle_go(big_file: Path) -> None:
    async with hot_port(big_file, connections_limit=4) as hot:
        busy, *idle = [await hot.connect() for _ in range(4)]
        for viewer in idle:
            viewer.ask("/hot/small")
            await viewer.answer()
        busy.ask("/hot/later")
        await eventually(lambda: hot.door.waiting == 1)
        for _ in range(3):
            late = await hot.connect()
            late.ask("/hot/small")
            assert (await late.answer())[2] == SMALL
        assert closed(hot, "full") == 3
        hot.door.gate.set()
        assert (await busy.answer())[2] == SMALL


async def test_who_comes_when_all_are_busy_is_sent_away(big_file: Path) -> None:
    async with hot_port(big_file, connections_limit=1) as hot:
        busy = await hot.connect()
        busy.ask("/hot/later")
        await eventually(lambda: hot.door.waiting == 1)
        late = await hot.connect()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await late.reader.readexactly(1)
        hot.door.gate.set()
        assert (await busy.answer())[2] == SMALL
        busy.abort()
        late.abort()


async def test_a_drain_lets_everyone_have_what_was_asked_for(big_file: Path) -> None:
    async with hot_port(big_file) as hot:
        idle, waits, reads, cold = [await hot.connect(2**20) for _ in range(4)]
        waits.ask("/hot/later")
        reads.ask("/hot/file")
        cold.ask("/slow")
        await eventually(lambda: hot.door.waiting == 1 and hot.cold.waiting == 1)
        answers = asyncio.gather(waits.answer(), reads.answer(), cold.answer())

        async def let_go() -> None:
            assert await idle.ended() == b""
            hot.door.gate.set()
            hot.cold.gate.set()

        going = asyncio.create_task(let_go())
        hot.viewers.clear()
    bodies = [body for _, _, body in await answers]
    assert (bodies[0], len(bodies[1]), bodies[2]) == (SMALL, hot.door.size_bytes, b"slow")
    await going
    for viewer in (idle, waits, reads, cold):
        await viewer.close()


async def test_a_drain_has_an_end(big_file: Path) -> None:
    async with hot_port(big_file, drain_s=0.2) as hot:
        viewer = await stuck(hot)
        other = await hot.connect()
        other.ask("/hot/later")
        await eventually(lambda: hot.door.waiting == 1)
    assert hot.door.waiting == hot.door.open_slices == len(hot.port) == 0
    viewer.abort()
    other.abort()


async def test_the_port_is_free_for_the_next(hot: Hot) -> None:
    with pytest.raises(OSError), socket.socket() as taken:
        taken.bind((hot.host, hot.number))
