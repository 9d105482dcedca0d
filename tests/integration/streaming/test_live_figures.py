"""A feed's own figures: parts and their age, who watches and how, what was skipped."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from catalog.live import FeedName
from streaming.live.figures import FeedFigures, figures_of
from streaming.live.viewer import QUEUE_LIMIT_S
from tests.support.live_origin import RENDITIONS, Running, encoded_live, send, split
from tests.support.live_origin import live as live
from tests.support.wait import eventually

DURATION_S, FIRST_S = 8, 4


@pytest.fixture(autouse=True)
def media() -> None:
    """Make it before a loop runs."""
    encoded_live(DURATION_S)


def of_all(live: Running) -> list[FeedFigures]:
    return [figures_of(feed) for feed in live.origin.on_air()]


async def test_a_feed_counts_its_parts_and_is_gone_at_its_end(live: Running) -> None:
    assert of_all(live) == []
    session = live.sessions.add()
    feed = await live.origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    (before,) = of_all(live)
    assert (before.session, before.feed, before.parts) == (session, FeedName.MAIN, 0)
    await send(feed, encoded_live(DURATION_S))
    (after,) = of_all(live)
    assert after.parts == live.figure("part_age_seconds_count", feed="main") > 0
    assert after.age_sum_s == pytest.approx(live.figure("part_age_seconds_sum", feed="main"))
    assert after.since_at == before.since_at
    assert after.dropped == 0
    await feed.end()
    assert of_all(live) == []


async def test_viewers_are_counted_by_delivery_and_rung_while_they_are_there(
    live: Running,
) -> None:
    session = live.sessions.add()
    feed = await live.origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    first, rest = split(encoded_live(DURATION_S), FIRST_S)
    await send(feed, first)
    number = feed.channel.tracks["180p"].next_number + 1
    url = live.at(session, f"180p.m3u8?_HLS_msn={number}")
    async with aiohttp.ClientSession() as client:
        reload = asyncio.create_task(client.get(url))
        async with (
            client.ws_connect(live.at(session, "stream?rendition=360p")),
            client.ws_connect(live.at(session, "stream?rendition=audio")),
        ):
            wanted = {("hls", "180p"): 1, ("ws", "360p"): 1, ("ws", "audio"): 1}
            await eventually(lambda: shown(feed_figures(live)) == wanted)
            await send(feed, rest)
            await eventually(lambda: ("hls", "180p") not in shown(feed_figures(live)))
        (await reload).close()
        await eventually(lambda: shown(feed_figures(live)) == {})


async def test_queues_that_were_emptied_are_counted_by_rung(live: Running) -> None:
    feed = await live.origin.open(live.sessions.add(), FeedName.MAIN)
    await feed.begin(RENDITIONS)
    first, rest = split(encoded_live(DURATION_S), FIRST_S)
    await send(feed, first)
    long_ago = time.monotonic() - 2 * QUEUE_LIMIT_S
    viewer = feed.hub.join("360p", long_ago, 0.0, feed.anchor_utc)
    await send(feed, rest)
    assert feed_figures(live).skips == {"360p": viewer.viewer.skips, "180p": 0, "aac": 0}
    assert viewer.viewer.skips > 0


def feed_figures(live: Running) -> FeedFigures:
    (found,) = of_all(live)
    return found


def shown(figures: FeedFigures) -> dict[tuple[str, str], int]:
    """Give those whose number is not 0."""
    return {way: count for way, count in figures.viewers.items() if count}
