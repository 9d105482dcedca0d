"""A school whose line carries fewer rungs: what its viewers are shown, and get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from streaming.edge.cap import Cap, Limits, Why
from streaming.edge.eviction import Held
from streaming.edge.watching import Watching
from streaming.live.feed import LiveFeed
from tests.support.live_origin import (
    Running,
    send,
)
from tests.support.relayed import LATER, edge_of, without_reports
from tests.support.relayed import live as live
from tests.support.relayed import on_air as on_air
from tests.support.wait import eventually


async def test_a_capped_school_sees_fewer_rungs(live: Running, on_air: LiveFeed) -> None:
    async with edge_of(live.url, on_air.session_id) as edge:
        assert "360p.m3u8" in await edge.text("multivariant.m3u8")
        edge.feed.cap(frozenset({"180p"}))
        text = await edge.text("multivariant.m3u8")
        assert "360p" not in text
        assert "180p.m3u8" in text
        async with edge.http.ws_connect(edge.at("stream")) as socket:
            hello = json.loads((await socket.receive()).data)
            assert [item["name"] for item in hello["renditions"]] == ["180p", "aac"]
        edge.feed.cap(None)
        assert "360p.m3u8" in await edge.text("multivariant.m3u8")


async def test_who_knows_only_a_rung_that_is_capped_goes_on_with_what_is_shown(
    live: Running, on_air: LiveFeed
) -> None:
    async with edge_of(live.url, on_air.session_id) as edge:
        before = await edge.text("360p.m3u8")
        edge.feed.cap(frozenset({"180p"}))
        after = await edge.text("360p.m3u8?_HLS_skip=YES")
        assert without_reports(after) == without_reports(await edge.text("180p.m3u8"))
        assert after.count("#EXTINF") == before.count("#EXTINF")
        number = on_air.channel.tracks["360p"].next_number
        asked = asyncio.create_task(edge.text(f"360p.m3u8?_HLS_msn={number}&_HLS_skip=YES"))
        await eventually(lambda: bool(edge.feed.waiters["180p"].waiting))
        assert edge.feed.in_use() == {"180p"}
        await send(on_air, LATER, until_s=9.0)
        assert f"180p/{number}.m4s\n" in await asked
        assert await edge.data(f"180p/{number}.m4s")
        edge.feed.cap(None)
        assert "360p/" in await edge.text("360p.m3u8")


async def test_a_thin_line_caps_the_school_from_the_first_playlist_on(
    live: Running, on_air: LiveFeed
) -> None:
    async def nothing() -> list[Held]:
        return []

    cap = Cap(Limits(ceiling_bps=900_000))
    watching = Watching(cap, lambda: None, nothing, lambda lesson: None)
    async with edge_of(live.url, on_air.session_id, watching) as edge:
        assert "360p" not in await edge.text("multivariant.m3u8")
        (seen,) = watching.seen
        assert [rung.name for rung in seen.stream.rungs] == ["360p", "180p", "aac"]
        (allowed,) = watching.decisions.values()
        assert (allowed.rungs, allowed.why) == (("180p", "aac"), Why.CEILING)
        assert watching.next_bps() is None
        async with edge.http.ws_connect(edge.at("stream")) as socket:
            hello = json.loads((await socket.receive()).data)
            assert [item["name"] for item in hello["renditions"]] == ["180p", "aac"]
            cap.limit(Limits())
            watching.decide()
            await socket.send_str('{"type":"rung","name":"360p"}')
            await eventually(lambda: "360p" in next(iter(on_air.relays)).names)
            await send(on_air, LATER, until_s=12.0)
            heard = [found.data[:2] async for found in until(socket, b"\x01\x01")]
            assert b"\x01\x00" in heard, "its init came before its keyframe"
        assert "360p" in await edge.text("multivariant.m3u8")


async def test_a_capped_school_waits_for_the_rung_that_it_may_have(
    live: Running, on_air: LiveFeed
) -> None:
    relay = on_air.relays.join(0.0, on_air.anchor_utc)
    messages: list[bytes | str] = []
    while (said := relay.next()) is not None:
        messages.append(said)
    go_on = asyncio.Event()

    async def upstream(request: web.BaseRequest) -> web.StreamResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        for number, message in enumerate(messages):
            if number == 2:
                await go_on.wait()
            if isinstance(message, str):
                await ws.send_str(message)
            else:
                await ws.send_bytes(message)
        async for _ in ws:
            pass
        return ws

    async def nothing() -> list[Held]:
        return []

    watching = Watching(Cap(Limits(ceiling_bps=900_000)), lambda: None, nothing, lambda one: None)
    async with (
        RawTestServer(upstream) as server,
        edge_of(str(server.make_url("")), on_air.session_id, watching) as edge,
    ):
        asked = asyncio.create_task(edge.text("multivariant.m3u8"))
        await eventually(lambda: bool(edge.feeds.feeds and edge.feed.channel.gone))
        await eventually(lambda: edge.feed.listings["360p"].published)
        assert not edge.feed.ready.is_set()
        go_on.set()
        assert "180p.m3u8" in await asked


async def until(
    socket: aiohttp.ClientWebSocketResponse, start: bytes
) -> AsyncIterator[aiohttp.WSMessage]:
    """Give what is received up to the first binary message that begins so."""
    while True:
        found = await socket.receive(timeout=10)
        yield found
        if found.type is aiohttp.WSMsgType.BINARY and found.data.startswith(start):
            return
