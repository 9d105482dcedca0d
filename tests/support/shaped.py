"""A thin line between a server and its clients: so many bytes a second for all connections.

What is under way goes by turns, as flows of TCP share a line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 4096


class ShapedLine:
    """Lets the bytes of all connections through one after the other."""

    def __init__(self, host: str, port: int, bytes_per_s: int) -> None:
        self._host, self._port = host, port
        self._bytes_per_s = bytes_per_s
        self._due_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join one client with the server."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
                try:
                    async with asyncio.TaskGroup() as both:
                        both.create_task(_pass_on(reader, far_writer))
                        both.create_task(self._shape(far_reader, writer))
                finally:
                    far_writer.close()
        finally:
            writer.close()
            self._tasks.discard(task)

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _shape(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        while chunk := await reader.read(CHUNK_BYTES):
            self._due_at = max(self._due_at, clock()) + len(chunk) / self._bytes_per_s
            await asyncio.sleep(self._due_at - clock())
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
    if writer.can_write_eof():
        writer.write_eof()


@asynccontextmanager
async def shaped(url: str, bytes_per_s: int) -> AsyncIterator[str]:
    """Put a thin line before a server; give the address at its other end."""
    host, _, port = url.removeprefix("http://").partition(":")
    line = ShapedLine(host, int(port), bytes_per_s)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0, limit=CHUNK_BYTES)
    number = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{number}"
    finally:
        server.close()
        await line.close()
