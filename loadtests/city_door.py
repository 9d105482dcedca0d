"""A city's door at one school's line: passes everything on to the service, and counts it.

    python -m loadtests.city_door LISTEN TARGET [CONGESTION]

Requests are counted by path (with their query), and the largest whole body of each; a connection
that becomes a WebSocket counts once, its body being all that came down after that. Prints `ready`;
each line on standard input is answered with {path: [count, bytes]}; ends with its standard input.
Sockets towards the school use the congestion control that is named, and hold little back, so that
the service sees how fast the line is.

Spec: Linux tcp(7) (TCP_CONGESTION, TCP_NOTSENT_LOWAT).
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

from loadtests.overheard import Counts, Heard
from loadtests.way import READ_BYTES, Way

UNSENT_BYTES = 1 << 17
LINES_LIMIT = 1 << 16


class Door(Way):
    """Passes connections on; a new one for each that comes."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.counts = Counts()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = Heard(self.counts)
        try:
            there, onward = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        for each in (writer, onward):
            made = each.get_extra_info("socket")
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
            each.transport.set_write_buffer_limits(high=READ_BYTES)
        ways = {
            asyncio.create_task(_pump(reader, onward, heard.up)),
            asyncio.create_task(_pump(there, writer, heard.down)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            onward.close()
            writer.close()
            closing = onward.wait_closed(), writer.wait_closed()
            await asyncio.gather(*ways, *closing, return_exceptions=True)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hear: Callable[[bytes], None]
) -> None:
    with suppress(ConnectionError, OSError):
        while data := await reader.read(READ_BYTES):
            hear(data)
            writer.write(data)
            await writer.drain()


async def serve(listener: socket.socket, target: str) -> None:
    """Serve until standard input ends."""
    host, _, port = target.rpartition(":")
    door = Door(host, int(port))
    server = await asyncio.start_server(door.take, sock=listener, limit=READ_BYTES)
    orders = asyncio.StreamReader(limit=LINES_LIMIT)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    print("ready", flush=True)
    while await orders.readline():
        print(json.dumps(door.counts.told()), flush=True)
    server.close()
    await door.close()


def main(arguments: list[str]) -> None:
    """Listen and pass on."""
    host, _, port = arguments[0].rpartition(":")
    listener = socket.create_server((host, int(port)), backlog=512)
    if len(arguments) > 2:
        # Accepted sockets inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, arguments[2].encode())
    asyncio.run(serve(listener, arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
