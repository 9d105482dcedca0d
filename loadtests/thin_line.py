"""A line to the service that is as thin as one likes, and that can be cut.

All connections share its rate, each way, as flows of TCP share a line; what is under way goes by
turns, and little of it waits in between. A cut line is what a pulled plug is: connections stay as
they are, what was on its way waits, and new ones get no answer until it is whole again.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

WIDE_READ_BYTES = 64 * 1024
THIN_READ_BYTES = 4096
# What the kernel may hold of a connection: its sender must feel how thin the line is.
THIN_QUEUE_BYTES = 16 * 1024
BURST_S = 0.1


class Shaper:
    """One direction's rate; 0 is no limit. A machine that wakes late makes up for BURST_S."""

    def __init__(self, rate_bps: int) -> None:
        self.rate_bps = rate_bps
        self._free_at = 0.0

    async def shape(self, count: int) -> None:
        """Wait until so many bytes have had their time."""
        if self.rate_bps:
            clock = asyncio.get_running_loop().time
            self._free_at = max(self._free_at, clock() - BURST_S) + count * 8 / self.rate_bps
            await asyncio.sleep(self._free_at - clock())


class Line:
    """The service by way of a port of its own."""

    def __init__(self, url: str, rate_bps: int = 0) -> None:
        self._far = urlsplit(url)
        self._read_bytes = THIN_READ_BYTES if rate_bps else WIDE_READ_BYTES
        self._up, self._down = Shaper(rate_bps), Shaper(rate_bps)
        self._whole = asyncio.Event()
        self._whole.set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Where the service is behind this line."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def whole(self) -> bool:
        """Whether something passes."""
        return self._whole.is_set()

    def cut(self) -> None:
        """Let nothing pass any more."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything pass again."""
        self._whole.set()

    def limit(self, rate_bps: int) -> None:
        """Carry this much each way from now on, also of connections that are open."""
        self._up.rate_bps = self._down.rate_bps = rate_bps

    def through(self, url: str) -> str:
        """Give an address of the service as it is behind this line."""
        return url.replace(f":{self._far.port}/", f":{self.port}/", 1)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            await self._whole.wait()
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):  # a cancelled one is logged as broken
            return
        finally:
            self._carrying.discard(task)
            writer.close()

    async def close(self) -> None:
        """End every connection."""
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await self._far_end()
        ways = [
            asyncio.create_task(self._carry(reader, far_writer, self._up)),
            asyncio.create_task(self._carry(far_reader, writer, self._down)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            far_writer.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _far_end(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        far = socket.socket()
        try:
            far.setblocking(False)
            if self._read_bytes == THIN_READ_BYTES:
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, THIN_QUEUE_BYTES)
            address = (self._far.hostname, self._far.port)
            await asyncio.get_running_loop().sock_connect(far, address)
            return await asyncio.open_connection(sock=far, limit=self._read_bytes)
        except BaseException:
            far.close()
            raise

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shaper: Shaper
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(self._read_bytes):
                await self._whole.wait()
                await shaper.shape(len(data))
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def line(url: str, rate_bps: int = 0, port: int = 0) -> AsyncIterator[Line]:
    """Open a line to the service at `url`, on a free port unless one is told."""
    made = Line(url, rate_bps)
    limit = THIN_READ_BYTES if rate_bps else WIDE_READ_BYTES
    server = await asyncio.start_server(made.take, "127.0.0.1", port, limit=limit)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()
