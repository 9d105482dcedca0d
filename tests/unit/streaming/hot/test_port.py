"""What a port adds to each head, and which requests it knows again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from streaming.hot.door import Doors
from streaming.hot.head import REMEMBERED_BYTES, Head, read_head
from streaming.hot.metrics import HotMetrics
from streaming.hot.patience import Why
from streaming.hot.port import Port

FIELDS = b"HTTP/1.1 200 OK\r\n"
NOW_UTC = 1_000_000_000.9


class Quiet:
    """A connection that does nothing."""

    in_head = half_closed = lags = holds = False
    waiting_bytes = 0
    port: Port

    def idle_since(self) -> float | None:
        return None

    def sweep(self, now: float) -> None:
        """Never overdue."""

    def end(self, why: Why) -> None:
        self.port.leave(self)

    def drain(self) -> None:
        self.port.leave(self)


def server() -> web.RequestHandler:
    raise AssertionError("nothing is lent")


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    metrics = HotMetrics(CollectorRegistry())
    port = Port(Doors({}, lambda: None), server, metrics, lambda: NOW_UTC)
    yield port
    await port.drain(1.0)


def read(raw: bytes) -> Head:
    found = read_head(raw)
    assert isinstance(found, Head)
    return found


async def test_a_head_has_the_time_and_an_id_of_its_own(port: Port) -> None:
    connection = Quiet()
    connection.port = port
    port.enter(connection)
    first, second = (port.finish_head(FIELDS, None, keep).split(b"\r\n") for keep in (True, False))
    assert first[0] == b"HTTP/1.1 200 OK"
    assert first[2:] == [
        b"Date: Sun, 09 Sep 2001 01:46:40 GMT", b"Connection: keep-alive", b"", b"",
    ]  # fmt: skip
    assert second[3] == b"Connection: close"
    assert first[1].startswith(b"X-Request-Id: ")
    assert first[1] != second[1]
    given = port.finish_head(FIELDS, b"upstream-1234", True)
    assert b"X-Request-Id: upstream-1234\r\n" in given


async def test_only_what_a_door_may_answer_is_known_again(port: Port) -> None:
    line = b"GET /1 HTTP/1.1\r\nHost: a\r\n"
    plain = line + b"\r\n"
    others = [
        b"POST" + plain[3:],
        line + b"Content-Length: 1\r\n\r\n",
        line + b"Transfer-Encoding: chunked\r\n\r\n",
        line + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        line + b"X: " + b"x" * REMEMBERED_BYTES + b"\r\n\r\n",
    ]
    for raw in [*others, plain]:
        port.remember(raw, read(raw))
    assert list(port.known) == [plain]
