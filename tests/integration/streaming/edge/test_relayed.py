"""A school's live feeds over real sockets: what crosses the line, and what viewers there get."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.errors import NoRight
from catalog.http.problem import problems
from catalog.ids import new_id
from catalog.live import FeedName
from catalog.store.local import LocalStore
from streaming.edge.relayed import RelayedFeed
from streaming.edge.rewind import OldSegment
from streaming.live.app import Live
from streaming.live.feed import LiveFeed
from streaming.live.metrics import LiveMetrics
from streaming.live.relays import Relay
from tests.integration.streaming.edge.test_proxy import serving
from tests.support.live_origin import (
    RENDITIONS,
    Running,
    encoded_live,
    running,
    send,
    split,
)
from tests.support.relayed import LATER, SIZES_LATER, Counting, edge_of, ends, without_reports
from tests.support.relayed import live as live
from tests.support.relayed import on_air as on_air
from tests.support.wait import eventually


async def test_a_school_has_the_same_playlists_and_bytes(live: Running, on_air: LiveFeed) -> None:
    async with edge_of(live.url, on_air.session_id) as edge:
        text = await edge.text("multivariant.m3u8")
        async with edge.http.get(live.at(edge.session, "multivariant.m3u8")) as answer:
            assert text == await answer.text()
        await edge.text("360p.m3u8?_HLS_msn=0")
        await edge.text("aac.m3u8?_HLS_msn=0")
        (relay,) = on_air.relays
        await eventually(lambda: relay.names == {"360p", "aac"})
        await send(on_air, LATER, until_s=14.0)
        number = on_air.channel.tracks["360p"].next_number
        text = await edge.text(f"360p.m3u8?_HLS_msn={number - 1}&_HLS_part=0")
        async with edge.http.get(live.at(edge.session, "360p.m3u8")) as answer:
            assert without_reports(text) == without_reports(await answer.text())
        for name in (f"360p/{number - 1}.m4s", "360p/0.m4s", f"aac/{number}.0.m4s",
                     "360p/init-0.mp4"):  # fmt: skip
            async with edge.http.get(live.at(edge.session, name)) as answer:
                assert await edge.data(name) == await answer.read()


async def test_only_the_rungs_in_use_cross_the_line(live: Running, on_air: LiveFeed) -> None:
    async with edge_of(live.url, on_air.session_id) as edge:
        await edge.text("180p.m3u8?_HLS_msn=0")
        (relay,) = on_air.relays
        await eventually(lambda: relay.names == {"180p"})
        for _ in range(20):
            await edge.text("180p.m3u8?_HLS_msn=0")
        assert len(on_air.relays) == 1
        await edge.text("360p.m3u8?_HLS_msn=0")
        await eventually(lambda: relay.names == {"180p", "360p"})


async def test_who_plays_whole_segments_follows_from_a_segments_end_on(
    live: Running, on_air: LiveFeed
) -> None:
    async with edge_of(live.url, on_air.session_id) as edge:
        text = await edge.text("180p.m3u8")
        (relay,) = on_air.relays
        first = on_air.channel.tracks["180p"].first_number
        here, there = edge.feed.channel.tracks["180p"], on_air.channel.tracks["180p"]
        assert await edge.data(f"180p/{first}.m4s") == there.segments[0].data
        assert relay.names == frozenset()
        ended = there.next_number
        await send(on_air, LATER, until_s=7.0)
        await eventually(lambda: relay.names == {"180p"})
        assert f"180p/{ended}.m4s\n" in await edge.text("180p.m3u8")
        assert f"180p/{ended}.m4s\n" not in text
        assert await edge.data(f"180p/{ended}.m4s") == there.segment(ended).data  # type: ignore[union-attr]
        await send(on_air, LATER, until_s=9.0)
        await eventually(lambda: here.next_number == there.next_number)
        assert here.segments[-1] == there.segments[-1], "it came as it was made"


async def test_blocking_reloads_are_answered_here(live: Running, on_air: LiveFeed) -> None:
    async with edge_of(live.url, on_air.session_id) as edge:
        await edge.text("180p.m3u8")
        number = on_air.channel.tracks["180p"].next_number
        asks = [
            asyncio.create_task(edge.text(f"180p.m3u8?_HLS_msn={number}&_HLS_part=9"))
            for _ in range(40)
        ]
        await eventually(lambda: edge.feed.waiters["180p"].waiting == 40)
        assert on_air.waiters["180p"].waiting == 0
        await send(on_air, LATER, until_s=8.0)
        texts = await asyncio.gather(*asks)
        assert len(set(texts)) == 1
        assert f"180p/{number}.9.m4s" in texts[0]


async def test_forty_sockets_are_one_relay(live: Running, on_air: LiveFeed) -> None:
    async with edge_of(live.url, on_air.session_id) as edge:
        sockets = [await edge.http.ws_connect(edge.at("stream")) for _ in range(40)]
        hello = json.loads((await sockets[0].receive()).data)
        assert [item["name"] for item in hello["renditions"]] == ["360p", "180p", "aac"]
        (relay,) = on_air.relays
        await eventually(lambda: relay.names == {"360p", "aac"})
        await eventually(lambda: ends(edge.feed) == ends(on_air))
        before = sum(edge.arrived)
        await send(on_air, LATER, until_s=10.0)
        await eventually(lambda: ends(edge.feed) == ends(on_air))
        sent = sum(size for name, size in SIZES_LATER if name in relay.names)
        assert sum(edge.arrived) - before < 1.05 * sent
        keyframes = 0
        async with asyncio.timeout(10):
            while keyframes < 2:
                found = await sockets[39].receive()
                if found.type is aiohttp.WSMsgType.BINARY and found.data[1] == 1:
                    keyframes += 1
        for socket in sockets:
            await socket.close()


async def test_who_comes_back_says_at_once_what_it_wants(
    live: Running, on_air: LiveFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[frozenset[str]] = []
    join = on_air.relays.join

    def joined(now: float, anchor_utc: float, names: frozenset[str]) -> Relay:
        wanted.append(names)
        return join(now, anchor_utc, names)

    monkeypatch.setattr(on_air.relays, "join", joined)
    async with (
        edge_of(live.url, on_air.session_id) as edge,
        edge.http.ws_connect(edge.at("stream")),
    ):
        await eventually(lambda: any(one.names for one in on_air.relays))
        (relay,) = on_air.relays
        relay.close()
        await eventually(lambda: len(wanted) == 2)
        await eventually(lambda: ends(edge.feed) == ends(on_air))
    assert wanted == [frozenset(), frozenset({"360p", "aac"})]


async def test_the_line_comes_back_and_the_lesson_goes_on(store: LocalStore) -> None:
    async with running(store) as live:
        feed = await live.origin.open(live.sessions.add(), FeedName.MAIN)
        await feed.begin(RENDITIONS)
        await send(feed, split(encoded_live(20), 5.0)[0])
        async with edge_of(live.url, feed.session_id) as edge:
            await edge.text("360p.m3u8")
            (relay,) = feed.relays
            relay.close()
            await eventually(lambda: edge.feed.channel.state.value == "reconnecting")
            await send(feed, LATER, until_s=9.0)
            await edge.text("360p.m3u8")
            await eventually(lambda: edge.feed.channel.state.value == "live")
            await send(feed, tuple(p for p in LATER if p[0]), until_s=15.0)
            here, there = edge.feed.channel.tracks["360p"], feed.channel.tracks["360p"]
            await eventually(lambda: here.next_number == there.next_number)
            assert [s.number for s in here.segments] == [s.number for s in there.segments]
            number = here.segments[3].number
            assert await edge.data(f"360p/{number}.m4s")
            await feed.end()
            await eventually(lambda: edge.feed.ended)
            assert "#EXT-X-ENDLIST" in await edge.text("360p.m3u8")


async def test_what_is_not_on_the_air_is_not_found(live: Running) -> None:
    async with (
        edge_of(live.url, live.sessions.add()) as edge,
        edge.http.get(edge.at("360p.m3u8")) as answer,
    ):
        assert answer.status == 404
        await eventually(lambda: not edge.feeds.feeds)


async def test_an_edge_behind_an_edge(live: Running, on_air: LiveFeed) -> None:
    async with (
        edge_of(live.url, on_air.session_id) as first,
        edge_of(first.url, on_air.session_id) as second,
    ):
        await second.text("360p.m3u8")
        await send(on_air, LATER, until_s=12.0)
        end_us = on_air.channel.tracks["360p"].end_us
        await eventually(lambda: second.feed.channel.tracks["360p"].end_us == end_us)
        number = on_air.channel.tracks["360p"].next_number - 1
        assert await second.data(f"360p/{number}.m4s") == await first.data(f"360p/{number}.m4s")


async def test_an_upstream_that_falls_silent_is_dialled_anew() -> None:
    dialled, never = asyncio.Semaphore(0), asyncio.Event()

    async def silent(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str('{"type":"standing","state":"live","anchor":1.0,"renditions":[]}')
        dialled.release()
        await never.wait()
        return socket

    async def nothing(segment: OldSegment) -> bytes | None:
        return None

    app = web.Application()
    app.router.add_get("/{path:.*}", silent)
    async with serving(app) as (base, _), aiohttp.ClientSession() as http:
        feed = RelayedFeed(
            "s", FeedName.MAIN, LiveMetrics(CollectorRegistry()), nothing, silence_s=0.05
        )
        timeout = aiohttp.ClientWSTimeout(ws_close=0.05)
        following = asyncio.create_task(
            feed.run(lambda path: http.ws_connect(f"{base}{path}", timeout=timeout), Counting([]))
        )
        for _ in range(3):
            async with asyncio.timeout(10):
                await dialled.acquire()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        never.set()


class NeverThere:
    """Feeds of a city that does not answer."""

    def __init__(self) -> None:
        self.sought, self.let_go = asyncio.Event(), asyncio.Event()

    async def seek(self, session: str, feed: FeedName) -> None:
        """Never come to an end."""
        self.sought.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.let_go.set()


class WaitingGate:
    """Refuses when a feed is sought: both happen at once."""

    def __init__(self, feeds: NeverThere) -> None:
        self._feeds = feeds

    async def admit(self, request: web.Request, session: str, token: str | None) -> None:
        """Let nobody in."""
        await self._feeds.sought.wait()
        raise NoRight("this session is not open to you: sign in, or ask for an invitation")


async def test_who_is_refused_does_not_wait_for_what_is_sought_meanwhile() -> None:
    feeds = NeverThere()
    live = Live(feeds, WaitingGate(feeds), LiveMetrics(CollectorRegistry()))
    app = web.Application(middlewares=[problems])
    app.add_subapp("/live", live.app())
    async with serving(app) as (base, _), aiohttp.ClientSession() as http:
        async with http.get(f"{base}/live/{new_id()}/multivariant.m3u8") as answer:
            assert answer.status == 403
        await eventually(feeds.let_go.is_set)
