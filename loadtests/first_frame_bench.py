"""Time from the last uploaded byte to the first frame on screen in Chromium, on the real service.

    python -m loadtests.first_frame_bench            5 minutes and 45 minutes of 720p slides
    python -m loadtests.first_frame_bench 300 60     other lengths in seconds

Starts `tongbu serve` in a fresh directory, uploads over tus, and opens the lesson's page the moment
the last byte is acknowledged; the page itself waits for the first segment. Goals: 10 s for five
minutes of 720p, 3 % of the duration for 45 minutes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

from loadtests.chromium import chromium
from loadtests.client import signed_in
from loadtests.lectures import Lecture, describe, make
from loadtests.service import ADMIN_PASSWORD, running

WATCH_LIMIT_S = 300.0
FIRST_FRAME = """() => new Promise(done => {
  const look = () => {
    const video = document.querySelector('video');
    if (video && video.readyState >= 2 && video.videoWidth) {
      video.muted = true;
      video.play();
      video.requestVideoFrameCallback(() => done(performance.timeOrigin + performance.now()));
    } else setTimeout(look, 20);
  };
  look();
})"""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured lesson; seconds since the last byte was acknowledged."""

    duration_s: int
    playable_s: float
    first_frame_s: float
    ready_s: float

    def markdown(self) -> str:
        """One line of the table."""
        share = 100 * self.first_frame_s / self.duration_s
        length = f"{self.duration_s / 60:.0f} min | {self.playable_s:.1f} s"
        return f"| {length} | {self.first_frame_s:.1f} s | {share:.1f} % | {self.ready_s:.0f} s |"


async def measure(url: str, page: Page, video: Path, duration_s: int) -> Row:
    """Upload one lecture and watch it as soon as that is possible."""
    async with signed_in(url, "admin", ADMIN_PASSWORD) as client:
        lesson = await client.upload(video, {"title": f"勾股定理 {duration_s} 秒"})
        acknowledged_at, wall = time.monotonic(), time.time()
        await client.until(lesson, "playable", "ready", limit_s=WATCH_LIMIT_S)
        playable_s = time.monotonic() - acknowledged_at
        await page.goto(f"{url}/lessons/{lesson}")
        shown_at_ms = await page.evaluate(FIRST_FRAME)
        await client.until(lesson, "ready", limit_s=duration_s * 3)
        return Row(duration_s, playable_s, shown_at_ms / 1e3 - wall,
                   time.monotonic() - acknowledged_at)  # fmt: skip


async def bench(url: str, videos: dict[int, Path]) -> list[Row]:
    """Measure every video in one browser."""
    async with chromium() as browser:
        page = await browser.new_page()
        page.set_default_timeout(WATCH_LIMIT_S * 1e3)
        return [await measure(url, page, video, seconds) for seconds, video in videos.items()]


def main(arguments: list[str]) -> None:
    """Make the lectures, start the service, print a table."""
    lengths = [int(text) for text in arguments] or [300, 2700]
    with tempfile.TemporaryDirectory(prefix="tongbu-bench-") as folder:
        videos = {
            seconds: make(
                Lecture("slides", seconds, 1280, 720, 25), Path(folder) / f"{seconds}.mp4"
            )
            for seconds in lengths
        }
        with running() as service:
            rows = asyncio.run(bench(service.url, videos))
    print(f"Slides 1280x720 at 25 fps: {describe()}\n")
    print("| lesson | playable | first frame | of the duration | ready |")
    print("|---|---|---|---|---|")
    for row in rows:
        print(row.markdown())


if __name__ == "__main__":
    main(sys.argv[1:])
