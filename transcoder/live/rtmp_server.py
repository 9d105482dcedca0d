"""RTMP publishers on one port for all sessions: sockets around the pure core.

Bounded: connections in all, those of an address that have not shown a key (a whole bureau may stand
behind one address, its encoders are no strangers once they are let in), the time until the key is
shown, the time without a byte, and the time a peer takes to read an answer. While a key is judged
nothing is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from transcoder.live.address import read_address
from transcoder.live.errors import BadContribution, Refused
from transcoder.live.feeds import LiveIngest
from transcoder.live.flv import Hints, Tag
from transcoder.live.live_feed import Publisher
from transcoder.live.rtmp import Event, PublishAsked, RtmpConnection

READ_BYTES = 1 << 16
CONNECTIONS_LIMIT = 1024
STRANGERS_LIMIT_OF_ADDRESS = 64
ANSWER_LIMIT_S = 5.0
REFUSAL_LINGER_S = 2.0

log = logging.getLogger(__name__)


class RtmpServer:
    """Serves publishers; make it with `rtmp_server`."""

    def __init__(self, ingest: LiveIngest) -> None:
        self.port = 0
        self._ingest = ingest
        self._strangers: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._tasks)

    def connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Take a connection, or close it when there are too many."""
        peer = str((writer.get_extra_info("peername") or ("?",))[0])
        many = self.connections >= CONNECTIONS_LIMIT
        if many or self._strangers[peer] >= STRANGERS_LIMIT_OF_ADDRESS:
            self._ingest.metrics.refused.labels("connections").inc()
            writer.close()
            return
        self._strangers[peer] += 1
        task = asyncio.create_task(self._serve(reader, writer, peer), name=f"rtmp {peer}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter, peer: str) -> None:
        session = _Session(self._ingest, reader, writer, peer, partial(self._known, peer))
        try:
            await session.run()
        except (BadContribution, Refused) as error:
            log.info("rtmp %s: %s", peer, error)
        except (OSError, TimeoutError) as error:
            log.info("rtmp %s is gone: %s", peer, str(error) or "silent for too long")
        finally:
            if not session.admitted:
                self._known(peer)
            session.leave()
            writer.close()

    def _known(self, peer: str) -> None:
        """Count one stranger less: it was let in, or is gone."""
        self._strangers[peer] -= 1
        if not self._strangers[peer]:
            del self._strangers[peer]


class _Session:
    """One connection."""

    def __init__(
        self,
        ingest: LiveIngest,
        reader: StreamReader,
        writer: StreamWriter,
        peer: str,
        known: Callable[[], None],
    ) -> None:
        self._ingest = ingest
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._known = known
        self._core = RtmpConnection()
        self._publisher: Publisher | None = None

    @property
    def admitted(self) -> bool:
        """Tell whether its key was good."""
        return self._publisher is not None

    async def run(self) -> None:
        """Read until the peer or the feed ends. Raises: BadContribution, Refused, OSError."""
        settings = self._ingest.settings
        async with asyncio.timeout(settings.greeting_s):
            while self._publisher is None:
                await self._handle(self._core.receive(await self._read()))
        reading = asyncio.create_task(self._follow(settings.idle_s))
        try:
            waits = (reading, self._publisher.ended)
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    def leave(self) -> None:
        """Say that the publisher is gone, if it ever came in."""
        if self._publisher is not None:
            self._ingest.metrics.publishers.labels("rtmp").dec()
            self._publisher.leave()

    async def _follow(self, idle_s: float) -> None:
        async with asyncio.timeout(idle_s) as limit:
            clock = asyncio.get_running_loop().time
            with contextlib.suppress(ConnectionAbortedError):
                while True:
                    data = await self._read()
                    limit.reschedule(clock() + idle_s)
                    await self._handle(self._core.receive(data))

    async def _read(self) -> bytes:
        data = await self._reader.read(READ_BYTES)
        if not data:
            raise ConnectionAbortedError("closed by the peer")
        return data

    async def _handle(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, PublishAsked):
                await self._judge(event)
            elif self._publisher is None:
                continue
            elif isinstance(event, Tag):
                self._publisher.take(event)
            elif isinstance(event, Hints):
                self._publisher.hint(event)
            else:
                raise ConnectionAbortedError("unpublished")
        await self._flush()

    async def _judge(self, asked: PublishAsked) -> None:
        try:
            read = partial(read_address, asked.app, asked.name)
            self._publisher = await self._ingest.admit(read, self._peer)
        except Refused as refused:
            self._core.refuse(str(refused))
            await self._flush()
            await self._linger()
            raise
        self._known()
        self._ingest.metrics.publishers.labels("rtmp").inc()
        await self._handle(self._core.accept())

    async def _flush(self) -> None:
        """Send the core's answers to a peer that must read them in time."""
        output = self._core.take_output()
        if output:
            self._writer.write(output)
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._writer.drain()

    async def _linger(self) -> None:
        """Let the peer read why before the socket closes: unread input would reset it."""
        self._writer.write_eof()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(REFUSAL_LINGER_S):
                while await self._reader.read(READ_BYTES):
                    pass


@contextlib.asynccontextmanager
async def rtmp_server(ingest: LiveIngest) -> AsyncIterator[RtmpServer]:
    """Listen as the settings say; gives the server with its port."""
    serving = RtmpServer(ingest)
    settings = ingest.settings
    server = await asyncio.start_server(
        serving.connected, settings.host, settings.rtmp_port, limit=READ_BYTES
    )
    serving.port = server.sockets[0].getsockname()[1]
    log.info("RTMP publishers on port %d", serving.port)
    try:
        yield serving
    finally:
        server.close()
        await serving.close()
        await server.wait_closed()
