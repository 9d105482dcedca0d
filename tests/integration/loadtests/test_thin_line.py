"""A line that is thin and can be cut, and a box behind it as the README starts it."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aiohttp import web

from loadtests.box_on_a_line import split
from loadtests.school import Box, running_box, school_with_a_box
from loadtests.service import Service, running
from loadtests.thin_line import BURST_S, line
from tests.support.wait import eventually

BODY_BYTES = 100_000
RATE_BPS = 2_000_000
BEHIND_2_MBPS = ("loadtests.box_on_a_line", "--port", "0", "2", "tongbu")


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    """A service with one body."""

    async def body(request: web.Request) -> web.Response:
        return web.Response(body=bytes(BODY_BYTES))

    app = web.Application()
    app.router.add_get("/", body)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def read(url: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert len(await answer.read()) == BODY_BYTES


async def test_all_connections_share_the_rate(origin: str) -> None:
    async with line(origin, RATE_BPS) as thin:
        begun = time.monotonic()
        await asyncio.gather(*(read(thin.url) for _ in range(3)))
        assert time.monotonic() - begun >= 3 * BODY_BYTES * 8 / RATE_BPS - BURST_S


async def test_nothing_passes_a_cut(origin: str) -> None:
    async with (
        line(origin, RATE_BPS) as thin,
        aiohttp.ClientSession() as http,
        http.get(thin.url) as answer,
    ):
        first = await answer.content.readany()
        thin.cut()
        reading = asyncio.create_task(answer.content.read())
        done, _ = await asyncio.wait((reading,), timeout=2 * BODY_BYTES * 8 / RATE_BPS)
        assert not done
        thin.mend()
        assert len(first) + len(await reading) == BODY_BYTES


def test_the_command_that_a_city_prints_goes_by_the_line() -> None:
    rest = ["--enrol", "A-B", "--data", "box"]
    for origin in (["--origin", "http://127.0.0.1:8080"], ["--origin=http://127.0.0.1:8080"]):
        assert split(["tongbu", "edge", *origin, *rest]) == ("http://127.0.0.1:8080", rest)


@pytest.mark.parametrize(
    "words",
    ["", "tongbu edge", "tongbu edge --origin", "tongbu serve --origin http://x.example:80",
     "tongbu edge --origin https://tongbu.example", "tongbu edge --origin http://tongbu.example"],
)  # fmt: skip
def test_what_is_no_command_of_a_box_or_no_plain_http_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="tongbu edge --origin http://HOST:PORT"):
        split(words.split())


@pytest.fixture(scope="module")
def city() -> Iterator[Service]:
    with running() as service:
        yield service


def press_enter(box: Box) -> None:
    assert box.process.stdin
    box.process.stdin.write("\n")
    box.process.stdin.flush()


async def until_the_line_is(box: Box, up: bool) -> None:
    """Ask the box's own status."""
    url, asked = f"{box.url}/edge/status", {"Accept": "application/json"}
    async with aiohttp.ClientSession(headers=asked) as http:

        async def found() -> bool:
            async with http.get(url) as answer:
                return bool((await answer.json())["line"]["up"]) == up

        await eventually(found)


def test_enter_pulls_the_plug_and_puts_it_back(city: Service) -> None:
    _, code = asyncio.run(school_with_a_box(city.url))
    with running_box(city.url, code, program=BEHIND_2_MBPS, stdin=subprocess.PIPE) as box:
        asyncio.run(until_the_line_is(box, up=True))
        press_enter(box)
        asyncio.run(until_the_line_is(box, up=False))
        press_enter(box)
        asyncio.run(until_the_line_is(box, up=True))
        assert box.process.stdin
        box.process.stdin.close()
    assert box.process.returncode == 0
