"""The WebSocket `/live/{session}/relay?feed=&names=`: one feed for one school, however many watch.

`names`, with commas between, are what an edge that lost its connection wants at once.

    {"type":"rungs","names":["720p","aac"]}      what the edge wants from now on
    {"type":"clock","sent":12.5}                 answered at once with "now": Unix seconds here

The rest is what `relay.py` writes. An edge that stops reading loses what waits for it and begins
anew with what is known.

Limits: 4 KiB a message and 20 messages a second from an edge.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from streaming.live.audience import Audience
from streaming.live.relay import asked_at_once, asked_of
from streaming.live.relays import Relay
from streaming.live.stream import tune

HEARTBEAT_S = 10.0
ASKED_LIMIT_BYTES = 4096
ASKED_LIMIT = 20


async def relay(
    request: web.Request, feed: Audience, clock_utc: Callable[[], float]
) -> web.WebSocketResponse:
    """Serve one edge until it leaves or the feed ends."""
    ws = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, compress=False, max_msg_size=ASKED_LIMIT_BYTES
    )
    await ws.prepare(request)
    tune(request.transport)
    names = asked_at_once(request.query.get("names", ""))
    one = feed.relays.join(time.monotonic(), feed.anchor_utc, names)
    sending = asyncio.create_task(_send(ws, one), name="relay sender")
    try:
        await _listen(ws, feed, one, clock_utc)
    finally:
        feed.relays.leave(one)
        sending.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await sending
        if isinstance(request.transport, asyncio.WriteTransport):
            request.transport.abort()
    return ws


async def _listen(
    ws: web.WebSocketResponse, feed: Audience, one: Relay, clock_utc: Callable[[], float]
) -> None:
    second, count = 0, 0
    async for found in ws:
        now = time.monotonic()
        second, count = (second, count + 1) if int(now) == second else (int(now), 1)
        if count > ASKED_LIMIT or found.type is not WSMsgType.TEXT:
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")
            return
        sent = _clock_asked(found.data)
        names = asked_of(found.data)
        if sent is not None:
            await ws.send_str(json.dumps({"type": "clock", "sent": sent, "now": clock_utc()}))
        elif names is not None:
            feed.relays.ask(one, names, now)
        else:
            await ws.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")
            return


def _clock_asked(text: str) -> float | None:
    try:
        asked = json.loads(text)
        return float(asked["sent"]) if asked["type"] == "clock" else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


async def _send(ws: web.WebSocketResponse, one: Relay) -> None:
    with suppress(ConnectionError):
        while not ws.closed:
            message = one.next()
            if message is None and one.closed:
                await ws.close(code=WSCloseCode.GOING_AWAY, message=b"ended")
                return
            if message is None:
                one.bell.clear()
                await one.bell.wait()
            elif isinstance(message, str):
                await ws.send_str(message)
            else:
                await ws.send_bytes(message)
