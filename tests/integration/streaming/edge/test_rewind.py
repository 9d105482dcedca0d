"""A class that goes back in a live lesson together asks the city once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from streaming.edge.piece import Piece
from streaming.edge.rewind import NEAR_S, OldSegment, Rewind
from streaming.edge.schedule import Schedule
from streaming.edge.turns import Turns
from streaming.edge.upstream import Upstream, UpstreamSettings
from tests.integration.streaming.edge.test_proxy import SECRET, Deaf, serving
from tests.support.wait import eventually


class City:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = asyncio.Event()
        self.status = 200

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        await self.go_on.wait()
        return web.Response(status=self.status, body=request.path.encode() * 100)


def old(number: int, feed: str = "main", age_s: float = 5.0) -> OldSegment:
    return OldSegment("s", feed, "360p", number, 1900, age_s)


@asynccontextmanager
async def school_of(
    city: City, limit_bytes: int = 1 << 20
) -> AsyncIterator[tuple[Rewind, Turns, web.AppRunner]]:
    """Let a school ask that city."""
    app = web.Application()
    app.router.add_get("/{path:.*}", city.serve)
    async with (
        serving(app) as (base, runner),
        Upstream(UpstreamSettings(base), lambda: SECRET, Deaf()) as upstream,
    ):
        turns = Turns(Schedule[Piece](2), time.monotonic)
        rewind = Rewind(upstream, turns, limit_bytes)
        yield rewind, turns, runner
        await rewind.close()


async def test_forty_who_go_back_are_one_request() -> None:
    city = City()
    async with school_of(city, 10_000) as (rewind, _, runner):
        asks = [asyncio.create_task(rewind.fetch(old(7))) for _ in range(40)]
        await eventually(lambda: len(city.asked) == 1)
        asks.pop().cancel()
        city.go_on.set()
        found = set(await asyncio.gather(*asks))
        assert found == {b"/live/s/360p/7.m4s" * 100}
        assert await rewind.fetch(old(7)) in found
        assert city.asked == ["/live/s/360p/7.m4s"]

        for number in range(8, 14):
            await rewind.fetch(old(number, "floor"))
        await rewind.fetch(old(7))
        assert city.asked.count("/live/s/360p/7.m4s") == 2, "what is held is bounded"
        assert "/live/s/floor/360p/8.m4s" in city.asked

        city.status = 404
        assert await rewind.fetch(old(99)) is None
        await runner.cleanup()
        assert await rewind.fetch(old(98)) is None


async def test_segments_come_two_at_a_time_what_is_played_first_first() -> None:
    city = City()
    async with school_of(city) as (rewind, turns, _):
        asks = []
        for number, age_s in ((9, 2), (7, 6), (8, 4), (1, NEAR_S), (6, 8), (5, 9)):
            asks.append(asyncio.create_task(rewind.fetch(old(number, age_s=age_s))))
            await eventually(lambda: len(city.asked) + turns.waiting == len(asks))
        assert sorted(city.asked) == ["/live/s/360p/7.m4s", "/live/s/360p/9.m4s"]
        city.go_on.set()
        assert all(await asyncio.gather(*asks))
        assert city.asked[2:] == [f"/live/s/360p/{number}.m4s" for number in (5, 6, 8, 1)]
