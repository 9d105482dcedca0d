"""The recording of a live session in the real catalogue: killed, resumed, finished, played."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.db.recordings import Recordings
from catalog.db.sessions_life import Sessions
from catalog.live import FeedName
from catalog.media import Media
from catalog.store.local import LocalStore
from streaming.live.metrics import LiveMetrics
from streaming.live.origin import Origin
from tests.support.live_origin import RENDITIONS, encoded_live, send, split
from tests.support.sessions import START_UTC, book_one, make_town, state_of
from tests.support.wait import eventually


async def test_a_session_becomes_a_lesson_through_a_restart(store: LocalStore, pool: Pool) -> None:
    async with pool.connection() as connection:
        town = await make_town(connection)
    session = await book_one(pool, town)
    lessons: dict[str, str] = {}

    def clock() -> float:
        return START_UTC

    def origin() -> Origin:
        sessions, recordings = Sessions(pool, b"secret", clock), Recordings(pool, clock)
        metrics = LiveMetrics(CollectorRegistry())
        return Origin(sessions, recordings, store, metrics, lessons.__setitem__)

    source = await asyncio.to_thread(encoded_live, 24, 3.2)
    first, rest = split(source, 20.0)
    before = origin()
    feed = await before.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    await send(feed, first)
    await eventually(lambda: feed.recorder.waiting <= 1)
    await before.close()
    assert await state_of(pool, session) == "live"

    after = origin()
    feed = await after.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    assert feed.channel.tracks["360p"].next_number == 8
    assert len(feed.channel.tracks["360p"].segments) == 8
    await send(feed, (*source[: len(RENDITIONS)], *rest))
    await feed.end()
    await eventually(lambda: session in lessons)
    await after.close()
    assert await state_of(pool, session) == "recorded"
    presentation = await Presentations(pool).presentation(lessons[session])
    assert presentation is not None
    assert presentation.complete
    videos = [item for item in presentation.renditions if item.media is Media.VIDEO]
    assert [item.name for item in videos] == ["360p", "180p"]
    for rendition in presentation.renditions:
        segments = rendition.segments()
        assert len(segments) == 11
        assert all(a.start_ts + a.duration_ts == b.start_ts for a, b in pairwise(segments))
        seconds = sum(s.duration_ts for s in segments) / rendition.timescale
        assert seconds == pytest.approx(22, abs=1.3)
