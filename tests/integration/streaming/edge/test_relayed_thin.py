"""A relay on a line that is thinner than its box remembers."""

from __future__ import annotations

import asyncio

from catalog.ending import end_task
from loadtests.thin_line import line
from streaming.edge.line import Line
from streaming.live.feed import LiveFeed
from tests.support.live_origin import Running, send_paced
from tests.support.relayed import LATER, edge_of
from tests.support.relayed import live as live
from tests.support.relayed import on_air as on_air
from tests.support.wait import eventually

THIN_BPS, REMEMBERED_BPS = 100_000, 10_000_000


async def test_a_line_that_was_wide_yesterday_is_measured_by_what_comes_first(
    live: Running, on_air: LiveFeed
) -> None:
    """The open segment takes longer than the silence after which a relay is dialled anew."""
    school = Line([REMEMBERED_BPS] * 3)
    async with (
        line(live.url, THIN_BPS) as way,
        edge_of(way.url, on_air.session_id, line=school) as edge,
    ):
        await edge.text("multivariant.m3u8")
        (relay,) = on_air.relays
        edge.feed.follows("360p", live=True)
        sending = asyncio.create_task(send_paced(on_air, LATER), name="encoder")
        try:
            await eventually(lambda: school.falling_behind)
            await eventually(lambda: (school.estimate_bps or 0) < 2 * THIN_BPS)
            assert relay in set(on_air.relays), "it was not dialled anew"
        finally:
            await end_task(sending)
