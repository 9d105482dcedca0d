"""A body that is too large, or whose sender goes away, is refused and nothing goes wrong inside."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest

from catalog.db.pool import Pool
from catalog.http.endpoint import JSON_LIMIT_BYTES
from tests.support.api import open_desk


async def send(port: int, head: bytes, away: bool = False) -> bytes:
    """Send the beginning of a request and nothing more, or go away; give the answer if any."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\n" + head)
    if away:
        writer.write_eof()
    try:
        return await reader.read(200)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_sender_that_goes_away_is_no_error_inside(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_desk(pool) as desk:
        port = desk.client.port
        assert port
        await send(port, b'Content-Length: 100\r\n\r\n{"username"', away=True)
        await send(port, b'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a', away=True)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large_is_not_read_to_its_end(pool: Pool, announced: bool) -> None:
    length = b"Content-Length: 9999999\r\n\r\n"
    body = b"x" * (JSON_LIMIT_BYTES + 1)
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body)
    async with open_desk(pool) as desk:
        assert desk.client.port
        answer = await send(desk.client.port, length if announced else chunked)
    assert answer.startswith(b"HTTP/1.1 422")
