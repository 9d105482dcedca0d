"""Viewers by WebSocket in a soak: each takes frames in its manner and counts media messages."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urljoin, urlsplit

import aiohttp

from loadtests.live_readers import StreamReader, Tally
from loadtests.live_wire import BINARY, CLOSE
from loadtests.soak_books import Ledger, What
from loadtests.soak_profile import Manner, Profile, in_a_while, reset_at_close
from loadtests.soak_viewers import AGAIN_S, BROKEN
from loadtests.storm_joins import addresses

LEAVE_LIMIT_S, LOOK_S = 10.0, 0.2
RECEIVE_BYTES, ASLEEP_S = 16 * 1024, 0.2
SWITCHING = b"HTTP/1.1 101"
GOODBYE = bytes((0x80 | CLOSE, 0x80, 0, 0, 0, 0))
SHORT_BYTES, MIDDLE_BYTES = 126, 1 << 16


def wire_bytes(size: int) -> int:
    """Give the length of an unmasked message with its head (RFC 6455 5.2)."""
    return size + (2 if size < SHORT_BYTES else 4 if size < MIDDLE_BYTES else 10)


class Stream(StreamReader):
    """The connection; a slow one sleeps after each sip."""

    def __init__(self, url: str, slow: bool) -> None:
        super().__init__(Tally(1), 0, url)
        self.timed = False
        self.read_bytes = 0
        self.gone = asyncio.Event()
        self._slow = slow

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        """Take frames; whoever is not let in hangs up."""
        if not self.greeted and not (self.rest + data).startswith(SWITCHING):
            self.transport.close()
            return
        super().data_received(data)
        if self._slow and not self.transport.is_closing():
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(ASLEEP_S, self.wake)

    def wake(self) -> None:
        """Read on."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def on_frame(self, data: bytes, opcode: int, start: int, end: int) -> None:
        """Count media."""
        super().on_frame(data, opcode, start, end)
        if opcode == BINARY:
            self.read_bytes += wire_bytes(end - start)

    def said(self, message: dict[str, object]) -> None:
        """Nobody looks at the clock."""


class StreamViewer:
    """One viewer; `over` tells when everybody is to leave."""

    def __init__(self, profile: Profile, ledger: Ledger, over: Callable[[], bool]) -> None:
        self.read_bytes = 0
        self._profile, self._ledger = profile, ledger
        self._over = in_a_while(profile.seconds, over)

    async def run(self) -> None:
        """Watch; come back when the service lets it fall, unless the lesson has ended."""
        while not self._over():
            try:
                if await self._watch():
                    return
            except BROKEN:
                self._ledger.note(What.REFUSED)
            await asyncio.sleep(AGAIN_S)

    async def _watch(self) -> bool:
        """Watch over one connection; tell whether that was all."""
        async with aiohttp.ClientSession() as http, http.get(self._profile.url) as answer:
            answer.raise_for_status()
            url = urljoin(self._profile.url, addresses(await answer.read())["stream"])
        stream = await self._connected(url)
        try:
            while not (self._over() or stream.gone.is_set()):
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await stream.gone.wait()
            await self._leave(stream)
        finally:
            stream.transport.abort()
            self.read_bytes += stream.read_bytes
            if self._profile.at_origin:
                self._ledger.ws_bytes += stream.read_bytes
        return self._over() or stream.read_bytes > 0

    async def _connected(self, url: str) -> Stream:
        parts, slow = urlsplit(url), self._profile.manner is Manner.SLOW
        connection = socket.socket()
        connection.setblocking(False)
        if slow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(connection, (parts.hostname, parts.port))
            _, stream = await loop.create_connection(lambda: Stream(url, slow), sock=connection)
        except BaseException:
            connection.close()
            raise
        self._socket = connection
        return stream

    async def _leave(self, stream: Stream) -> None:
        if stream.gone.is_set():
            return
        if self._profile.manner.polite:
            stream.wake()
            stream.transport.write(GOODBYE)
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_LIMIT_S):
                    await stream.gone.wait()
            return
        reset_at_close(self._socket)
        self._ledger.note(What.MID_RESPONSE, int(bool(stream.rest)))
