"""One feed from inside: takeovers, changes in mid-lesson, a machine that fills up, its figures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.live_desk import RATE, UTC, Clock, Desk, desk, taught
from tests.support.live_feeds import KeptFeed
from tests.support.live_tags import SOUND_HEADER, VIDEO_HEADER, stream
from transcoder.live.admission import Admission
from transcoder.live.errors import BadContribution, Refusal, Refused
from transcoder.live.feed_state import FeedState
from transcoder.live.flv import Hints, Tag
from transcoder.live.live_feed import Publisher

LESSON_S = 6
OTHER_PRESET = "veryfast"  # another profile: other parameter sets


@pytest.fixture(autouse=True)
def media() -> None:
    """Make it before a loop runs."""
    taught(LESSON_S)
    taught(LESSON_S, OTHER_PRESET)


def on_time(from_s: float, tags: Iterator[Tag] | None = None) -> Iterator[tuple[Tag, float]]:
    """Give tags with the moments at which they come."""
    return ((tag, from_s + tag.time_ms / 1000) for tag in tags or iter(taught(LESSON_S)))


def fill(here: Desk) -> Admission:
    """Let others have all of the machine; what the feed has it keeps."""
    admission = here.live._admission
    admission.reserve("others", admission.free_cores)
    return admission


async def test_another_publisher_takes_over_in_one_timeline() -> None:
    feed, clock = KeptFeed(UTC), Clock()
    async with desk(feed, clock) as here:
        first = here.live.join()
        await here.publish(on_time(0.0), first)
        here.live.replace()
        assert "taken over" in await first.ended
        second = here.live.join()
        await here.publish(on_time(LESSON_S + 0.5), second)
        first.leave()
        assert here.live.publisher is second, "who was replaced changes nothing"
        assert here.live.state is FeedState.PUBLISHING
        first.take(VIDEO_HEADER)
        first.hint(Hints(16, 16, 1.0))
    for name, kept in feed.kept.items():
        starts = [one.start_s for one in kept]
        assert starts == sorted(set(starts)), name
        assert kept[-1].end_s == pytest.approx(2 * LESSON_S + 0.5, abs=0.2)
    assert len(feed.begun) == 1, "the same encoder goes on"


async def test_a_machine_that_is_full_turns_a_new_publisher_out_and_the_feed_waits() -> None:
    feed = KeptFeed(UTC)
    async with desk(feed, Clock()) as here:
        admission = fill(here)
        publisher = here.live.join()
        with pytest.raises(Refused) as refused:
            await here.publish(on_time(0.0), publisher)
        assert refused.value.why is Refusal.CAPACITY
        assert "machine is busy" in await publisher.ended
        assert here.live.state is FeedState.AWAY
        admission.release("others")
        await here.publish(on_time(10.0), here.live.join())
        assert feed.names() == ["360p", "180p", "aac"]


def pour(publisher: Publisher, clock: Clock, tags: Iterator[Tag]) -> None:
    """Send tags at an even pace."""
    for tag in tags:
        clock.now_s += 0.02
        publisher.take(tag)


async def test_what_cannot_be_shown_is_refused_in_a_sentence() -> None:
    feed, clock = KeptFeed(UTC), Clock()
    async with desk(feed, clock) as here:
        never = (replace(tag, data=b"\x27" + tag.data[1:]) if tag.data[:2] == b"\x17\1" else tag
                 for tag in stream(60))  # fmt: skip
        with pytest.raises(BadContribution, match="keyframe every 2 s"):
            pour(here.live.join(), clock, never)
        assert feed.begun == []


async def test_a_picture_that_changes_in_mid_lesson_begins_another_encoder() -> None:
    feed, clock = KeptFeed(UTC), Clock()
    later_ms = LESSON_S * 1000
    changed = [replace(t, time_ms=t.time_ms + later_ms) for t in taught(LESSON_S, OTHER_PRESET)]
    async with desk(feed, clock) as here:
        publisher = here.live.join()
        await here.publish(on_time(0.0), publisher)
        await here.publish(on_time(0.0, iter(changed)), publisher)
        assert len(feed.begun) == 2
        assert here.live.state is FeedState.PUBLISHING
    assert here.figure("tongbu_live_encoder_restarts_total") == 0
    assert [len(feed.inits[name]) for name in ("360p", "aac")] == [2, 1], "only what changed"
    starts = [one.start_s for one in feed.kept["360p"]]
    assert starts == sorted(set(starts))
    assert feed.end_s("360p") == pytest.approx(2 * LESSON_S, abs=0.1)


async def test_figures_are_those_of_the_last_second() -> None:
    feed = KeptFeed(UTC)
    async with desk(feed, Clock()) as here:
        publisher = here.live.join()
        assert publisher.figures.fps == 0
        await here.publish(on_time(0.0), publisher)
        await feed.reaches(lambda: publisher.figures.fps > 0)
        assert publisher.figures.video_bps > 0
        assert publisher.figures.audio_bps > 0
        assert publisher.figures.dropped == 0
        assert here.figure("tongbu_ingest_frames_total") >= publisher.figures.fps
        await feed.reaches(lambda: publisher.figures.fps == 0)
    assert 0 < here.figure("tongbu_ingest_frames_total") <= LESSON_S * RATE


async def test_an_end_is_told_to_the_publisher_and_gives_all_back() -> None:
    feed = KeptFeed(UTC)
    async with desk(feed, Clock()) as here:
        publisher = here.live.join()
        await here.publish(on_time(0.0), publisher)
        admission = here.live._admission
        assert admission.taken_cores > 0
        here.live.close()
        async with asyncio.timeout(20):
            assert "has ended" in await publisher.ended
        publisher.take(SOUND_HEADER)
        publisher.leave()
        assert here.live.state is FeedState.ENDED
        assert admission.taken_cores == 0
        assert feed.states == ["ended"]
    assert feed.end_s("360p") == pytest.approx(LESSON_S, abs=0.1), "to the last picture"


class BrokenFeed(KeptFeed):
    """An origin that refuses what it is given."""

    async def take(self, rendition: str, item: object) -> None:
        raise self.error

    error: Exception = RuntimeError("a mistake of ours")


async def test_a_mistake_of_ours_costs_the_publisher_its_place_not_the_lesson() -> None:
    feed = BrokenFeed(UTC)
    async with desk(feed, Clock()) as here:
        publisher = here.live.join()
        for tag, at_s in on_time(0.0):
            here.clock.now_s = at_s
            publisher.take(tag)
        assert "mistake" in await publisher.ended
        assert here.live.state is FeedState.AWAY
    assert feed.states == ["interrupted", "ended"]
