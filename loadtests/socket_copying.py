"""The yardstick of this machine: one uvloop process that copies bytes to many sockets, no more.

    python -m loadtests.socket_copying

Prints its address, then sends everybody who connected the same made-up frame 30 times a second, at
the rate of a live lesson, until its standard input ends. What a service costs for a megabyte is
told in multiples of what this costs, so that figures of different machines can be compared.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

from loadtests.live_publisher import SOUND_BPS, VIDEO_BPS
from loadtests.live_stamps import FPS

FRAME_BYTES = (VIDEO_BPS + SOUND_BPS) // 8 // FPS


class Copying(asyncio.Protocol):
    """One socket among `all_of`."""

    def __init__(self, all_of: set[asyncio.Transport]) -> None:
        self._all_of = all_of
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take part."""
        self._transport = cast(asyncio.Transport, transport)
        self._all_of.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take part no longer."""
        self._all_of.discard(self._transport)


async def copy(all_of: set[asyncio.Transport]) -> None:
    """Send frames by the clock, for ever."""
    frame, loop = bytes(FRAME_BYTES), asyncio.get_running_loop()
    due_at = loop.time()
    while True:
        for transport in all_of:
            transport.write(frame)
        due_at += 1 / FPS
        await asyncio.sleep(due_at - loop.time())


async def run() -> None:
    """Listen and copy until standard input ends."""
    loop = asyncio.get_running_loop()
    all_of: set[asyncio.Transport] = set()
    server = await loop.create_server(lambda: Copying(all_of), "127.0.0.1", 0)
    copying = asyncio.create_task(copy(all_of))
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://127.0.0.1:{port}/\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    copying.cancel()
    server.close()


if __name__ == "__main__":
    uvloop.run(run())
