"""A port with a toy door in front of a toy application, and a client that sends raw bytes."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.store.port import StoreAway
from streaming.hot.door import Answer, Broken, FileSlice, Found
from streaming.hot.door import Viewer as Who
from streaming.hot.head import Head
from streaming.hot.listening import listening
from streaming.hot.metrics import HotMetrics
from streaming.hot.patience import SLOW_WINDOW_S
from streaming.hot.port import Port
from tests.support.wait import eventually

SMALL = b"small"
PIECES = [b"a" * 100_000, b"b" * 100_000, b"c" * 100_000]
DRAIN_S = 5.0


@dataclass(slots=True)
class ToyDoor:
    """Answers below /hot, and keeps count."""

    fd: int
    size_bytes: int
    open_slices: int = 0
    done: list[tuple[int, Broken | None]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def find(self, head: Head, viewer: Who) -> Found:
        """Answer by name."""
        self.asked.append(head.target)
        name = head.target.partition("?")[0]
        if name == "/hot/small":
            return self._answer(head, len(SMALL), SMALL)
        if name == "/hot/file":
            first, _, last = head.target.partition("?")[2].partition("-")
            offset, end = int(first or 0), int(last or self.size_bytes)
            self.open_slices += 1
            slice_ = FileSlice(self.fd, offset, end - offset, self._release)
            return self._answer(head, end - offset, slice_)
        if name in ("/hot/stream", "/hot/broken", "/hot/short", "/hot/away"):
            return self._answer(head, sum(map(len, PIECES)), stream(name))
        if name in ("/hot/later", "/hot/none"):
            return self._later(head, name)
        return None

    def _answer(self, head: Head, length: int, body: object) -> Answer:
        lines = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n".encode()
        shown = None if head.method == "HEAD" else body
        return Answer(lines, length, shown, self._done)  # type: ignore[arg-type]

    async def _later(self, head: Head, name: str) -> Answer | None:
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        return None if name == "/hot/none" else self._answer(head, len(SMALL), SMALL)

    def _done(self, sent_bytes: int, broken: Broken | None, took_s: float) -> None:
        self.done.append((sent_bytes, broken))

    def _release(self) -> None:
        self.open_slices -= 1


@asynccontextmanager
async def stream(name: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Three pieces, or fewer."""
    if name == "/hot/away":
        raise StoreAway("not now")
    async with aclosing(_pieces(name)) as pieces:
        yield pieces


async def _pieces(name: str) -> AsyncGenerator[bytes, None]:
    for number, piece in enumerate(PIECES):
        if number == 2 and name == "/hot/broken":
            raise StoreAway("the cable")
        if number == 2 and name == "/hot/short":
            return
        await asyncio.to_thread(len, piece)
        yield piece


class Cold:
    """The application behind the door."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.waiting = 0
        self.app = web.Application()
        self.app.add_routes(
            [
                web.get("/cold", self._get),
                web.post("/cold", self._echo),
                web.post("/early", self._early),
                web.get("/ws", self._socket),
                web.get("/slow", self._slow),
                web.get("/large", self._large),
                web.get("/huge", self._large),
                web.get("/hot/{name}", self._get),
            ]
        )

    async def _get(self, request: web.Request) -> web.Response:
        return web.Response(text=f"cold {request.path}")

    async def _echo(self, request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def _early(self, request: web.Request) -> web.Response:
        return web.Response(text="early")

    async def _slow(self, request: web.Request) -> web.Response:
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        return web.Response(text="slow")

    async def _large(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        times = 10 if request.path == "/large" else 100
        response.content_length = sum(map(len, PIECES)) * times
        await response.prepare(request)
        for _ in range(times):
            for piece in PIECES:
                await response.write(piece)
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"heard {message.data}")
        return socket


@dataclass(frozen=True, slots=True)
class Hot:
    """A running port."""

    host: str
    number: int
    door: ToyDoor
    cold: Cold
    port: Port
    registry: CollectorRegistry
    trusted: ssl.SSLContext | None = None
    viewers: list[Viewer] = field(default_factory=list)

    def count(self, name: str, **labels: str) -> float:
        """Read a figure."""
        return self.registry.get_sample_value(name, labels) or 0.0

    async def cut_off(self, now: float) -> None:
        """Let windows pass until nobody is left; at `now` the first of them began.

        A viewer's machine may take some more by itself: then it is one window later.
        """
        at = now

        def nobody_is_left() -> bool:
            nonlocal at
            at += SLOW_WINDOW_S
            self.port.sweep(at)
            return len(self.port) == 0

        await eventually(nobody_is_left)

    async def connect(self, limit: int = 2**16) -> Viewer:
        """Open a connection, which the port has taken; it is cut at the end of the test."""
        before = self.port.seen
        viewer = Viewer(
            *await asyncio.open_connection(self.host, self.number, ssl=self.trusted, limit=limit)
        )
        self.viewers.append(viewer)
        await eventually(lambda: self.port.seen > before)
        return viewer


class Viewer:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def ask(self, *targets: str, method: str = "GET", lines: str = "") -> None:
        """Send requests, all at once."""
        self.writer.write(b"".join(asking(target, method, lines) for target in targets))

    async def answer(self, bodiless: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Read one answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")[:-2]
        fields = {name.lower(): value for name, _, value in (i.partition(": ") for i in lines)}
        length = 0 if bodiless else int(fields.get("content-length", 0))
        return int(first.split()[1]), fields, await self.reader.readexactly(length)

    async def ended(self) -> bytes:
        """Read until the other side closes, or cuts the connection."""
        with suppress(ConnectionResetError):
            return await self.reader.read()
        return b""

    async def close(self) -> None:
        """Close, and wait until that is so."""
        self.writer.close()
        with suppress(OSError, ssl.SSLError):
            await self.writer.wait_closed()

    def abort(self) -> None:
        """Cut the connection, if it is not closed already."""
        if not self.writer.is_closing():  # TLS of Python 3.11.2 raises then
            self.writer.transport.abort()


def asking(target: str, method: str = "GET", lines: str = "") -> bytes:
    """Write a request."""
    return f"{method} {target} HTTP/1.1\r\nHost: school\r\n{lines}\r\n".encode()


@asynccontextmanager
async def hot_port(
    file: Path,
    drain_s: float = DRAIN_S,
    tls: ssl.SSLContext | None = None,
    trusted: ssl.SSLContext | None = None,
    connections_limit: int | None = None,
) -> AsyncIterator[Hot]:
    """Open a port on loopback."""
    fd = await asyncio.to_thread(os.open, file, os.O_RDONLY)
    registry, cold = CollectorRegistry(), Cold()
    door = ToyDoor(fd, os.fstat(fd).st_size)
    try:
        async with listening(
            cold.app, door, HotMetrics(registry), "127.0.0.1", 0, drain_s, tls, connections_limit
        ) as opened:
            host, number = opened.address[:2]
            hot = Hot(host, number, door, cold, opened.port, registry, trusted)
            yield hot
    finally:
        for viewer in hot.viewers:
            viewer.abort()
        os.close(fd)
