"""Glass to glass over loopback: from the encoder's hand to the screen, measured in pixels.

    python -m loadtests.live_glass [--seconds 60] [--judge]

A stamped 720p30 picture goes by RTMP into `tongbu serve`; one Chromium watches by WebSocket, then
another by LL-HLS, each alone on the session, and every presented frame's stamp is read. The time
holds x264, AAC, RTMP, the service, loopback, Media Source and decoding; it leaves out a camera, a
network and a display. A stall is a gap of more than 200 ms between frames, or `waiting`. Below
stands where the time goes, and how near the page's own delay report is. Goals: WebSocket p95
300 ms, LL-HLS p95 800 ms, no stall.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass

from loadtests.chromium import chromium
from loadtests.live_figures import report_errors, stages, stalls, target_ms
from loadtests.live_publisher import publishing
from loadtests.live_session import Booked, booked, until_state
from loadtests.live_spread import Spread, spread
from loadtests.live_watch import Delivery, Seen, now_ms, watch, watch_on
from loadtests.service import Service, running

GOAL_MS = {Delivery.WS: 300.0, Delivery.HLS: 800.0}
WARM_UP_S = 30.0


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery's window."""

    delivery: Delivery
    seen: Seen
    target_ms: float

    @property
    def delay(self) -> Spread:
        """From the encoder's hand to the screen, ms."""
        return spread([one.delay_ms for one in self.seen.shown])

    @property
    def good(self) -> bool:
        """Tell whether the goals are met."""
        return self.delay.p95 <= GOAL_MS[self.delivery] and stalls(self.seen) == 0

    def markdown(self) -> str:
        """One line of the table."""
        off = spread([abs(ms) for ms in report_errors(self.seen)])
        frames = f"{self.delay.count} | {self.seen.unread}"
        goal = f"p95 ≤ {GOAL_MS[self.delivery]:.0f}, 0 stalls: {'met' if self.good else 'MISSED'}"
        return (
            f"| {self.delivery.value} | {frames} | {self.delay} | {stalls(self.seen)} "
            f"| {self.target_ms:.0f} | {off} | {goal} |"
        )


async def measure(booked: Booked, delivery: Delivery, warm_up_s: float, seconds: float) -> Row:
    """Watch alone by one delivery, for a window after the warm-up."""
    async with chromium() as browser:
        viewer = await watch(browser, booked.page, delivery)
        await asyncio.sleep(warm_up_s)
        from_ms = now_ms()
        (seen,) = await watch_on([viewer], seconds)
    to_ms = from_ms + seconds * 1000
    return Row(delivery, seen.between(from_ms, to_ms), target_ms(seen, to_ms))


async def bench(service: Service, warm_up_s: float, seconds: float) -> list[Row]:
    """Measure both deliveries, one after the other: they share D while both are there."""
    async with booked(service, "生活中的对称") as (client, session):
        with publishing(session.rtmp):
            await until_state(client, session.id, "live")
            return [await measure(session, delivery, warm_up_s, seconds) for delivery in Delivery]


def show(rows: list[Row]) -> None:
    """Print both tables."""
    print("Times in ms as p50 / p95 / max; D: the room's common delay at the end.\n")
    print("| delivery | frames | unread | glass to glass | stalls | D | own report off by | goal |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(row.markdown())
    print("\n| delivery | stage | p50 / p95 / max |\n|---|---|---|")
    for row in rows:
        for name, found in stages(row.seen).items():
            print(f"| {row.delivery.value} | {name} | {found} |")


def main(arguments: list[str]) -> int:
    """Start the service, measure, print; 1 when judged and a goal is missed."""
    parser = argparse.ArgumentParser(description="Glass-to-glass delay by stamps in pixels")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--warm-up", type=float, default=WARM_UP_S)
    parser.add_argument("--judge", action="store_true", help="exit with 1 when a goal is missed")
    asked = parser.parse_args(arguments)
    with running() as service:
        rows = asyncio.run(bench(service, asked.warm_up, asked.seconds))
    show(rows)
    return int(asked.judge and not all(row.good for row in rows))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
