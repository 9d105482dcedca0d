"""What viewers saw of trouble: publisher away, ffmpeg killed, origin killed, everybody joins.

    python -m loadtests.live_trouble [--settle 15] [--only away,ffmpeg,origin,joins]

One lesson, one page by WebSocket and one by LL-HLS that stay open over everything: the publisher
is away for 10 s; the feed's ffmpeg is killed; 200 viewers join within a second; the origin is
killed with -9 and started again on the same data (a recording host tries again each second). For
each page: the longest time without a new frame, what of the lesson it never showed (what nobody
sent does not count), and how long after the trouble it was back by itself. For the lesson: whether
segments count on, and at the end whether the recording is whole.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from loadtests.chromium import chromiums
from loadtests.client import Client, Refused, signed_in
from loadtests.live_cpu import children_of
from loadtests.live_figures import FRAME_MS, gaps
from loadtests.live_numbers import Numbers, numbers_of
from loadtests.live_peers import free_port
from loadtests.live_publisher import ROOT, start, stop
from loadtests.live_session import (
    Booked,
    book,
    media_playlist,
    recording,
    school_with_classroom,
    until_state,
)
from loadtests.live_watch import Delivery, Seen, Viewer, now_ms, watch
from loadtests.service import ADMIN_PASSWORD, end, wait_for_address
from loadtests.service import start as start_service

AWAY_S = 10.0
JOINS, JOINS_SECONDS = 200, 5.0
RETRY_S = 1.0
BACK_LIMIT_S = 60.0
BEGIN_S = 10.0
PLAYING_WITHIN_MS = 1000.0
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What was done: when it began and ended, and when nobody sent."""

    name: str
    began_ms: float
    ended_ms: float
    unsent: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Suffered:
    """What one page showed of it."""

    longest_ms: float
    lost_s: float
    back_s: float

    def __str__(self) -> str:
        back = f"{self.back_s:.1f} s" if math.isfinite(self.back_s) else "NOT BACK"
        return f"{self.longest_ms / 1000:.1f} s | {self.lost_s:.1f} s | {back}"


def suffered(seen: Seen, trouble: Trouble, until_ms: float) -> Suffered:
    """Judge what a page showed from the trouble's beginning to the end of the watch."""
    window = seen.between(trouble.began_ms - 1000, until_ms)
    shown = window.shown
    if not shown:
        return Suffered(until_ms - trouble.began_ms, math.inf, math.inf)
    longest = max(gaps(window, 0), key=lambda gap: gap[1] - gap[0], default=(0.0, 0.0))
    stamps = sorted({one.stamp_ms for one in shown})
    lost_ms = sum(
        max(0.0, b - a - FRAME_MS - _within(trouble.unsent, a, b))
        for a, b in itertools.pairwise(stamps)
        if b - a > 1.5 * FRAME_MS
    )
    plays = until_ms - shown[-1].at_ms < PLAYING_WITHIN_MS
    silent = [b for a, b in gaps(window) if b > trouble.began_ms]
    back_ms = max(0.0, max(silent, default=0.0) - trouble.ended_ms) if plays else math.inf
    return Suffered(longest[1] - longest[0], lost_ms / 1000, back_ms / 1000)


def _within(spans: Sequence[Span], from_ms: float, to_ms: float) -> float:
    return sum(max(0.0, min(b, to_ms) - max(a, from_ms)) for a, b in spans)


@dataclass
class Stage:
    """Everything that can be broken, and that is put together again."""

    data: Path
    port: int = field(default_factory=free_port)
    rtmp_port: int = field(default_factory=free_port)
    service: subprocess.Popen[str] | None = None
    publisher: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where the service is, before and after it was killed."""
        return f"http://127.0.0.1:{self.port}"

    def serve(self) -> None:
        """Start the service; block until it listens."""
        extra = {"TONGBU_LIVE_RTMP": f"127.0.0.1:{self.rtmp_port}"}
        self.service, log = start_service(
            self.data, "--listen", f"127.0.0.1:{self.port}", extra=extra
        )
        wait_for_address(self.service, log)

    def publish(self, url: str) -> float:
        """Start the publisher; give when its first frame was made."""
        self.publisher = start([url])
        return now_ms()

    def close(self) -> None:
        """Leave nothing running."""
        if self.publisher:
            stop(self.publisher)
        if self.service:
            end(self.service)


class Watch:
    """Two pages on one lesson, and the lesson's playlist."""

    def __init__(self, stage: Stage, client: Client, session: Booked, viewers: list[Viewer]):
        self.stage = stage
        self.client = client
        self.session = session
        self.viewers = viewers

    async def numbers(self) -> Numbers:
        """Read the playlist as it is."""
        url = media_playlist(self.session.hls, "720p")
        async with self.client.http.get(url) as answer:
            if answer.status != 200:
                raise Refused(f"the playlist: {answer.status} {await answer.text()}")
            return numbers_of(await answer.text())

    async def keep_publishing(self) -> float:
        """Try to publish each second, as a recording host does; give when it went on."""
        give_up_at = time.monotonic() + BACK_LIMIT_S
        while time.monotonic() < give_up_at:
            began_ms = await asyncio.to_thread(self.stage.publish, self.session.rtmp)
            publisher = self.stage.publisher
            assert publisher is not None
            await asyncio.sleep(RETRY_S)
            if publisher.poll() is None:
                return began_ms
            stop(publisher)
        raise Refused("the publisher was not let in again")


