"""Rooms behind boxes: in step with the city, and back in step when a line was cut.

    python -m loadtests.edge_rooms [--seconds 60] [--cuts 10,60] [--keep FOLDER]      as root

A room (Chromium, by WebSocket) stands in the city beside the service, one behind our box on a line
of 8 Mbit/s, one behind a box on 2.4; 40 ms round trip, 0.5 % loss. The lesson carries the time in
its pixels (`live_publisher`: 720p of 2 Mbit/s, announced as 4.5, with sound; the thin school has
360p). Skew is of shown frames at the same instants, as in `live_skew`. Then the line of 8 Mbit/s is
cut: how long after its return the room shows what the city shows, for a second; meanwhile six
pupils follow a stored lesson there that is in the box's cache. Goals: p95 one frame (34 ms as
stamps are read), back within 2 s, no stall.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from playwright.async_api import async_playwright

from loadtests.chromium import FLAGS
from loadtests.city import City, city, stamped_lesson, stored_lesson
from loadtests.edge_bench import Ground, Stand, stand
from loadtests.edge_origins import Tongbu
from loadtests.edge_peers import PEERS
from loadtests.edge_scenarios import Scenario
from loadtests.line import ROOT, Home
from loadtests.live_figures import FRAME_MS, back_in_step_ms, skews, stalls, target_ms
from loadtests.live_loss import far_chromium
from loadtests.live_session import Booked
from loadtests.live_spread import spread
from loadtests.live_watch import SMALL, Delivery, Viewer, now_ms, watch, watch_on
from loadtests.pupils import Class

RATES_BPS = (8_000_000, 2_400_000)
NAMES = ("8 Mbit/s", "2.4 Mbit/s")
WARM_UP_S, AFTER_S = 30.0, 20.0
PUPILS = 6
BEFORE_CUT_S = 5.0
IN_STEP_MS = 2 * FRAME_MS
GOAL_SKEW_MS, GOAL_BACK_MS = 34.0, 2000.0


@dataclass(frozen=True, slots=True)
class Rooms:
    """All that stands: the lesson, the schools, and the pages, the city's first."""

    session: Booked
    stored: str
    stands: Sequence[Stand]
    viewers: Sequence[Viewer]


def verdict(good: bool) -> str:
    """Say whether a goal is met."""
    return "met" if good else "MISSED"


def after(ms: float) -> str:
    """Write when something came."""
    return f"{ms / 1000:.1f} s" if math.isfinite(ms) else "not at all"


async def compare(rooms: Rooms, seconds: float) -> None:
    """Print how far the schools are from the city."""
    from_ms = now_ms()
    seen = await watch_on(rooms.viewers, seconds)
    to_ms = from_ms + 1000 * seconds
    print("| room | instants | skew to the city, ms p50 / p95 / max | stalls | D | p95 ≤ 1 frame |")
    print("|---|---|---|---|---|---|")
    for name, one in zip(NAMES, seen[1:], strict=True):
        apart = spread([abs(ms) for _, ms in skews(one, seen[0], from_ms, to_ms)])
        stood = stalls(one.between(from_ms, to_ms))
        print(f"| {name} | {apart.count} | {apart} | {stood} | {target_ms(one, to_ms):.0f} "
              f"| {verdict(apart.p95 <= GOAL_SKEW_MS)} |", flush=True)  # fmt: skip
    stood = stalls(seen[0].between(from_ms, to_ms))
    print(f"\nThe city's own room: {stood} stalls.\n")


