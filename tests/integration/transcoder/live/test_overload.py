"""A machine that was busy when a publisher came: real media, a real encoder, a scripted clock."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.support.children import FFMPEG
from tests.support.live_feeds import KeptFeed
from transcoder.live.admission import Admission
from transcoder.live.feed_state import FeedState
from transcoder.live.flv import FileReader, Tag
from transcoder.live.live_feed import LiveFeed, Publisher
from transcoder.live.metrics import LiveMetrics
from transcoder.live.settings import IngestSettings

UTC = 1_795_600_000.0
LESSON_S = 20
BUSY_S = 4.0
LATE_S = 3.0
FRAME_S = 1 / 25


@cache
def lesson() -> tuple[Tag, ...]:
    """Picture and sound of a publisher, a keyframe a second, in order of time."""
    made = subprocess.run(
        [
            FFMPEG, "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25",
            "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", str(LESSON_S), "-c:v", "libx264",
            "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p",
            "-c:a", "aac", "-f", "flv", "pipe:1",
        ],
        capture_output=True, check=True,
    )  # fmt: skip
    return tuple(item for item in FileReader().feed(made.stdout) if isinstance(item, Tag))


@dataclass(slots=True)
class Desk:
    """A feed on air whose clock the test moves."""

    live: LiveFeed
    feed: KeptFeed
    registry: CollectorRegistry
    publisher: Publisher
    now_s: float = 0.0

    def arrivals(self, late_s: float) -> Iterator[tuple[Tag, float]]:
        """The lesson's tags with the moment at which each is read."""
        for tag in lesson():
            media_s = tag.time_ms / 1000
            yield tag, max(media_s, BUSY_S) if media_s >= BUSY_S - late_s else media_s + late_s

    async def publish(self, late_s: float) -> None:
        """Send the lesson; the encoder keeps up with it, whatever the clock says."""
        for number, (tag, at_s) in enumerate(self.arrivals(late_s)):
            self.now_s = at_s
            self.publisher.take(tag)
            if number % 25 == 0 and self.live.intake.timeline.end_ms > 2_000:
                await self.feed.reaches(self.is_close)

    def is_close(self) -> bool:
        """Tell whether the encoder has not much left."""
        placed_s = self.live.intake.timeline.end_ms / 1000
        return all(self.feed.end_s(name) > placed_s - 2 for name in self.feed.names() or ["?"])


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """Open a feed that ends with the block."""
    feed, registry = KeptFeed(UTC), CollectorRegistry()
    settings = IngestSettings(ffmpeg=Path(FFMPEG))
    found: list[Desk] = []
    live = LiveFeed(
        "overload/main", feed, settings, Admission(8.0), LiveMetrics(registry),
        wall=lambda: UTC + (found[0].now_s if found else 0.0),
    )  # fmt: skip
    running = asyncio.create_task(live.run())
    found.append(Desk(live, feed, registry, live.join()))
    yield found[0]
    live.close()
    await running


@pytest.fixture(autouse=True)
def media() -> None:
    """Make it before a loop runs: it blocks."""
    lesson()


async def test_times_are_true_again_when_a_busy_machine_has_caught_up() -> None:
    async with desk() as here:
        await here.publish(LATE_S)
        await here.feed.reaches(lambda: here.feed.retimings > 0)
        assert here.live.intake.timeline.steps == 1
        assert here.live.state is FeedState.PUBLISHING
    restarts = here.registry.get_sample_value("tongbu_live_encoder_restarts_total")
    assert restarts == 0, "the encoder goes over the step"
    for name, kept in here.feed.kept.items():
        starts = [one.start_s for one in kept]
        assert starts == sorted(set(starts)), name
        assert abs(kept[-1].end_s - LESSON_S) < 2 * FRAME_S, "as far as the clock, no further"
    assert here.feed.keyframes_s("360p") == here.feed.keyframes_s("180p")


async def test_times_are_true_from_the_start_when_nothing_was_late() -> None:
    async with desk() as here:
        await here.publish(0.0)
    assert here.live.intake.timeline.steps == here.live.intake.tally.overlaps == 0
    assert len(here.feed.kept["360p"]) == LESSON_S * 25
