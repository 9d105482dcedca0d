"""A relay on a line that is thinner than its box remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from catalog.ending import end_task
from loadtests.thin_line import line
from streaming.edge.cap import Cap
from streaming.edge.eviction import Held
from streaming.edge.line import Line
from streaming.edge.watching import Watching
from streaming.live.feed import LiveFeed
from tests.support.live_origin import Running, send_paced
from tests.support.relayed import LATER, Edge, edge_of
from tests.support.relayed import live as live
from tests.support.relayed import on_air as on_air
from tests.support.wait import eventually

REMEMBERED_BPS, THIN_BPS = 10_000_000, 100_000
KNOWN_S = 15.0


@asynccontextmanager
async def school(
    live: Running, on_air: LiveFeed, carries_bps: int
) -> AsyncIterator[tuple[Edge, Line]]:
    """A school that remembers a wide line and watches the best picture on one that is thin."""
    found = Line([REMEMBERED_BPS] * 3)

    async def nothing() -> list[Held]:
        return []

    watching = Watching(Cap(), lambda: found.estimate_bps, nothing, lambda lesson: None)
    async with (
        line(live.url, carries_bps) as way,
        edge_of(way.url, on_air.session_id, watching, line=found) as edge,
    ):
        assert "360p" in await edge.text("multivariant.m3u8")
        edge.feed.follows("360p", live=True)
        edge.feed.follows("aac", live=True)
        tasks = [
            asyncio.create_task(send_paced(on_air, LATER), name="encoder"),
            asyncio.create_task(watching.run(), name="cap"),
        ]
        try:
            yield edge, found
        finally:
            for task in tasks:
                await end_task(task)


async def read(viewer: aiohttp.ClientWebSocketResponse) -> None:
    """Take whatever comes."""
    async for _ in viewer:
        pass


async def test_a_line_that_was_wide_yesterday_is_measured_by_what_comes_first(
    live: Running, on_air: LiveFeed
) -> None:
    """The open segment may take longer than the silence after which a relay is dialled anew."""
    async with school(live, on_air, THIN_BPS) as (edge, found):
        (relay,) = on_air.relays
        await eventually(lambda: (found.estimate_bps or 0) < 2 * THIN_BPS, KNOWN_S)
        await eventually(lambda: "360p" in edge.feed.channel.gone)
        assert relay in set(on_air.relays), "it was not dialled anew"


async def test_who_is_capped_soon_has_the_lower_picture(live: Running, on_air: LiveFeed) -> None:
    """What is left of the better picture does not come first."""
    async with (
        school(live, on_air, 500_000) as (edge, _),
        edge.http.ws_connect(edge.at("stream")) as viewer,
    ):
        await viewer.send_str('{"type":"rung","name":"360p"}')
        reading = asyncio.create_task(read(viewer), name="viewer")
        try:
            await eventually(lambda: "360p" in edge.feed.channel.gone)
            low = edge.feed.channel.tracks["180p"]
            await eventually(lambda: bool(low.open_data()), 5.0)
        finally:
            await end_task(reading)
