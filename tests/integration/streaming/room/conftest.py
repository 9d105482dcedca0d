"""A server with rooms on 127.0.0.1, and people who connect to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from catalog.errors import NotFound
from catalog.live import RoomRole
from streaming.room.inputs import Admitted
from streaming.room.metrics import RoomMetrics
from streaming.room.rooms import Rooms
from streaming.room.sockets import RoomSockets
from tests.support.rooms import MemoryBook, MemoryKeys, MemoryLog, patch

SESSION = "s1"


async def admit(request: web.Request, session: str) -> Admitted:
    """Believe what the address says."""
    query = request.query
    boxed = request.headers.get("Tongbu-Edge") == "the box"
    return Admitted(query["who"], RoomRole(query["role"]), query.get("name", ""), boxed)


class Person:
    """One page: what it was told, and the room as it sees it."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []
        self.page: dict[str, Any] = {}
        self.welcome: dict[str, Any] = {}
        self.member = ""

    async def say(self, type_: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"type": type_, **fields}))

    async def hear(self, type_: str) -> dict[str, Any]:
        """Read until a message of that type comes."""
        while True:
            message = await self.socket.receive(timeout=20)
            assert message.type is WSMsgType.TEXT, f"{message.type} {message.data}, not {type_}"
            told: dict[str, Any] = json.loads(message.data)
            self._note(told)
            if told["type"] == type_:
                return told

    async def sees(self, name: str, wanted: Any) -> None:
        """Read changes until a value of the page is as wanted (or a function says that it is)."""
        holds = wanted if callable(wanted) else lambda value: value == wanted
        while not _true_of(holds, self.page.get(name)):
            await self.hear("room")

    async def closed(self) -> int | None:
        """Read to the end; give the code of closing."""
        async for message in self.socket:
            self._note(json.loads(message.data))
        return self.socket.close_code

    def cut(self) -> None:
        """Lose the line without a word."""
        self._transport.abort()

    def stop_reading(self) -> None:
        """Take nothing more off the network."""
        self._transport.pause_reading()

    @property
    def _transport(self) -> asyncio.Transport:
        connection = self.socket._response.connection
        assert connection is not None
        assert isinstance(connection.transport, asyncio.Transport)
        return connection.transport

    def _note(self, told: dict[str, Any]) -> None:
        self.told.append(told)
        if told["type"] == "welcome":
            self.welcome, self.page, self.member = told, told["room"], told["member"]
        elif told["type"] == "room":
            patch(self.page, told["changes"])


def _true_of(holds: Callable[[Any], bool], value: Any) -> bool:
    """What speaks of something that is not there yet does not hold."""
    try:
        return holds(value)
    except KeyError:
        return False


@dataclass
class House:
    """A server that can be started anew; the catalogue behind it stays."""

    book: MemoryBook = field(default_factory=lambda: MemoryBook(SESSION))
    log: MemoryLog = field(default_factory=MemoryLog)
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    join_s: float = 10.0
    people: list[Person] = field(default_factory=list)

    async def start(self) -> None:
        self.rooms = Rooms(self.book, self.log, self.keys, RoomMetrics(self.registry))
        app = web.Application(middlewares=[problems])
        app.router.add_get(
            "/live/{session}/room", RoomSockets(self.rooms, admit, self.join_s).serve
        )
        self.server = TestServer(app)
        await self.server.start_server()
        self.client = ClientSession(connector=TCPConnector(limit=0))

    async def stop(self) -> None:
        await self.rooms.close()
        await self.client.close()
        await self.server.close()

    async def restart(self) -> None:
        await self.stop()
        self.registry = CollectorRegistry()
        await self.start()

    def url(self, who: str, role: str, name: str, session: str) -> str:
        query = f"?who={who}&role={role}&name={name}"
        return str(self.server.make_url(f"/live/{session}/room{query}"))

    async def connect(self, who: str, role: str = "viewer", name: str = "") -> Person:
        """Connect and say nothing yet."""
        url = self.url(who, role, name, SESSION)
        person = Person(await self.client.ws_connect(url, max_msg_size=0))
        self.people.append(person)
        return person

    async def join(self, who: str, role: str = "viewer", name: str = "", **fields: Any) -> Person:
        """Connect, join, and be welcomed."""
        person = await self.connect(who, role, name)
        await person.say("join", **fields)
        await person.hear("welcome")
        return person

    def figure(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@web.middleware
async def problems(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        found: web.StreamResponse = await handler(request)
    except NotFound as error:
        return web.Response(status=404, text=str(error))
    return found


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A running server."""
    house = House()
    await house.start()
    try:
        yield house
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await house.stop()
