"""The live origin over the real catalogue: from a publisher's fragments to a lesson that plays."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.db.recordings import Recordings
from catalog.db.recordings_join import Joiner
from catalog.db.sessions_life import Sessions
from catalog.live import FeedName
from catalog.store.local import LocalStore
from streaming.live.metrics import LiveMetrics
from streaming.live.origin import Origin
from tests.integration.sessions.test_recordings_playback import packets
from tests.support.live_origin import RATE, RENDITIONS, encoded_live, send, split
from tests.support.screening import serving
from tests.support.sessions import START_UTC, Town, book_one, state_of
from tests.support.wait import eventually

DURATION_S = 8


def origin_on(pool: Pool, store: LocalStore, lessons: dict[str, str]) -> Origin:
    life = Sessions(pool, bytes(32), lambda: START_UTC)
    recordings = Recordings(pool, lambda: START_UTC)
    metrics = LiveMetrics(CollectorRegistry())
    return Origin(life, recordings, store, metrics, lessons.__setitem__)


async def state_is(pool: Pool, session: str, state: str) -> bool:
    return await state_of(pool, session) == state


@pytest.mark.parametrize("killed_at_s", [0.0, 5.0])
async def test_what_was_sent_live_is_a_lesson_that_plays(
    killed_at_s: float, pool: Pool, store: LocalStore, town: Town, tmp_path: Path
) -> None:
    session = await book_one(pool, town, visibility="public")
    pieces = await asyncio.to_thread(encoded_live, DURATION_S)
    first, rest = split(pieces, killed_at_s)
    lessons: dict[str, str] = {}
    if killed_at_s:
        killed = origin_on(pool, store, {})
        feed = await killed.open(session, FeedName.MAIN)
        await feed.begin(RENDITIONS)
        await send(feed, first)
        await eventually(partial(state_is, pool, session, "live"))
        await killed.close(grace_s=5.0)
    origin = origin_on(pool, store, lessons)
    feed = await origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    inits = tuple(piece for piece in pieces[: len(RENDITIONS)])
    await send(feed, (*inits, *rest) if killed_at_s else pieces)
    await eventually(partial(state_is, pool, session, "live"))
    await Sessions(pool, bytes(32), lambda: START_UTC).ended(session)
    await origin.end(session)
    await eventually(partial(state_is, pool, session, "recorded"))
    await eventually(lambda: session in lessons)
    await origin.close(grace_s=5.0)
    assert await Joiner(pool, store, tmp_path / "join").join_all() == 1
    async with serving(Presentations(pool), store) as served:
        counts = await packets(served.at(lessons[session], "multivariant.m3u8"))
    pictures = [count for count in counts if count <= DURATION_S * RATE]
    assert pictures[0] == pictures[1]
    assert pictures[0] >= (DURATION_S - 2) * RATE if killed_at_s else DURATION_S * RATE
