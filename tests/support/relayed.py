"""Live feeds of a school whose box stands before a real origin, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.http.problem import problems
from catalog.live import FeedName
from catalog.store.local import LocalStore
from streaming.edge.relayed import ENDED_KEPT_S, LineLike, RelayedFeed, RelayedFeeds
from streaming.edge.rewind import OldSegment
from streaming.edge.watching import Watching
from streaming.isobmff.fragment import Fragment
from streaming.live.app import Live
from streaming.live.audience import Audience
from streaming.live.feed import LiveFeed
from streaming.live.metrics import LiveMetrics
from tests.support.live_origin import (
    RENDITIONS,
    OpenGate,
    Running,
    encoded_live,
    running,
    send,
    split,
)


@dataclass
class Counting:
    """Counts what crosses the line."""

    arrived: list[int]

    def relayed(self, size_bytes: int) -> None:
        self.arrived.append(size_bytes)

    def falls_behind(self, relay: str, behind: bool) -> None:
        """Loopback does not."""

    def comes_late(self, relay: str, late_s: float | None) -> None:
        """Nor that."""


@dataclass
class Edge:
    """A box whose upstream is that address."""

    url: str
    session: str
    feeds: RelayedFeeds
    http: aiohttp.ClientSession
    arrived: list[int] = field(default_factory=list)

    def at(self, path: str) -> str:
        return f"{self.url}/live/{self.session}/{path}"

    @property
    def feed(self) -> RelayedFeed:
        return self.feeds.feeds[self.session, FeedName.MAIN]

    async def text(self, path: str) -> str:
        async with self.http.get(self.at(path)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def data(self, path: str) -> bytes:
        async with self.http.get(self.at(path)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()


@asynccontextmanager
async def edge_of(
    upstream: str,
    session: str,
    watching: Watching | None = None,
    line: LineLike | None = None,
    ended_kept_s: float = ENDED_KEPT_S,
) -> AsyncIterator[Edge]:
    """Serve /live of a school."""
    async with aiohttp.ClientSession() as http:
        arrived: list[int] = []

        def dial(path: str) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
            return http.ws_connect(f"{upstream}{path}", heartbeat=2.0, max_msg_size=1 << 26)

        async def old(segment: OldSegment) -> bytes | None:
            async with http.get(f"{upstream}{segment.path}") as answer:
                return await answer.read() if answer.status == 200 else None

        metrics = LiveMetrics(CollectorRegistry())
        opened = watching.opened if watching else lambda feed: None
        feeds = RelayedFeeds(dial, metrics, old, line or Counting(arrived), opened, ended_kept_s)
        if watching:
            watching.follow(feeds)
        app = web.Application(middlewares=[problems])
        app.add_subapp("/live", Live(feeds, OpenGate(), metrics).app())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            yield Edge(f"http://{host}:{port}", session, feeds, http, arrived)
        finally:
            await feeds.close()
            await runner.cleanup()


@pytest.fixture
async def live(store: LocalStore) -> AsyncIterator[Running]:
    async with running(store) as live:
        yield live


@pytest.fixture
async def on_air(live: Running) -> LiveFeed:
    """A feed with four seconds of media."""
    return await begun(live)


async def begun(live: Running) -> LiveFeed:
    """Open a feed and send four seconds of media."""
    feed = await live.origin.open(live.sessions.add(), FeedName.MAIN)
    await feed.begin(RENDITIONS)
    await send(feed, split(encoded_live(20), 5.0)[0])
    return feed


LATER = split(encoded_live(20), 5.0)[1]
SIZES_LATER = [
    (name, len(item.data)) for name, item in split(LATER, 10.0)[0] if isinstance(item, Fragment)
]


def ends(feed: Audience) -> list[int | None]:
    """Tell how far the renditions of forty sockets have come."""
    return [feed.channel.tracks[name].end_us for name in ("360p", "aac")]


def without_reports(text: str) -> list[str]:
    return [line for line in text.splitlines() if "RENDITION-REPORT" not in line]
