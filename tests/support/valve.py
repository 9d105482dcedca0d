"""A line that is shut as a cut cable does it: nothing passes, nothing is closed, nobody knows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from loadtests.way import READ_BYTES, Way


class Valve(Way):
    """Passes connections on to a service while it is open."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._open = asyncio.Event()
        self._open.set()

    def shut(self) -> None:
        """Let nothing pass any more."""
        self._open.clear()

    def open(self) -> None:
        """Let everything pass again, also what has waited."""
        self._open.set()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        there, onward = await asyncio.open_connection(self._host, self._port)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pump(reader, onward))
                ways.create_task(self._pump(there, writer))
        finally:
            writer.close()
            onward.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(READ_BYTES):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
            await self._open.wait()
            writer.close()


@asynccontextmanager
async def valve_to(url: str) -> AsyncIterator[tuple[Valve, str]]:
    """Put a valve before a service; gives its address."""
    target = urlsplit(url)
    valve = Valve(str(target.hostname), int(target.port or 0))
    server = await asyncio.start_server(valve.take, "127.0.0.1", 0)
    try:
        yield valve, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await valve.close()