async def cut(rooms: Rooms, seconds: float) -> None:
    """Cut the first school's line; print how it came back and what the pupils noticed."""
    school = rooms.stands[0]
    pupils = asyncio.create_task(follow(school, rooms.stored, seconds + 2 * BEFORE_CUT_S))
    await watch_on(rooms.viewers, BEFORE_CUT_S)
    await asyncio.to_thread(school.line.cut)
    await watch_on(rooms.viewers, seconds)
    await asyncio.to_thread(school.line.mend)
    since_ms = now_ms()
    seen = await watch_on(rooms.viewers, AFTER_S)
    moves_ms = min((s.at_ms for s in seen[1].shown if s.at_ms > since_ms), default=math.inf)
    apart = skews(seen[1], seen[0], since_ms, since_ms + 1000 * AFTER_S)
    back_ms = back_in_step_ms(apart, since_ms, IN_STEP_MS)
    reports = (await pupils)["reports"]
    stood = [one["stalled_s"] for one in reports if one["stalled_s"]]
    never = sum(one["join_s"] is None for one in reports)
    cells = (
        f"{seconds:.0f} s", after(moves_ms - since_ms), after(back_ms),
        verdict(back_ms <= GOAL_BACK_MS),
        f"{len(stood)} ({sum(stood):.1f} s), {never} never played",
        verdict(not stood and not never),
    )  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)


async def follow(school: Stand, lesson: str, seconds: float) -> Any:
    """Let pupils follow the stored lesson; give what they say."""
    url = f"http://{school.standing.address}/media/{lesson}/multivariant.m3u8"
    order = {"kind": "class", **asdict(Class([url], PUPILS, 2.0, seconds))}
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig", "KILL",
        *school.school.inside(sys.executable, "-m", "loadtests.pupils"), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
    )  # fmt: skip
    try:
        said, _ = await process.communicate(json.dumps(order).encode())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return json.loads(said)


def keep(school: Stand, lesson: str) -> None:
    """Let a player read all of a stored lesson, capped rungs too, so that the box has it."""
    url = f"http://{school.standing.address}/media/{lesson}/multivariant.m3u8?whole=1"
    program = imageio_ffmpeg.get_ffmpeg_exe()
    read = ("-nostdin", "-v", "error", "-i", url, "-map", "0", "-c", "copy", "-f", "null", "-")
    subprocess.run(school.school.inside(program, *read), check=True, stdin=subprocess.DEVNULL)


async def bench(
    found: City, session: Booked, stored: str, stands: Sequence[Stand], asked: argparse.Namespace
) -> None:
    """Open the rooms, compare, cut."""
    places = [(found.home, found.target)]
    places += [(one.school, one.standing.address) for one in stands]
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        viewers = []
        for number, (home, address) in enumerate(places):
            program = await asyncio.to_thread(_program, home, found.folder / f"room{number}")
            browser = await playwright.chromium.launch(
                executable_path=str(program), args=list(FLAGS)
            )
            stack.push_async_callback(browser.close)
            page = f"http://{address}/watch/{session.id}"
            viewers.append(await watch(browser, page, Delivery.WS, SMALL))
        rooms = Rooms(session, stored, stands, viewers)
        await watch_on(viewers, WARM_UP_S)
        await compare(rooms, asked.seconds)
        print("| line cut for | moves after | in step after | ≤ 2 s | pupils who stalled "
              "| 0 stalls |\n" + "|---" * 6 + "|")  # fmt: skip
        for seconds in (float(text) for text in asked.cuts.split(",") if text):
            await cut(rooms, seconds)


def _program(home: Home, folder: Path) -> Path:
    folder.mkdir()
    return far_chromium(home, folder)


def main(arguments: list[str]) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description="Rooms behind boxes: skew, and lines that are cut")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cuts", default="10,60", help="seconds, with commas between")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the boxes' logs and caches here")
    asked = parser.parse_args(arguments)
    asked.seed, asked.congestion = 1, None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with city() as found, ExitStack() as stack:
        origin = Tongbu(found)
        stored = stored_lesson(found)
        session = stack.enter_context(stamped_lesson(found))
        stands = []
        for number, rate_bps in enumerate(RATES_BPS):
            ground = Ground(f"room{number}", Scenario(rate_bps, 0, ()), origin, asked)
            stands.append(stack.enter_context(stand(PEERS["tongbu"], number + 1, ground)))
        keep(stands[0], stored)
        asyncio.run(bench(found, session, stored, stands, asked))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
