"""A viewer on a line that loses packets: what the page saw.

    python -m loadtests.live_loss [--loss 2] [--delay 50] [--seconds 60]     as root

The browser lives in a network of its own; between it and the service lies a line (`line.py`) that
loses a part of the packets of each direction at random and holds the others up. The service listens
on its end of the line. A page by WebSocket, then one by LL-HLS, watch a 2 Mbit/s lesson; the
service's sockets use bbr where the kernel has it.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from loadtests.chromium import FLAGS
from loadtests.line import MACHINE, Home, Line, line, namespace
from loadtests.line_way import Shape
from loadtests.live_figures import stalls, target_ms
from loadtests.live_publisher import publishing
from loadtests.live_session import Booked, booked, until_state
from loadtests.live_spread import spread
from loadtests.live_watch import Delivery, now_ms, watch, watch_on
from loadtests.service import Service, running

WARM_UP_S = 30.0


def far_chromium(home: Home, folder: Path) -> Path:
    """Write a program that starts Chromium in a home."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("no Chromium on PATH: apt-get install chromium")
    script = folder / "chromium"
    script.write_text(f'#!/bin/sh\nexec {" ".join(home.inside(program))} "$@"\n')
    script.chmod(0o755)
    return script


async def look(session: Booked, delivery: Delivery, program: Path, seconds: float) -> str:
    """Watch by one delivery; give the table's line."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(program), args=list(FLAGS))
        viewer = await watch(browser, session.page, delivery)
        await asyncio.sleep(WARM_UP_S)
        from_ms = now_ms()
        (seen,) = await watch_on([viewer], seconds)
        await browser.close()
    window = seen.between(from_ms, from_ms + 1000 * seconds)
    delay = spread([one.delay_ms for one in window.shown])
    return (
        f"| {delivery.value} | {delay.count} | {delay} | {stalls(window)} "
        f"| {target_ms(seen, now_ms()):.0f} |"
    )


async def bench(service: Service, program: Path, carried: Line, asked: argparse.Namespace) -> None:
    """Watch by both deliveries, one after the other."""
    async with booked(service, "一条不好的线") as (client, session):
        with publishing(session.rtmp.replace(carried.near_address, "127.0.0.1")):
            await until_state(client, session.id, "live")
            lines = [await look(session, one, program, asked.seconds) for one in Delivery]
    lost, whole = 0, 0
    for way in carried.counted():
        lost, whole = lost + way.lost + way.dropped, whole + way.lost + way.dropped + way.packets
    print(f"{asked.loss:g} % of packets to be lost, {lost} of {whole} were, "
          f"{asked.delay:g} ms each way.\n")  # fmt: skip
    print(
        "| delivery | frames | delay, ms as p50 / p95 / max | stalls | D |\n|---|---|---|---|---|"
    )
    print("\n".join(lines))


def main(arguments: list[str]) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description="A viewer behind a line that loses packets")
    parser.add_argument("--loss", type=float, default=2.0, help="percent, each way")
    parser.add_argument("--delay", type=float, default=50.0, help="milliseconds, each way")
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="tongbu-line-") as folder,
        namespace() as home,
        line(MACHINE, home, Shape(0, asked.delay / 1000, asked.loss / 100)) as carried,
        running("--listen", f"{carried.near_address}:0") as service,
    ):
        asyncio.run(bench(service, far_chromium(home, Path(folder)), carried, asked))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
