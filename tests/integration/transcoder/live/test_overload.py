"""A machine that was busy when a publisher came: real media, a real encoder, a scripted clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.live_desk import RATE, UTC, Clock, desk, taught
from tests.support.live_feeds import KeptFeed
from transcoder.live.feed_state import FeedState
from transcoder.live.flv import Tag

LESSON_S = 20
BUSY_S = 4.0
LATE_S = 3.0


@pytest.fixture(autouse=True)
def media() -> None:
    """Make it before a loop runs."""
    taught(LESSON_S)


def arrivals(late_s: float) -> Iterator[tuple[Tag, float]]:
    """Give the lesson's tags with the moment at which each is read."""
    for tag in taught(LESSON_S):
        media_s = tag.time_ms / 1000
        yield tag, max(media_s, BUSY_S) if media_s >= BUSY_S - late_s else media_s + late_s


async def test_times_are_true_again_when_a_busy_machine_has_caught_up() -> None:
    feed = KeptFeed(UTC)
    async with desk(feed, Clock()) as here:
        await here.publish(arrivals(LATE_S), here.live.join())
        await feed.reaches(lambda: feed.retimings > 0)
        assert here.live.intake.timeline.steps == 1
        assert here.live.state is FeedState.PUBLISHING
    restarts = here.figure("tongbu_live_encoder_restarts_total")
    assert restarts == 0, "the encoder goes over the step"
    for name, kept in feed.kept.items():
        starts = [one.start_s for one in kept]
        assert starts == sorted(set(starts)), name
        assert abs(kept[-1].end_s - LESSON_S) < 2 / RATE, "as far as the clock, no further"
    assert feed.keyframes_s("360p") == feed.keyframes_s("180p")


async def test_times_are_true_from_the_start_when_nothing_was_late() -> None:
    feed = KeptFeed(UTC)
    async with desk(feed, Clock()) as here:
        await here.publish(arrivals(0.0), here.live.join())
    assert here.live.intake.timeline.steps == here.live.intake.tally.overlaps == 0
    assert len(feed.kept["360p"]) == LESSON_S * RATE
