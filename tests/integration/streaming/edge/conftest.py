"""A school's box in front of a real room: a line that a test can cut, a box that it can kill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, web
from prometheus_client import CollectorRegistry

from catalog.ending import end_task
from streaming.edge.reach import Cut
from streaming.edge.rooms import RoomRelay, UpstreamClock
from streaming.edge.staybook import StayBook
from streaming.edge.staying import Staying
from tests.integration.streaming.edge.test_proxy import serving
from tests.integration.streaming.room.conftest import SESSION, House, Person

VOUCHER = {"Tongbu-Edge": "the box"}

SAYING: list[str] = []
PUPIL = f"/live/{SESSION}/room?who=p1&role=viewer&name=小明"


class Slow:
    """A connection on which nothing can be said until the test lets it."""

    def __init__(self, socket: ClientWebSocketResponse, go_on: asyncio.Event) -> None:
        self._socket = socket
        self._go_on = go_on

    async def send_str(self, text: str) -> None:
        if not self._go_on.is_set():
            SAYING.append(text)
        await self._go_on.wait()
        await self._socket.send_str(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._socket, name)

    def __aiter__(self) -> ClientWebSocketResponse:
        return self._socket


class Line:
    """The way to the house; cut, nothing gets through."""

    def __init__(self, house: House, http: aiohttp.ClientSession) -> None:
        self.house = house
        self.http = http
        self.down = False
        self.dialled = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.back = asyncio.Event()
        self.asked: list[Mapping[str, str]] = []

    @property
    def cut(self) -> Cut | None:
        return Cut(0.0, "the test cut it") if self.down else None

    async def reachable(self) -> None:
        if self.down:
            await self.back.wait()

    def dial(
        self, path: str, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[ClientWebSocketResponse]:
        return self._dial(path, headers)

    @asynccontextmanager
    async def _dial(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[ClientWebSocketResponse]:
        self.dialled += 1
        if self.down:
            raise aiohttp.ClientConnectionError("the line is cut")
        self.asked.append(headers)
        url = self.house.server.make_url(path)
        async with self.http.ws_connect(url, headers={**headers, **VOUCHER}) as socket:
            yield cast(ClientWebSocketResponse, Slow(socket, self.go_on))


@dataclass
class School:
    """A box in front of the house."""

    house: House
    line: Line
    home: Path
    back_s: float = 0.2
    people: list[Person] = field(default_factory=list)

    async def pupil(self, path: str = PUPIL) -> Person:
        self.people.append(Person(await self.line.http.ws_connect(self.url + path)))
        return self.people[-1]

    async def lose_the_line(self) -> None:
        self.line.down = True
        self.line.back.clear()
        await self.house.stop()

    async def mend_it(self) -> None:
        self.house.registry = CollectorRegistry()
        await self.house.start()
        self.line.down = False
        self.line.back.set()

    async def start(self) -> None:
        """Start the box with what it kept."""
        self._stack = stack = AsyncExitStack()
        self.clock = UpstreamClock()
        book = StayBook(self.home / "stays.sqlite")
        self.staying = Staying(
            book, self.line.dial, self.line, back_s=self.back_s, again_s=lambda: repeat(0.05)
        )
        await self.staying.open()
        self._keeping = asyncio.create_task(self.staying.run())
        self.relay = RoomRelay(self.line.dial, _admit, self.clock, self.staying)
        app = web.Application()
        app.router.add_get("/live/{session}/room", self.relay.serve)
        self.url, _ = await stack.enter_async_context(serving(app))

    async def stop(self) -> None:
        """Stop the box in good order."""
        await self._stack.aclose()
        await end_task(self._keeping)
        await self.staying.close()

    async def kill(self) -> None:
        """End the box: nothing is kept any more that is not on the disk by now."""
        await end_task(self._keeping)
        await self.staying._book.close()
        await self._stack.aclose()


async def _admit(request: web.Request, session: str) -> None:
    """The box's own gate has nothing against anyone here."""


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[School]:
    """A running one."""
    house = House()
    await house.start()
    async with aiohttp.ClientSession(headers={"User-Agent": "tablet"}) as http:
        school = School(house, Line(house, http), tmp_path)
        await school.start()
        yield school
        for person in (*school.people, *house.people):
            await person.socket.close()
        await school.stop()
    await house.stop()