async def away(watch: Watch) -> Trouble:
    """Let the publisher drop and come back."""
    publisher = watch.stage.publisher
    assert publisher is not None
    began_ms = now_ms()
    await asyncio.to_thread(stop, publisher)
    await asyncio.sleep(AWAY_S - (now_ms() - began_ms) / 1000)
    back_ms = await watch.keep_publishing()
    return Trouble("publisher away for 10 s", began_ms, back_ms, ((began_ms, back_ms),))


async def ffmpeg(watch: Watch) -> Trouble:
    """Kill the feed's ffmpeg."""
    service = watch.stage.service
    assert service is not None
    found = [pid for pid, said in children_of(service.pid).items() if "-f flv" in said]
    if not found:
        raise SystemExit("the service has no ffmpeg that reads FLV")
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return Trouble("ffmpeg of the feed killed", now_ms(), now_ms())


async def origin(watch: Watch) -> Trouble:
    """Kill the service with -9 and start it again."""
    service, publisher = watch.stage.service, watch.stage.publisher
    assert service is not None
    assert publisher is not None
    began_ms = now_ms()
    service.kill()
    await asyncio.to_thread(service.wait)
    if service.stdout:
        service.stdout.close()
    await asyncio.to_thread(watch.stage.serve)
    await asyncio.to_thread(stop, publisher)
    back_ms = await watch.keep_publishing()
    return Trouble("origin killed with -9, started again", began_ms, back_ms,
                   ((began_ms, back_ms),))  # fmt: skip


async def joins(watch: Watch) -> Trouble:
    """Let 200 viewers join within a second."""
    began_ms = now_ms()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.live_viewers", "ws", str(JOINS), str(JOINS_SECONDS),
        "--join-s", "1", cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(BACK_LIMIT_S):
            await process.communicate(watch.session.stream.encode())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    name = f"{JOINS} viewers joined in one second"
    return Trouble(name if process.returncode == 0 else f"{name}: NOT ALL", began_ms, now_ms())


TROUBLES: dict[str, Callable[[Watch], Awaitable[Trouble]]] = {
    "away": away, "ffmpeg": ffmpeg, "joins": joins, "origin": origin,
}  # fmt: skip


async def suffer(watch: Watch, name: str, settle_s: float) -> list[str]:
    """Make one trouble, watch for a while, give lines of the table."""
    before = await watch.numbers()
    for viewer in watch.viewers:
        await viewer.take()
    trouble = await TROUBLES[name](watch)
    await asyncio.sleep(settle_s)
    until_ms = now_ms()
    after = await watch.numbers()
    lines = []
    for viewer in watch.viewers:
        found = suffered(await viewer.take(), trouble, until_ms)
        lines.append(
            f"| {trouble.name} | {viewer.delivery.value} | {found} | {after.since(before)} |"
        )
    return lines


async def bench(stage: Stage, names: Sequence[str], settle_s: float) -> list[str]:
    """Put everything up, break it, put it together; give the report's lines."""
    lines = []
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(signed_in(stage.url, "admin", ADMIN_PASSWORD))
        session = await book(client, await school_with_classroom(client), "一堂多事的课")
        began_ms = await asyncio.to_thread(stage.publish, session.rtmp)
        await until_state(client, session.id, "live")
        browsers = await stack.enter_async_context(chromiums(2))
        viewers = [
            await watch(browser, session.page, delivery)
            for browser, delivery in zip(browsers, Delivery, strict=True)
        ]
        found = Watch(stage, client, session, viewers)
        await asyncio.sleep(BEGIN_S)
        for name in names:
            try:
                lines += await suffer(found, name, settle_s)
            except (Refused, TimeoutError, aiohttp.ClientError) as error:
                lines.append(f"| {name} | both | failed: {error} | | | |")
        whole = await found.numbers()
        lesson = await recording(client, session.id)
        lines.append("")
        lines.append(
            f"Recording: {lesson['duration_s']:.1f} s, of {whole.media_s:.1f} s in whole segments "
            f"at its end and {(now_ms() - began_ms) / 1000:.1f} s on the clock; "
            f"{whole.hole_s:.1f} s in no segment."
        )
    return lines


def main(arguments: list[str]) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description="What viewers saw of trouble")
    parser.add_argument("--settle", type=float, default=15.0, help="seconds after each trouble")
    parser.add_argument("--only", default=",".join(TROUBLES), help="which, with commas between")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tongbu-trouble-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        stage = Stage(Path(home) / "data")
        try:
            stage.serve()
            lines = asyncio.run(bench(stage, asked.only.split(","), asked.settle))
        finally:
            stage.close()
    print("| trouble | delivery | longest gap | lost | back after | segments |")
    print("|---|---|---|---|---|---|")
    print("\n".join(lines))
    return int(any("NOT" in line or "BROKEN" in line or "failed" in line for line in lines))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
