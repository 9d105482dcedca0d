"""A lesson that is over: nothing of it stays in memory, at the origin and in a school's box."""

from __future__ import annotations

import asyncio
import gc
from weakref import ReferenceType, ref

from catalog.live import FeedName
from catalog.store.local import LocalStore
from streaming.live.audience import Audience
from tests.support.live_origin import Running, running
from tests.support.relayed import Edge, begun, edge_of
from tests.support.wait import eventually

KEPT_S = 0.2


async def watched_to_its_end(live: Running, edge: Edge) -> list[ReferenceType[Audience]]:
    """Watch a lesson in every way, here and there, and end it."""
    feed = live.origin.find(edge.session, FeedName.MAIN)
    assert feed is not None
    urls = live.at(edge.session, ""), edge.at("")
    for url in urls:
        for path in ("multivariant.m3u8", "360p.m3u8", "360p/0.m4s", "360p/init-0.mp4"):
            for _ in range(2):
                async with edge.http.get(url + path) as answer:
                    assert answer.status == 200, path
    sockets = [await edge.http.ws_connect(url + "stream") for url in urls]
    for socket in sockets:
        await socket.receive()
    known: list[ReferenceType[Audience]] = [ref(feed), ref(edge.feed)]
    await live.origin.end(edge.session)
    for socket in sockets:
        async for _ in socket:
            pass
    return known


def has_media(feed: Audience | None) -> bool:
    """Tell whether bytes of a feed are in memory, which may itself wait to be collected."""
    if feed is None:
        return False
    rings = any(ring.frames for ring in feed.hub._rings.values())
    tracks = feed.channel.tracks.values()
    segments = any(one.data for track in tracks for one in track.segments)
    return rings or segments or any(track.open_data() for track in tracks)


async def test_nothing_of_a_lesson_stays_when_it_is_over(store: LocalStore) -> None:
    async with running(store, ended_kept_s=KEPT_S) as live:
        session = (await begun(live)).session_id
        async with edge_of(live.url, session, ended_kept_s=KEPT_S) as edge:
            known = await watched_to_its_end(live, edge)
            await eventually(lambda: not edge.feeds.feeds)
            await eventually(lambda: not any(has_media(one()) for one in known))
            await asyncio.to_thread(gc.collect)
            assert [one() for one in known] == [None, None]
