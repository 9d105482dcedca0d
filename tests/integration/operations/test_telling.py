"""A box's connection: what it tells, and how its end is understood."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from catalog.db.edges_known import KnownEdges
from catalog.db.pool import Pool
from catalog.http.edge_telling import BURST, TellingApi
from catalog.operations.telling import TELLING_LIMIT_BYTES, Boxes, Telling, write_telling
from tests.support.api import open_desk
from tests.support.edges import Box, Bureau, open_bureau
from tests.support.sessions import Town, make_town
from tests.support.wait import eventually

WELL = write_telling(Telling(8_000_000, disk="keeping"))


class Desk:
    """A door for boxes, and one box of a school."""

    def __init__(self, boxes: Boxes, box: Box, school: str) -> None:
        self.boxes, self.box, self.school = boxes, box, school

    @asynccontextmanager
    async def dialled(self) -> AsyncIterator[ClientWebSocketResponse]:
        async with self.box.client.ws_connect(
            "/api/v1/edge/telling", headers=self.box.header
        ) as socket:
            yield socket

    def known(self) -> bool:
        return self.school in self.boxes.by_school(time.monotonic())

    def closed(self) -> bool:
        found = self.boxes.by_school(time.monotonic()).get(self.school)
        return found is not None and found.closed_s is not None


@pytest.fixture
async def desk(dsn: str, pool: Pool, tmp_path: Path) -> AsyncIterator[Desk]:
    async with pool.connection() as connection:
        town: Town = await make_town(connection)
    boxes = Boxes()
    async with AsyncExitStack() as stack:
        bureau: Bureau = await stack.enter_async_context(open_bureau(dsn, pool, tmp_path))
        box = await bureau.box(town.rural)
        known: KnownEdges = bureau.known
        api = TellingApi(boxes)
        door = await stack.enter_async_context(
            open_desk(pool, lambda pool, passwords: [api], edges=known)
        )
        stack.push_async_callback(api.close)
        box.client = door.client
        yield Desk(boxes, box, town.rural)


async def test_what_a_box_tells_is_known_and_its_end_is_its_own(desk: Desk) -> None:
    async with desk.dialled() as socket:
        assert not desk.known()
        await socket.send_bytes(WELL)
        await eventually(desk.known)
        assert not desk.closed()
    await eventually(desk.closed)
    async with desk.dialled() as socket:
        await eventually(lambda: not desk.closed())


@pytest.mark.parametrize("said", [b"{", b"[]", WELL + b" " * TELLING_LIMIT_BYTES])
async def test_nonsense_ends_the_connection_and_is_no_evidence(desk: Desk, said: bytes) -> None:
    async with desk.dialled() as socket:
        await socket.send_bytes(WELL)
        await eventually(desk.known)
        await socket.send_bytes(said)
        ended = await socket.receive(timeout=10)
        assert ended.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
        assert socket.close_code in (1008, 1009)
    assert not desk.closed()


async def test_a_box_that_tells_too_often_is_let_go(desk: Desk) -> None:
    async with desk.dialled() as socket:
        for _ in range(BURST + 2):
            await socket.send_bytes(WELL)
        await socket.receive(timeout=10)
        assert socket.close_code == 1008


async def test_a_person_is_no_box(desk: Desk) -> None:
    async with desk.box.client.get("/api/v1/edge/telling") as answer:
        assert answer.status == 401
    async with desk.box.client.get("/api/v1/edge/telling", headers=desk.box.header) as answer:
        assert answer.status == 400, "no WebSocket"
