"""The WebSocket `stream`: a viewer's queue to the wire, and what the viewer asks for.

Text messages are JSON with `type`, binary ones media (streaming/live/README.md). The socket keeps
little unsent in the kernel, so that the queue, which knows what to drop, is where frames wait.

Spec: RFC 6455; Linux tcp(7) (TCP_NOTSENT_LOWAT).
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from catalog.errors import Unavailable
from streaming.live.audience import Audience
from streaming.live.frame import Frame
from streaming.live.hub import Hub
from streaming.live.lanes import Connection
from streaming.live.metrics import LiveMetrics, rung_label
from streaming.live.viewer import Item, RungChanged
from streaming.live.wire import UNSENT_LIMIT_BYTES, Wire, text_of

ASKED_LIMIT_BYTES = 4096
ASKED_LIMIT = 20
HEARTBEAT_S = 15.0
BEGIN_LIMIT_S = 18.0
_TCP_NOTSENT_LOWAT = 25


def tune(transport: asyncio.Transport | None) -> None:
    """Keep a connection's buffers short."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    transport.set_write_buffer_limits(high=UNSENT_LIMIT_BYTES)
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_LIMIT_BYTES)


async def stream(
    request: web.Request, feed: Audience, metrics: LiveMetrics, now_utc: float
) -> web.WebSocketResponse:
    """Serve one viewer until it leaves or the feed ends. Raises: Unavailable before it begins."""
    try:
        async with asyncio.timeout(BEGIN_LIMIT_S):
            await feed.hub.begun.wait()
    except TimeoutError:
        raise Unavailable("the session has not begun: ask again in a moment") from None
    ws = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, compress=False, max_msg_size=ASKED_LIMIT_BYTES
    )
    await ws.prepare(request)
    tune(request.transport)
    asked = request.query.get("rendition", "")
    connection = feed.hub.join(asked, time.monotonic(), now_utc, feed.anchor_utc)
    try:
        with _Told(feed, connection, metrics) as told:
            await _serve(ws, request.transport, feed.hub, connection, told)
    finally:
        feed.hub.leave(connection)
        _hang_up(request)
    return ws


def _hang_up(request: web.Request) -> None:
    """Give back what a viewer who reads nothing would hold for ever."""
    transport = request.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


async def _serve(
    ws: web.WebSocketResponse,
    transport: asyncio.Transport | None,
    hub: Hub,
    connection: Connection,
    told: Callable[[Item], None],
) -> None:
    if transport is None:
        return
    sending = asyncio.create_task(_send(ws, transport, connection, told), name="stream sender")
    try:
        await _listen(ws, hub, connection)
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await sending


async def _listen(ws: web.WebSocketResponse, hub: Hub, connection: Connection) -> None:
    """Take what the viewer says; too much or nonsense ends it."""
    second, count = 0, 0
    async for found in ws:
        now = time.monotonic()
        second, count = (second, count + 1) if int(now) == second else (int(now), 1)
        name = rung_asked(found.data) if found.type is WSMsgType.TEXT else None
        if count > ASKED_LIMIT or name is None or not hub.ask(connection, name, now):
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")
            return


def rung_asked(text: str) -> str | None:
    """Read which rung a viewer asks for: a name, `auto` or `audio`; None if it asks nothing."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or asked.get("type") != "rung":
        return None
    name = asked.get("name")
    return name if isinstance(name, str) else None


class _Told:
    """Counts what a viewer is sent, and the viewer under the rung that it has."""

    def __init__(self, feed: Audience, connection: Connection, metrics: LiveMetrics) -> None:
        self._feed = feed
        self._connection = connection
        self._metrics = metrics
        self._sent = metrics.sent.labels("ws")
        self._gauge = metrics.viewers.labels("ws", _label(feed, connection))

    def __enter__(self) -> Callable[[Item], None]:
        self._gauge.inc()
        return self._hear

    def __exit__(self, *_: object) -> None:
        self._gauge.dec()

    def _hear(self, item: Item) -> None:
        if isinstance(item, Frame):
            self._sent.inc(len(item.wire))
        elif isinstance(item, RungChanged):
            self._metrics.rung_changes.labels(item.why).inc()
            self._gauge.dec()
            self._gauge = self._metrics.viewers.labels("ws", _label(self._feed, self._connection))
            self._gauge.inc()


async def _send(
    ws: web.WebSocketResponse,
    transport: asyncio.WriteTransport,
    connection: Connection,
    told: Callable[[Item], None],
) -> None:
    """Keep the wire: the hub writes to it while it is free, this task when it is not."""
    wire = connection.wire = Wire(transport, connection.viewer, told)
    with suppress(ConnectionError):
        while not wire.closing:
            if not wire.flush():
                await _send_one(ws, wire.take())
            elif connection.closed:
                await ws.close(code=WSCloseCode.GOING_AWAY, message=b"ended")
                return
            else:
                connection.bell.clear()
                await connection.bell.wait()


async def _send_one(ws: web.WebSocketResponse, item: Item | None) -> None:
    """Send an item and wait until the line has taken what was written before it."""
    if isinstance(item, Frame):
        await ws.send_bytes(item.message)
    elif item is not None:
        await ws.send_str(text_of(item))


def _label(feed: Audience, connection: Connection) -> str:
    video = connection.viewer.video
    tracks = feed.channel.tracks.values()
    name = next((track.name for track in tracks if track.id == video), "")
    return rung_label(name) if name else "audio"
