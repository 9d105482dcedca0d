"""A viewer on a line that loses packets: what the page saw.

    python -m loadtests.live_loss [--loss 2] [--delay 50] [--seconds 60]     as root

The browser lives in a network namespace of its own; between it and the service lies a link of two
TUN devices, carried by this process, that drops a part of the packets of each direction at random
and holds the others up (the kernel of many a machine has no netem). The service listens on its end
of the link. A page by WebSocket, then one by LL-HLS, watch a 2 Mbit/s lesson; the service's sockets
use bbr where the kernel has it. Everything is taken down at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import async_playwright

from loadtests.chromium import FLAGS
from loadtests.live_figures import stalls, target_ms
from loadtests.live_publisher import publishing
from loadtests.live_session import Booked, booked, until_state
from loadtests.live_spread import spread
from loadtests.live_watch import Delivery, now_ms, watch, watch_on
from loadtests.service import Service, running

NEAR, FAR, NET = "10.213.77.1", "10.213.77.2", "30"
MTU_BYTES, QUEUE_PACKETS = 1500, 2000
WARM_UP_S = 30.0
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def run(*command: str) -> None:
    """Run ip(8). Raises: CalledProcessError."""
    subprocess.run(command, check=True)


def tun(name: str) -> int:
    """Make a TUN device that lives as long as its descriptor."""
    found = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(found, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return found


@contextmanager
def namespace(name: str) -> Iterator[str]:
    """A network of its own."""
    run("ip", "netns", "add", name)
    try:
        run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        run("ip", "netns", "del", name)


@dataclass
class Link:
    """Two TUN devices and what lies between; loss is a part of one, delay in seconds each way."""

    near: int
    far: int
    loss: float
    delay_s: float
    lost: int = 0
    carried: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def pass_on(self, source: int, sink: int) -> None:
        """Take what has come and send it on later, or never."""
        loop = asyncio.get_running_loop()
        for _ in range(QUEUE_PACKETS):
            try:
                packet = os.read(source, MTU_BYTES + 100)
            except BlockingIOError:
                return
            if self.chance.random() < self.loss:
                self.lost += 1
            else:
                self.carried += 1
                loop.call_later(self.delay_s, self._send, sink, packet)

    def _send(self, sink: int, packet: bytes) -> None:
        try:
            os.write(sink, packet)
        except BlockingIOError:
            self.lost += 1


@asynccontextmanager
async def link(near: int, far: int, loss: float, delay_s: float) -> AsyncIterator[Link]:
    """Carry packets until the end of the block."""
    made, loop = Link(near, far, loss, delay_s), asyncio.get_running_loop()
    loop.add_reader(near, made.pass_on, near, far)
    loop.add_reader(far, made.pass_on, far, near)
    try:
        yield made
    finally:
        loop.remove_reader(near)
        loop.remove_reader(far)


@contextmanager
def ends(home: str) -> Iterator[tuple[int, int]]:
    """Make both ends; the far one in the namespace."""
    near, far = tun("tongbu-near"), tun("tongbu-far")
    try:
        run("ip", "addr", "add", f"{NEAR}/{NET}", "dev", "tongbu-near")
        run("ip", "link", "set", "tongbu-near", "up", "mtu", str(MTU_BYTES))
        run("ip", "link", "set", "tongbu-far", "netns", home)
        run("ip", "-n", home, "addr", "add", f"{FAR}/{NET}", "dev", "tongbu-far")
        run("ip", "-n", home, "link", "set", "tongbu-far", "up", "mtu", str(MTU_BYTES))
        yield near, far
    finally:
        os.close(near)
        os.close(far)


def far_chromium(home: str, folder: Path) -> Path:
    """Write a program that starts Chromium in the namespace."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("no Chromium on PATH: apt-get install chromium")
    script = folder / "chromium"
    script.write_text(f'#!/bin/sh\nexec ip netns exec {home} {program} "$@"\n')
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


async def bench(service: Service, program: Path, line: tuple[int, int],
                asked: argparse.Namespace) -> None:  # fmt: skip
    """Watch by both deliveries, one after the other."""
    near, far = line
    async with (
        link(near, far, asked.loss / 100, asked.delay / 1000) as carried,
        booked(service, "一条不好的线") as (client, session),
    ):
        with publishing(session.rtmp.replace(NEAR, "127.0.0.1")):
            await until_state(client, session.id, "live")
            lines = [await look(session, one, program, asked.seconds) for one in Delivery]
    print(f"{asked.loss:g} % of {carried.carried + carried.lost} packets lost, "
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
        namespace("tongbu-viewer") as home,
        ends(home) as line,
        running("--listen", f"{NEAR}:0") as service,
    ):
        asyncio.run(bench(service, far_chromium(home, Path(folder)), line, asked))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
