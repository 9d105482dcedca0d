"""What goes through a city's door comes out as it went in, and is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from loadtests.city_door import Door
from tests.support.wait import eventually

BODY = bytes(range(256)) * 4000


async def city(request: web.BaseRequest) -> web.StreamResponse:
    if request.path.startswith("/live/1/720p/"):
        return web.Response(body=BODY)
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for said in ws:
        await ws.send_bytes(BODY + said.data)
    return ws


@asynccontextmanager
async def doors(
    city: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]] = city,
) -> AsyncIterator[tuple[Door, str]]:
    async with RawTestServer(city) as server:
        door = Door("127.0.0.1", server.port or 0)
        listening = await asyncio.start_server(door.take, "127.0.0.1", 0)
        async with listening:
            port = listening.sockets[0].getsockname()[1]
            yield door, f"http://127.0.0.1:{port}"
        await door.close()


async def test_bytes_are_the_same_and_requests_are_counted() -> None:
    async with doors() as (door, url), aiohttp.ClientSession() as http:
        for number in (1, 2, 1):
            async with http.get(f"{url}/live/1/720p/{number}.m4s") as answer:
                assert await answer.read() == BODY
    size = len(BODY)
    assert door.counts.told() == {"/live/1/720p/1.m4s": (2, size), "/live/1/720p/2.m4s": (1, size)}


async def test_a_relay_is_one_object_that_grows() -> None:
    async with doors() as (door, url), aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{url}/live/1/relay") as ws:
            await ws.send_bytes(b"more")
            assert await ws.receive_bytes() == BODY + b"more"
        (count, size_bytes) = door.counts.told()["/live/1/relay"]
    assert count == 1
    assert size_bytes >= len(BODY) + 4


async def test_who_leaves_is_gone_at_the_service_too() -> None:
    left = asyncio.Event()

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(BODY)
        finally:
            left.set()

    async with doors(endless) as (_, url), aiohttp.ClientSession() as http:
        answer = await http.get(f"{url}/live/1/720p/1.m4s")
        await answer.content.readexactly(1000)
        answer.close()
        await eventually(left.is_set)
