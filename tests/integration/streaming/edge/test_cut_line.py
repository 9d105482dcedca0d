"""A line that is cut: known at once or within seconds, knocked at, and back."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from catalog.ending import end_task
from streaming.edge import reach
from streaming.edge import upstream as module
from streaming.edge.pulse import IDLE_S, KNOCK_LIMIT_S
from streaming.edge.reach import KNOCKS_FAST, Reach
from streaming.edge.upstream import LineCut, Upstream, UpstreamSettings
from streaming.hot.patience import IDLE_S as ORIGIN_IDLE_S
from tests.support.box import PIECE_BYTES, box, place
from tests.support.filling import Tally
from tests.support.scripted_upstream import (
    ScriptedUpstream,
    body_of,
    holding,
    serving,
)
from tests.support.upstream_client import PATH, connected, identity, is_cut
from tests.support.upstream_client import origin as origin
from tests.support.valve import valve_to
from tests.support.wait import eventually


@asynccontextmanager
async def full_backlog() -> AsyncIterator[int]:
    """Give a port that answers no more connections, as a line that is cut does."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    try:
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
    finally:
        for one in (*fillers, listener):
            one.close()


async def test_a_cut_line_is_told_at_once_and_knocked_at_until_it_is_back() -> None:
    origin = ScriptedUpstream()
    async with serving(origin):
        port = int(origin.url.rpartition(":")[2])
    async with connected(origin) as (client, _):
        with pytest.raises(LineCut):
            await client.text(PATH)
        first = client.cut
        assert first is not None
        with pytest.raises(LineCut, match="the line is cut"):
            async with client.media(PATH, {}):
                pass
        assert client.cuts == 1
        back = asyncio.create_task(client.reachable())
        async with serving(origin, port):
            await back
            assert not is_cut(client)
            assert (await client.text(PATH)).status == 200
        assert origin.requests[0][0] == module.KNOCK_PATH
        with pytest.raises(LineCut):
            await client.text(PATH)
        second = client.cut
        assert second is not None
        assert second.since_at > first.since_at
        assert client.cuts == 2


async def test_knocks_come_each_half_second_for_two_minutes_and_later_each_two() -> None:
    async def knock() -> None:
        raise AssertionError

    pauses = Reach(knock).pauses_s()
    assert [next(pauses) for _ in range(KNOCKS_FAST + 2)] == [*[0.5] * KNOCKS_FAST, 2.0, 2.0]
    assert KNOCKS_FAST * 0.5 == 120


async def test_a_knock_does_not_wait_for_those_that_the_line_swallowed() -> None:
    numbers, let_go = count(), 0

    async def knock() -> None:
        nonlocal let_go
        if next(numbers) == 3:
            return
        try:
            await asyncio.Event().wait()
        finally:
            let_go += 1

    way = Reach(knock, first_s=0.01)
    way.note_cut(OSError("away"))
    await way.back()
    assert way.cut is None
    assert let_go == 3
    await way.close()


async def test_a_knock_that_fails_late_does_not_cut_a_line_that_is_there() -> None:
    numbers, answered = count(), asyncio.Event()

    async def knock() -> None:
        if next(numbers):
            answered.set()
            return
        await answered.wait()
        raise OSError("no way")

    way = Reach(knock, first_s=0.01)
    way.suspect("an answer")
    (knocking,) = (task for task in asyncio.all_tasks() if task.get_name() == "knocking")
    await knocking
    assert way.cuts == 0


async def test_a_socket_waits_for_the_line(origin: ScriptedUpstream) -> None:
    async with valve_to(origin.url) as (way, url), listened(url) as client:
        way.shut()
        await eventually(lambda: is_cut(client))
        dialling = asyncio.create_task(_dialled(client))
        knocked = way.taken
        await eventually(lambda: way.taken > knocked + 10)
        assert not dialling.done(), "it would have failed twice by now"
        way.open()
        assert await dialling == 200


