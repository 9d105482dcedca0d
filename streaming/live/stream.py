"""The WebSocket `stream`: a viewer's queue to the wire, and what the viewer asks for.

Text messages are JSON with `type`, binary ones media (streaming/live/README.md). The socket keeps
little unsent in the kernel, so that the queue, which knows what to drop, is where frames wait.

Spec: RFC 6455; Linux tcp(7) (TCP_CONGESTION, TCP_NOTSENT_LOWAT).
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from catalog.errors import Unavailable
from streaming.live.feed import LiveFeed
from streaming.live.hub import Connection
from streaming.live.metrics import LiveMetrics, rung_label
from streaming.live.viewer import Frame, RungChanged, Said, Skipped

ASKED_LIMIT_BYTES = 4096
ASKED_LIMIT = 20
HEARTBEAT_S = 15.0
BEGIN_LIMIT_S = 18.0
UNSENT_LIMIT_BYTES = 64 * 1024
_TCP_NOTSENT_LOWAT = 25
_TCP_CONGESTION = getattr(socket, "TCP_CONGESTION", 13)


def tune(transport: asyncio.Transport | None, live: bool = False) -> None:
    """Let a connection use bbr where the kernel has it; `live` keeps its buffers short."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, _TCP_CONGESTION, b"bbr")
    if live:
        transport.set_write_buffer_limits(high=UNSENT_LIMIT_BYTES)
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_LIMIT_BYTES)


async def stream(
    request: web.Request, feed: LiveFeed, metrics: LiveMetrics, now_utc: float
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
    tune(request.transport, live=True)
    asked = request.query.get("rendition", "")
    connection = feed.hub.join(asked, time.monotonic(), now_utc, feed.anchor_utc)
    try:
        await _serve(ws, connection, feed, metrics)
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
    ws: web.WebSocketResponse, connection: Connection, feed: LiveFeed, metrics: LiveMetrics
) -> None:
    sending = asyncio.create_task(_send(ws, connection, feed, metrics), name="stream sender")
    try:
        await _listen(ws, connection)
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await sending


async def _listen(ws: web.WebSocketResponse, connection: Connection) -> None:
    """Take what the viewer says; too much or nonsense ends it."""
    second, count = 0, 0
    async for found in ws:
        now = time.monotonic()
        second, count = (second, count + 1) if int(now) == second else (int(now), 1)
        wrong = found.type is not WSMsgType.TEXT or count > ASKED_LIMIT
        if wrong or not understood(found.data, connection, now):
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")
            return


def understood(text: str, connection: Connection, now: float) -> bool:
    """Do what a viewer's message asks; False when it asks for nothing that there is."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(asked, dict) or asked.get("type") != "rung":
        return False
    name = asked.get("name")
    if not isinstance(name, str) or not connection.viewer.ask(name, now):
        return False
    connection.bell.set()
    return True


async def _send(
    ws: web.WebSocketResponse, connection: Connection, feed: LiveFeed, metrics: LiveMetrics
) -> None:
    """Send what is queued, as fast as the line takes it."""
    sent = metrics.sent.labels("ws")
    gauge = metrics.viewers.labels("ws", _label(feed, connection))
    gauge.inc()
    try:
        while True:
            item = connection.viewer.next()
            match item:
                case None if connection.closed:
                    await ws.close(code=WSCloseCode.GOING_AWAY, message=b"ended")
                    return
                case None:
                    connection.bell.clear()
                    await connection.bell.wait()
                case Frame(data=data):
                    await ws.send_bytes(data)
                    sent.inc(len(data))
                case Said(text=text):
                    await ws.send_str(text)
                case Skipped(frames=frames):
                    await ws.send_str(json.dumps({"type": "skipped", "frames": frames}))
                case RungChanged(video=video, why=why):
                    metrics.rung_changes.labels(why).inc()
                    gauge.dec()
                    gauge = metrics.viewers.labels("ws", _label(feed, connection))
                    gauge.inc()
                    await ws.send_str(json.dumps({"type": "rung", "video": video, "why": why}))
    except ConnectionError:
        return
    finally:
        gauge.dec()


def _label(feed: LiveFeed, connection: Connection) -> str:
    video = connection.viewer.video
    tracks = feed.channel.tracks.values()
    name = next((track.name for track in tracks if track.id == video), "")
    return rung_label(name) if name else "audio"
