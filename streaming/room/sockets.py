"""The WebSocket `/live/{session}/room`: one connection of one member.

    app.router.add_get("/live/{session}/room", RoomSockets(rooms, admit).serve)

Who asks is told by `admit` before the connection is taken, so that its errors become ordinary
answers. The first message must be `join`, within 10 s; or, from a school's box, `stayed`, which is
noted and ends the connection. Pings are answered here, at once.

Limits: 16 KiB a message; 20 messages a second a member: what is over is refused and told, and who
goes on (20 refusals, one more a second) is closed with 1008.

Spec: RFC 6455 sections 5.5 and 7.4.
"""

from __future__ import annotations

import asyncio

from aiohttp import WSMessage, WSMsgType, web

from catalog.errors import Unavailable
from streaming.room import messages
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import (
    NAMES,
    Admitted,
    Arrive,
    Depart,
    Join,
    Message,
    Ping,
    Say,
    Stayed,
    WasHere,
)
from streaming.room.line import LINGER_S, Close, Line
from streaming.room.live_room import LiveRoom, Mail
from streaming.room.messages import MESSAGE_LIMIT_BYTES
from streaming.room.pace import Pace
from streaming.room.port import Admit
from streaming.room.rooms import Rooms

JOIN_S = 10.0
HEARTBEAT_S = 15.0
MESSAGES_PER_S = 20.0
REFUSALS_PER_S = 1.0
REFUSALS_BURST = 20.0
CLEAN_CODES = (0, 1000, 1001, 1005)


class RoomSockets:
    """Serves the room's connections."""

    def __init__(self, rooms: Rooms, admit: Admit, join_s: float = JOIN_S) -> None:
        self._rooms = rooms
        self._admit = admit
        self._join_s = join_s

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Take one connection from join to close. Raises what `admit` and `Rooms.get` raise."""
        session = request.match_info["session"]
        who = await self._admit(request, session)
        room = await self._rooms.get(session)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_LIMIT_BYTES, compress=False,
            timeout=LINGER_S,
        )  # fmt: skip
        await socket.prepare(request)
        line = Line(who.role, lambda: _cut(request))
        talk = _Talk(socket, line, room, self._rooms)
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(talk.run(who, self._join_s))
                await line.send_all(socket)
                listening.cancel()
        finally:
            room.post(Mail(Depart("", talk.clean), line))
        await socket.close(code=line.code or Close.AWAY)
        return socket


class _Talk:
    """What one connection says, until it or the line is closed."""

    def __init__(
        self, socket: web.WebSocketResponse, line: Line, room: LiveRoom, rooms: Rooms
    ) -> None:
        self.clean = False
        self._socket = socket
        self._line = line
        self._room = room
        self._metrics = rooms.metrics
        self._clock_utc = rooms.clock_utc
        self._clock = asyncio.get_running_loop().time
        self._pace = Pace(MESSAGES_PER_S, MESSAGES_PER_S, self._clock())
        self._patience = Pace(REFUSALS_PER_S, REFUSALS_BURST, self._clock())

    async def run(self, who: Admitted, join_s: float) -> None:
        """Let a member in and pass on what it says; then the line is closed."""
        try:
            async with asyncio.timeout(join_s):
                first = await self._first()
                if isinstance(first, Stayed):
                    await self._note(who, first)
            if isinstance(first, Join) and await self._arrives(who, first):
                await self._listen(who)
        except TimeoutError:
            self._line.close(Close.POLICY)
        finally:
            self._line.close(Close.AWAY)

    async def _listen(self, who: Admitted) -> None:
        while self._line.code is None:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.clean = _is_clean(message)
                return
            await self._hear(message, who)
            await self._room.ready()

    async def _first(self) -> Join | Stayed | None:
        """Read the first message; anything but `join` and `stayed` ends the connection."""
        message = await self._socket.receive()
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return None
        try:
            said = _read(message)
            if isinstance(said, Join | Stayed):
                return said
            raise Refused(Reason.NOT_NOW, "the first message must be `join`")
        except Refused as error:
            self._refuse(error)
            self._line.close(Close.POLICY)
            return None

    async def _note(self, who: Admitted, stay: Stayed) -> None:
        """Let a stay be written; a box that hears nothing says it again."""
        try:
            await self._room.record(WasHere(who, stay))
        except Refused as error:
            self._refuse(error, NAMES[Stayed])
            end = Close.POLICY
        except Unavailable:
            end = Close.AWAY
        else:
            self._line.push(messages.noted(stay.id))
            end = Close.DONE
        if self._line.member is None:
            self._line.close(end)

    async def _arrives(self, who: Admitted, join: Join) -> bool:
        try:
            await self._room.ask(Arrive(who, join), self._line)
        except Refused as error:
            self._refuse(error, "join")
            self._line.close(Close.FULL)
            return False
        except Unavailable:
            self._line.close(Close.AWAY)
            return False
        return True

    async def _hear(self, message: WSMessage, who: Admitted) -> None:
        """Pass a message on, or say why not; close the line of one that does not listen."""
        read_utc = self._clock_utc()
        try:
            if not self._pace.take(self._clock()):
                raise Refused(Reason.TOO_FAST, "at most 20 messages a second: slow down")
            said = _read(message)
        except Refused as error:
            self._refuse(error)
            if not self._patience.take(self._clock()):
                self._line.close(Close.POLICY)
            return
        if isinstance(said, Stayed):
            await self._note(who, said)
        elif isinstance(said, Ping):
            self._line.push(messages.pong(said, read_utc, self._clock_utc()))
        else:
            self._room.post(Mail(Say("", said), self._line))

    def _refuse(self, error: Refused, to: str | None = None) -> None:
        self._metrics.refused.labels(error.reason.value).inc()
        self._line.push(messages.refused(error, to))


def _read(message: WSMessage) -> Message:
    if message.type is WSMsgType.BINARY:
        raise Refused(Reason.UNREADABLE, "the room takes JSON in text messages only")
    return messages.read(message.data)


def _is_clean(message: WSMessage) -> bool:
    return message.type is WSMsgType.CLOSE and message.data in CLEAN_CODES


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
