"""Carries the packets between two TUN devices, in a process of its own; it ends with its stdin.

    python -m loadtests.line_process NEAR FAR SEED '{"rate_bps": 8000000, "loss": 0.005}'

Makes the two devices and prints `ready`; whoever started it moves them where they belong. A line
of JSON on standard input is an order: {"shape": {…}}, {"cut": true}, {"cut": false}; each is
answered by a line with what was carried `down` (near to far) and `up` by then.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import struct
import sys
from dataclasses import asdict
from typing import Any

from loadtests.line_way import Shape, Way

MTU_BYTES = 1500
READS_AT_ONCE = 64
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def tun(name: str) -> int:
    """Make a TUN device that lives as long as its descriptor."""
    found = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(found, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return found


class Carrier:
    """The shell of one way: two descriptors and one timer."""

    def __init__(self, way: Way, source: int, sink: int) -> None:
        self.way = way
        self._source = source
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(source, self._read)

    def turn(self) -> None:
        """Send on what is due and wait for the rest."""
        for packet in self.way.due(self._loop.time()):
            self._write(packet)
        if self._timer:
            self._timer.cancel()
        at = self.way.next_deadline()
        self._timer = None if at is None else self._loop.call_at(at, self.turn)

    def _read(self) -> None:
        now = self._loop.time()
        for _ in range(READS_AT_ONCE):
            try:
                packet = os.read(self._source, MTU_BYTES + 100)
            except OSError:
                break
            self.way.take(packet, now)
        self.turn()

    def _write(self, packet: bytes) -> None:
        try:
            os.write(self._sink, packet)
        except OSError:
            # A device that is not up yet, or whose network is gone, is a line to nowhere.
            return


class Orders:
    """What is asked of both ways."""

    def __init__(self, down: Carrier, up: Carrier) -> None:
        self._carriers = (down, up)

    def take(self, order: dict[str, Any]) -> str:
        """Do what a line of standard input says; give the answer."""
        now = asyncio.get_running_loop().time()
        for carrier in self._carriers:
            if "shape" in order:
                carrier.way.reshape(Shape(**order["shape"]), now)
            if "cut" in order:
                carrier.way.cut(now) if order["cut"] else carrier.way.mend()
            carrier.turn()
        down, up = (asdict(carrier.way.counted()) for carrier in self._carriers)
        return json.dumps({"down": down, "up": up})


async def carry(near: int, far: int, seed: int, shape: Shape) -> None:
    """Carry packets and obey until standard input ends."""
    orders = Orders(
        Carrier(Way(shape, 2 * seed), near, far), Carrier(Way(shape, 2 * seed + 1), far, near)
    )
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    print("ready", flush=True)
    while line := await reader.readline():
        print(orders.take(json.loads(line)), flush=True)


def main(arguments: list[str]) -> None:
    """Make the devices and carry."""
    near_name, far_name, seed, shape = arguments
    near, far = tun(near_name), tun(far_name)
    asyncio.run(carry(near, far, int(seed), Shape(**json.loads(shape))))


if __name__ == "__main__":
    main(sys.argv[1:])
