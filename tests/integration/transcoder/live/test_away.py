"""A publisher that stays away: a teacher whose computer starts anew comes back to the lesson."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC as ZULU
from datetime import datetime
from itertools import pairwise

import pytest
from aiohttp import ClientSession

from catalog.live import FeedName
from catalog.session import SessionState
from catalog.store.local import LocalStore
from tests.support.children import encoders_of
from tests.support.live_desk import UTC, Clock, desk, taught
from tests.support.live_feeds import KEY
from tests.support.live_origin import running
from tests.support.publishing import Studio, publisher, studio
from tests.support.rtmp import SESSION
from tests.support.wait import eventually
from transcoder.live.address import Address
from transcoder.live.errors import Refusal, Refused
from transcoder.live.feed_state import FeedState
from transcoder.live.flv import Tag

MAIN = Address(SESSION, FeedName.MAIN, KEY)
LESSON_S = 10
RESTART_S = 200.0  # more than a hole that is filled with gaps


@pytest.fixture(autouse=True)
def media() -> None:
    """Make it before a loop runs."""
    taught(LESSON_S)


async def rests(here: Studio, feed: FeedName = FeedName.MAIN) -> None:
    """Wait until a feed waits without an encoder."""
    live = here.ingest.find(SESSION, feed)
    assert live is not None
    await eventually(lambda: live.state is FeedState.RESTING)


async def test_a_publisher_that_stays_away_costs_nothing_and_may_return() -> None:
    async with studio(away_s=0.2) as here:
        async with publisher(here.url(SESSION)):
            feed = await here.feed()
            await feed.reaches(lambda: feed.end_s("aac") > 1.5)
            assert here.figure("tongbu_live_cores_taken") > 0
        await rests(here)
        assert here.figure("tongbu_live_cores_taken") == 0
        assert here.figure("tongbu_live_feeds", state="resting") == 1

        async def gone() -> bool:
            return not await encoders_of(os.getpid(), "pipe:0")

        await eventually(gone)
        assert feed.states == ["interrupted"]
        before = {name: len(feed.kept[name]) for name in feed.names()}
        async with publisher(here.url(SESSION)):
            await feed.grows(2)
            assert feed.states == ["interrupted", "resumed"]
        assert len(here.feeds.feeds) == 1
        assert here.figure("tongbu_ingest_reconnects_total") == 1
        assert here.figure("tongbu_live_encoder_restarts_total") == 0
        for name, count in before.items():
            # A last frame may have come after it was counted.
            since = pairwise(feed.kept[name][count - 1 :])
            assert any(later.start_s > one.end_s for one, later in since)
            assert len(feed.inits[name]) == 1, "nothing changed for a player"
            assert all(a.start_s < b.start_s for a, b in pairwise(feed.kept[name]))


async def test_a_feed_that_rests_ends_with_its_session() -> None:
    async with studio(away_s=0.1) as here:
        async with publisher(here.url(SESSION)):
            feed = await here.feed()
            await feed.reaches(lambda: feed.end_s("aac") > 0.5)
        await rests(here)
        assert here.ingest.sessions() == {SESSION}
        await here.ingest.end(SESSION)
        assert feed.states == ["interrupted", "ended"]
        assert here.ingest.sessions() == set()
        assert "has ended" in await here.refusal(here.url(SESSION))


async def test_who_tried_and_left_before_the_lesson_has_ended_nothing() -> None:
    async with studio(away_s=0.05) as here:
        (await here.ingest.admit(lambda: MAIN, "here")).leave()
        await rests(here)
        (await here.ingest.admit(lambda: MAIN, "here")).leave()
        await rests(here)
        feed = await here.feed()
        assert feed.states == []
        async with publisher(here.url(SESSION)):
            await feed.grows(0.5)
            await feed.reaches(lambda: feed.end_s("180p") > 0.5)


async def test_the_floor_does_not_wait_for_who_has_left_it() -> None:
    floor = Address(SESSION, FeedName.FLOOR, KEY)
    async with studio(away_s=0.05) as here:
        (await here.ingest.admit(lambda: floor, "here")).leave()
        feed = await here.feed()
        await feed.reaches(lambda: feed.states == ["ended"])
        assert here.ingest.find(SESSION, FeedName.FLOOR) is None


async def test_whose_place_was_taken_meanwhile_is_told_so_at_the_door() -> None:
    second = Address(SESSION, FeedName.SECOND, KEY)
    async with studio(away_s=0.05, encode_cores=0.03) as here:
        (await here.ingest.admit(lambda: MAIN, "here")).leave()
        await rests(here)
        async with publisher(here.url(SESSION, feed="second")):
            await eventually(lambda: here.figure("tongbu_live_cores_taken") > 0)
            with pytest.raises(Refused, match="no further session") as refused:
                await here.ingest.admit(lambda: MAIN, "here")
            assert refused.value.why is Refusal.CAPACITY
        await rests(here, second.feed)
        (await here.ingest.admit(lambda: MAIN, "here")).leave()


def taught_again(at_s: float) -> Iterator[tuple[Tag, float]]:
    """Give the lesson's tags as they come from a moment on; stamps begin at 0 each time."""
    return ((tag, at_s + tag.time_ms / 1000) for tag in taught(LESSON_S))


def program_utcs(playlist: str) -> list[float]:
    """Give the program date times of a playlist."""
    lines = [line for line in playlist.splitlines() if line.startswith("#EXT-X-PROGRAM-DATE")]
    return [
        datetime.fromisoformat(line.partition(":")[2].replace("Z", "+00:00"))
        .astimezone(ZULU)
        .timestamp()
        for line in lines
    ]


async def test_a_lesson_goes_on_after_minutes_and_is_one_recording(store: LocalStore) -> None:
    clock = Clock()
    async with running(store, clock_utc=clock) as origin:
        session = origin.sessions.add()

        async def text(name: str) -> str:
            async with (
                ClientSession() as client,
                client.get(origin.at(session, f"{name}.m3u8")) as answer,
            ):
                return await answer.text()

        def state() -> SessionState:
            return origin.sessions.sessions[session].state

        feed = await origin.origin.open(session, FeedName.MAIN)
        async with desk(feed, clock, away_s=0.05) as here:
            first = here.live.join()
            await here.publish(taught_again(0.0), first)
            first.leave()
            await eventually(lambda: here.live.state is FeedState.RESTING)
            assert feed.channel.state.value == "reconnecting"
            assert state() is SessionState.LIVE
            assert "#EXT-X-ENDLIST" not in await text("360p")
            await here.publish(taught_again(RESTART_S), here.live.join())
            await eventually(lambda: feed.channel.state.value == "live")
            assert state() is SessionState.LIVE
        for name in ("360p", "180p", "aac"):
            found = await text(name)
            assert found.count("#EXT-X-DISCONTINUITY\n") == 1, found
            assert "#EXT-X-GAP" not in found
            moments = program_utcs(found)
            assert moments[0] == pytest.approx(UTC, abs=0.6)
            assert max(b - a for a, b in pairwise(moments)) > RESTART_S - LESSON_S - 1
        await eventually(lambda: session in origin.lessons)
        assert state() is SessionState.RECORDED
        for name in ("360p", "180p", "aac"):
            kept = origin.recordings.rendition(session, name)
            end_s = sum(sum(item.durations_ts) for item in kept.objects) / kept.timescale
            assert end_s == pytest.approx(2 * LESSON_S, abs=1.0), "without the time away"
