"""A feed on air whose publisher and clock are the test's: real media, a real encoder."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry

from streaming.live.port import Feed
from tests.support.children import FFMPEG
from tests.support.wait import eventually
from transcoder.live.admission import Admission
from transcoder.live.flv import FileReader, Tag
from transcoder.live.live_feed import LiveFeed, Publisher
from transcoder.live.metrics import LiveMetrics
from transcoder.live.settings import IngestSettings

UTC = 1_795_600_000.0
RATE = 25
BEHIND_S = 2.0


@cache
def taught(seconds: int, preset: str = "ultrafast") -> tuple[Tag, ...]:
    """Picture and sound of a publisher, a keyframe a second, in order of time. It blocks."""
    made = subprocess.run(
        [
            FFMPEG, "-v", "error", "-nostdin", "-f", "lavfi", "-i",
            f"testsrc2=size=640x360:rate={RATE}", "-f", "lavfi", "-i", "sine=sample_rate=48000",
            "-t", str(seconds), "-c:v", "libx264", "-preset", preset, "-tune", "zerolatency",
            "-g", str(RATE), "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv", "pipe:1",
        ],
        capture_output=True, check=True,
    )  # fmt: skip
    return tuple(item for item in FileReader().feed(made.stdout) if isinstance(item, Tag))


@dataclass(slots=True)
class Clock:
    """Wall time that the test moves, in seconds since UTC."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return UTC + self.now_s


@dataclass(slots=True)
class Desk:
    """What a test holds in hands."""

    live: LiveFeed
    clock: Clock
    registry: CollectorRegistry

    def figure(self, name: str, **labels: str) -> float:
        """A metric's value."""
        return self.registry.get_sample_value(name, labels) or 0.0

    async def publish(self, arrivals: Iterator[tuple[Tag, float]], publisher: Publisher) -> None:
        """Send tags at their moments; the encoder keeps up with them, whatever the clock says."""
        encoder, timeline = self.live._encoder, self.live.intake.timeline

        def is_close() -> bool:
            ends_s = [encoder.ends_s.get(name, 0.0) for name in ("360p", "180p", "aac")]
            return min(ends_s) > timeline.end_ms / 1000 - BEHIND_S

        begun = timeline.end_ms
        for number, (tag, at_s) in enumerate(arrivals):
            self.clock.now_s = at_s
            publisher.take(tag)
            if number % RATE == 0 and timeline.end_ms > begun:
                await eventually(is_close)


@asynccontextmanager
async def desk(feed: Feed, clock: Clock, away_s: float = 30.0) -> AsyncIterator[Desk]:
    """Put a feed on air; it ends with the block."""
    registry = CollectorRegistry()
    settings = IngestSettings(ffmpeg=Path(FFMPEG), away_s=away_s)
    live = LiveFeed(
        "a-session/main", feed, settings, Admission(8.0), LiveMetrics(registry), wall=clock
    )
    running = asyncio.create_task(live.run())
    try:
        yield Desk(live, clock, registry)
    finally:
        live.close()
        await running