async def _dialled(client: Upstream) -> int:
    """Ask for a socket where there is none: the status says that it was heard."""
    try:
        async with client.dial(PATH):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


@asynccontextmanager
async def listened(url: str, heard: Callable[[], int] = lambda: 0) -> AsyncIterator[Upstream]:
    settings = UpstreamSettings(url, dial_s=0.2, knock_s=0.3, knock_first_s=0.05)
    async with Upstream(settings, identity, Tally()) as client:
        listening = asyncio.create_task(client.listen(heard, lambda: True))
        yield client
        await end_task(listening)


async def test_a_silent_line_is_known_within_five_seconds_though_nobody_asks(
    origin: ScriptedUpstream,
) -> None:
    origin.sizes[module.KNOCK_PATH] = 15
    async with valve_to(origin.url) as (way, url), listened(url) as client:
        await eventually(lambda: len(origin.asked(module.KNOCK_PATH)) >= 2)
        assert way.taken == 1, "on the connection it has"
        assert IDLE_S < module.KEPT_OPEN_S < ORIGIN_IDLE_S, "also while nobody is here"
        assert client.cut is None
        assert "Authorization" not in origin.asked(module.KNOCK_PATH)[0]
        way.shut()
        cut_at = time.monotonic()
        await eventually(lambda: is_cut(client))
        assert time.monotonic() - cut_at < 5.0 - KNOCK_LIMIT_S + 1.5
        way.open()
        async with asyncio.timeout(5.0):
            await client.reachable()
        assert client.cuts == 1


async def test_a_line_on_which_anything_comes_is_not_knocked_at(
    origin: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "LOOK_EVERY_S", 0.01)
    looked = count()
    async with valve_to(origin.url) as (way, url), listened(url, lambda: next(looked)) as client:
        way.shut()
        await eventually(lambda: next(looked) > 300)
        assert client.cut is None
    assert origin.asked(module.KNOCK_PATH) == []


async def test_who_waits_for_an_answer_hears_at_once_that_the_line_is_cut(
    origin: ScriptedUpstream,
) -> None:
    never = asyncio.Event()
    origin.script(PATH, holding(0.0, never))

    async def once() -> AsyncIterator[bytes]:
        yield b"[]"

    async with valve_to(origin.url) as (way, url), listened(url) as client:
        way.shut()
        for body in (None, once()):
            with pytest.raises(LineCut):
                async with asyncio.timeout(8.0), client.forward("POST", PATH, {}, body):
                    pass
            way.open()
            await client.reachable()
            way.shut()
        never.set()


async def test_a_line_that_swallows_connections_is_cut() -> None:
    async with full_backlog() as port:
        settings = UpstreamSettings(f"http://127.0.0.1:{port}", connect_s=0.1)
        async with Upstream(settings, identity, Tally()) as client:
            with pytest.raises(LineCut):
                await client.text(PATH)
            assert is_cut(client)


async def test_who_waits_for_a_piece_gets_the_rest_when_the_line_is_back(tmp_path: Path) -> None:
    origin, one = ScriptedUpstream(), place(0)
    origin.sizes[one.path] = PIECE_BYTES
    origin.script(one.path, holding(0.5, asyncio.Event()))
    async with AsyncExitStack() as stack:
        async with serving(origin):
            port = int(origin.url.rpartition(":")[2])
            school = await stack.enter_async_context(box(tmp_path, origin.url))
            reader = asyncio.create_task(school.read(one.piece))
            await eventually(lambda: school.fills.find(one.piece) is not None)
            fill = school.fills.find(one.piece)
            assert fill is not None
            await fill.reach(PIECE_BYTES // 2 - 1)
        await eventually(lambda: is_cut(school.upstream))
        async with serving(origin, port):
            assert await reader == body_of(one.path, PIECE_BYTES)
            assert not is_cut(school.upstream)
    assert [h.get("Range") for h in origin.asked(one.path)] == [
        None, f"bytes={PIECE_BYTES // 2}-",
    ]  # fmt: skip
