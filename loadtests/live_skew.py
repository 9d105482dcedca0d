"""The same instant everywhere: four browsers on one lesson, two on each delivery.

    python -m loadtests.live_skew [--seconds 60] [--judge]

What the four show is compared at the same instants of the wall clock, each 100 ms, by the stamps
in the pixels. Then the first by WebSocket, and after that the first by LL-HLS, is cut off for 5 s
(its line carries nothing) and the time is taken until it is within two frames of another one for a
second. Goals: p95 one frame, at most 100 ms, back within 3 s. Resolution: frames are 33.3 ms apart
and stamps whole milliseconds, so the frame next to another reads as 33 or 34 ms: 34 is one frame.
What a browser puts on its screen within one refresh (16.7 ms) of the instant can count for either.
The windows are 640x480: at 1280x800 four browsers without a graphics card take all of two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from loadtests.chromium import chromiums
from loadtests.live_figures import FRAME_MS, back_in_step_ms, skews, target_ms
from loadtests.live_publisher import publishing
from loadtests.live_session import booked, until_state
from loadtests.live_spread import Spread, spread
from loadtests.live_watch import SMALL, Delivery, Seen, Viewer, now_ms, watch, watch_on
from loadtests.service import Service, running
from loadtests.thin_line import Line, line

ONE_FRAME_MS, MOST_MS, BACK_MS = 34.0, 100.0, 3000.0
IN_STEP_MS = 2 * FRAME_MS
WARM_UP_S = 30.0
CUT_S = 5.0
AFTER_CUT_S = 15.0
ORDER = (Delivery.WS, Delivery.WS, Delivery.HLS, Delivery.HLS)
NAMES = ("WebSocket 1", "WebSocket 2", "LL-HLS 1", "LL-HLS 2")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pages and how far apart they were."""

    names: tuple[str, str]
    skew: Spread

    @property
    def good(self) -> bool:
        """Tell whether the goals are met."""
        return self.skew.p95 <= ONE_FRAME_MS and self.skew.most <= MOST_MS


@dataclass(frozen=True, slots=True)
class Cut:
    """A page that was cut off, and how long it took to be back in step with each other page."""

    name: str
    back_ms: float

    @property
    def good(self) -> bool:
        """Tell whether the goal is met."""
        return self.back_ms <= BACK_MS


@dataclass(frozen=True, slots=True)
class Found:
    """All of it."""

    pairs: tuple[Pair, ...]
    cuts: tuple[Cut, ...]
    target_ms: float

    @property
    def good(self) -> bool:
        """Tell whether all goals are met."""
        return all(one.good for one in self.pairs) and all(one.good for one in self.cuts)


def pairs_of(seen: Sequence[Seen], from_ms: float, to_ms: float) -> tuple[Pair, ...]:
    """Compare every page with every other."""
    made = []
    for (name, a), (other, b) in itertools.combinations(zip(NAMES, seen, strict=True), 2):
        apart = [abs(ms) for _, ms in skews(a, b, from_ms, to_ms)]
        made.append(Pair((name, other), spread(apart)))
    return tuple(made)


async def cut_off(viewers: Sequence[Viewer], which: int, wire: Line) -> Cut:
    """Cut one page off for 5 s and see when it is back in step with its twin of the delivery."""
    wire.cut()
    await asyncio.sleep(CUT_S)
    wire.mend()
    since_ms = now_ms()
    seen = await watch_on(viewers, AFTER_CUT_S)
    twin = which + 1
    apart = skews(seen[which], seen[twin], since_ms, since_ms + AFTER_CUT_S * 1000)
    return Cut(NAMES[which], back_in_step_ms(apart, since_ms, IN_STEP_MS))


async def bench(service: Service, warm_up_s: float, seconds: float) -> Found:
    """Open the four pages, compare, cut."""
    async with AsyncExitStack() as stack:
        client, session = await stack.enter_async_context(booked(service, "同一时刻"))
        stack.enter_context(publishing(session.rtmp))
        await until_state(client, session.id, "live")
        lines = [await stack.enter_async_context(line(service.url)) for _ in ORDER]
        browsers = await stack.enter_async_context(chromiums(len(ORDER)))
        viewers = [
            await watch(browser, wire.through(session.page), delivery, SMALL)
            for browser, wire, delivery in zip(browsers, lines, ORDER, strict=True)
        ]
        await watch_on(viewers, warm_up_s)
        from_ms = now_ms()
        seen = await watch_on(viewers, seconds)
        pairs = pairs_of(seen, from_ms, from_ms + seconds * 1000)
        held_ms = target_ms(seen[0], now_ms())
        cuts = [await cut_off(viewers, which, lines[which]) for which in (0, 2)]
    return Found(pairs, tuple(cuts), held_ms)


def show(found: Found) -> None:
    """Print both tables."""
    print(f"Skew in ms as p50 / p95 / max; D was {found.target_ms:.0f} ms.\n")
    print("| pages | instants | skew of shown frames | p95 one frame, max ≤ 100 |")
    print("|---|---|---|---|")
    for pair in found.pairs:
        met = "met" if pair.good else "MISSED"
        print(f"| {' and '.join(pair.names)} | {pair.skew.count} | {pair.skew} | {met} |")
    print(f"\n| cut off for {CUT_S:.0f} s | back in step after | ≤ 3 s |\n|---|---|---|")
    for cut in found.cuts:
        after = f"{cut.back_ms / 1000:.1f} s" if math.isfinite(cut.back_ms) else "not at all"
        print(f"| {cut.name} | {after} | {'met' if cut.good else 'MISSED'} |")


def main(arguments: list[str]) -> int:
    """Start the service, measure, print; 1 when judged and a goal is missed."""
    parser = argparse.ArgumentParser(description="Skew of shown frames between four browsers")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--warm-up", type=float, default=WARM_UP_S)
    parser.add_argument("--judge", action="store_true", help="exit with 1 when a goal is missed")
    asked = parser.parse_args(arguments)
    with running() as service:
        found = asyncio.run(bench(service, asked.warm_up, asked.seconds))
    show(found)
    return int(asked.judge and not found.good)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
