"""POST /qoe over HTTP: what is taken, what is refused, how much of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from catalog.errors import Unavailable
from catalog.http.problem import problems
from streaming.qoe.app import QoeDoor
from streaming.qoe.rate import Rate
from streaming.qoe.report import REPORT_LIMIT_BYTES, Report
from tests.support.qoe import raw_report

Client = TestClient[web.Request, web.Application]
BURST = 20


class Taker:
    """Whoever takes reports."""

    def __init__(self) -> None:
        self.taken: list[Report] = []
        self.full = False

    async def take(self, report: Report) -> None:
        if self.full:
            raise Unavailable("the disk is full")
        self.taken.append(report)


@pytest.fixture
async def taker() -> Taker:
    return Taker()


@pytest.fixture
async def client(taker: Taker) -> AsyncIterator[Client]:
    door = QoeDoor(taker.take, rate=Rate(BURST, 0.5), clock=lambda: 7.0)
    app = web.Application(middlewares=[problems])
    app.add_routes(door.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("kind", ["application/json", "text/plain;charset=UTF-8"])
async def test_a_report_is_taken(client: Client, taker: Taker, kind: str) -> None:
    async with client.post("/qoe", data=raw_report(), headers={"Content-Type": kind}) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (204, "no-store")
    assert [report.play_ms for report in taker.taken] == [27_500]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[1]", raw_report(play_ms=-1), raw_report() + b" " * REPORT_LIMIT_BYTES]
)
async def test_what_is_no_report(client: Client, taker: Taker, body: bytes) -> None:
    async with client.post("/qoe", data=body) as answer:
        assert answer.status == 422
        assert (await answer.json())["detail"]
    assert taker.taken == []


async def test_an_endless_body_is_refused(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1024

    async with client.post("/qoe", data=endless()) as answer:
        assert answer.status == 422


async def test_who_reports_too_much_waits(client: Client, taker: Taker) -> None:
    for _ in range(BURST):
        async with client.post("/qoe", data=raw_report()) as answer:
            assert answer.status == 204
    async with client.post("/qoe", data=raw_report()) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    assert len(taker.taken) == BURST


async def test_who_cannot_keep_it_says_so(client: Client, taker: Taker) -> None:
    taker.full = True
    async with client.post("/qoe", data=raw_report()) as answer:
        assert answer.status == 503
        assert "Retry-After" in answer.headers
    async with client.get("/qoe") as answer:
        assert answer.status == 405
