"""The room of a session through the box: each member's connection upstream, and the clock here.

Pings are answered here with the origin's time, which the box knows better than a tablet behind a
full line could: its offset comes from pings on the same connections. While the line is cut a member
stays connected, is told so, and what it says is kept and said again when the line is back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import aiohttp
from aiohttp import WSMsgType, web

from catalog.ids import new_id
from streaming.edge.presence import Presence
from streaming.edge.proxy import forwarded_for
from streaming.edge.staying import Dial, Staying
from streaming.edge.talk import MESSAGE_LIMIT_CHARS, Talk, ping_of, pong_of
from streaming.room.clock import Clock, Reading

log = logging.getLogger(__name__)

HEARTBEAT_S = 15.0
JOIN_S = 10.0
AGAIN_S = 0.5
PING_EVERY_S = 2.0
PASSED_ON = ("Cookie", "Authorization", "User-Agent")
TAKEN_OVER = 4001
FINAL = frozenset({1008, 1009, 1013, TAKEN_OVER})
NOT_YOURS = (
    '{"type":"refused","to":"stayed","reason":"no_right",'
    '"why":"who stayed is for a school\'s box to tell"}'
)

Admit = Callable[[web.Request, str], Awaitable[None]]


class UpstreamClock:
    """The origin's time, from all connections of the box."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        clock_utc: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._clock_utc = clock_utc
        self._core = Clock()
        self._pinged_at = float("-inf")

    @property
    def reading(self) -> Reading | None:
        """How far the origin's clock is from this machine's."""
        return self._core.best()

    def utc_ms(self) -> float:
        """Unix milliseconds at the origin."""
        reading = self._core.best()
        return self._clock_utc() * 1000 + (reading.offset_ms if reading else 0.0)

    def ping(self) -> str | None:
        """Give a ping when it is time for one."""
        now = self._clock()
        if now - self._pinged_at < PING_EVERY_S:
            return None
        self._pinged_at = now
        return json.dumps({"type": "ping", "t0": self._clock_utc() * 1000})

    def pong(self, t0_ms: float, t1_ms: float, t2_ms: float) -> None:
        """Take the answer."""
        self._core.take(t0_ms, t1_ms, t2_ms, self._clock_utc() * 1000)


class RoomRelay:
    """Serves `/live/{session}/room` in a school."""

    def __init__(self, dial: Dial, admit: Admit, clock: UpstreamClock, staying: Staying) -> None:
        self._dial = dial
        self._admit = admit
        self._clock = clock
        self._staying = staying
        self._members: set[_Member] = set()

    @property
    def members(self) -> int:
        """How many are connected."""
        return len(self._members)

    @property
    def waiting(self) -> int:
        """How many messages wait for the line."""
        return sum(member.waiting for member in self._members)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Take one member's connection until it closes. Raises what `admit` raises."""
        session = request.match_info["session"]
        await self._admit(request, session)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_LIMIT_CHARS, compress=False
        )
        await socket.prepare(request)
        presence = Presence(
            self._staying, session, request.remote or "", request.raw_path, _passed_on(request)
        )
        member = _Member(socket, self._clock, presence)
        self._members.add(member)
        try:
            following = asyncio.create_task(
                member.follow(self._dial, request.raw_path, _passed_on(request))
            )
            try:
                await member.listen()
            finally:
                presence.leave()
                following.cancel()
                with suppress(asyncio.CancelledError):
                    await following
        finally:
            self._members.discard(member)
        return socket


class _Member:
    """One member: its socket here and, while the line is there, the one upstream."""

    def __init__(
        self, socket: web.WebSocketResponse, clock: UpstreamClock, presence: Presence
    ) -> None:
        self._socket = socket
        self._clock = clock
        self._presence = presence
        self._talk = Talk(new_id)
        self._joined = asyncio.Event()
        self._up: aiohttp.ClientWebSocketResponse | None = None

    @property
    def waiting(self) -> int:
        """How many of its messages wait for the line."""
        return self._talk.waiting

    async def listen(self) -> None:
        """Take what the member says until it leaves."""
        async for found in self._socket:
            if found.type is not WSMsgType.TEXT:
                await self._socket.close(code=1008, message=b"text only")
                return
            sent = ping_of(found.data)
            if sent is not None:
                now_ms = self._clock.utc_ms()
                pong = {"type": "pong", "t0": sent, "t1": now_ms, "t2": now_ms}
                await self._socket.send_str(json.dumps(pong))
                continue
            up = self._up
            text = self._talk.hear(found.data, time.monotonic(), passed=up is not None)
            if text is None:
                await self._socket.send_str(NOT_YOURS)
                continue
            self._presence.come(text)
            self._joined.set()
            if up is not None:
                with suppress(ConnectionError):
                    await up.send_str(text)

    async def follow(self, dial: Dial, path: str, headers: Mapping[str, str]) -> None:
        """Keep a connection upstream, and bring what is said there."""
        await self._joined.wait()
        while not self._socket.closed:
            if self._presence.cut:
                await self._tell_down()
            try:
                async with dial(path, headers) as up:
                    if await self._converse(up):
                        return
            except aiohttp.WSServerHandshakeError as error:
                if 400 <= error.status < 500:
                    await self._socket.close(code=1008, message=b"not admitted")
                    return
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("a member's way upstream is away: %r", error)
            self._presence.hide()
            await self._tell_down()
            await asyncio.sleep(AGAIN_S)

    async def _converse(self, up: aiohttp.ClientWebSocketResponse) -> bool:
        """Pass on both ways; tell whether the room has closed for good."""
        for text in (*self._talk.again(time.monotonic()), self._presence.word()):
            if text is not None:
                await up.send_str(text)
        while (waiting := self._talk.next_waiting(time.monotonic())) is not None:
            await up.send_str(waiting)
        self._up = up
        try:
            async for found in up:
                if found.type is not WSMsgType.TEXT:
                    break
                await self._bring(up, found.data)
        finally:
            self._up = None
            self._talk.cut(time.monotonic())
        if up.close_code in FINAL:
            await self._socket.close(code=up.close_code)
            return True
        return False

    async def _bring(self, up: aiohttp.ClientWebSocketResponse, text: str) -> None:
        pong = pong_of(text)
        if pong is not None:
            self._clock.pong(*pong)
        elif not self._presence.hear(text):
            with suppress(ConnectionError):
                await self._socket.send_str(text)
        ping = self._clock.ping()
        if ping is not None:
            await up.send_str(ping)

    async def _tell_down(self) -> None:
        with suppress(ConnectionError):
            await self._socket.send_str('{"type":"line","up":false}')


def _passed_on(request: web.Request) -> dict[str, str]:
    own = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    return own | {"X-Forwarded-For": forwarded_for(request)}
