"""A line that is thin and can be cut, and a box behind it as the README starts it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from loadtests.box_on_a_line import split
from loadtests.client import signed_in
from loadtests.school import new_code
from loadtests.service import (
    ADMIN_PASSWORD,
    Service,
    end,
    running,
    service_environment,
    wait_for_address,
)
from loadtests.thin_line import LATE_S, line
from tests.support.wait import eventually

BODY_BYTES = 100_000
RATE_BPS = 2_000_000


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
        assert time.monotonic() - begun >= 3 * BODY_BYTES * 8 / RATE_BPS - LATE_S


async def test_nothing_passes_a_cut(origin: str) -> None:
    async with line(origin, RATE_BPS) as thin:
        reading = asyncio.create_task(read(thin.url))
        await asyncio.sleep(0.1)
        thin.cut()
        done, _ = await asyncio.wait((reading,), timeout=2 * BODY_BYTES * 8 / RATE_BPS)
        assert not done
        thin.mend()
        await reading


def test_the_command_that_a_city_prints_goes_by_the_line() -> None:
    told = "tongbu edge --origin http://127.0.0.1:8080 --enrol A-B --data box"
    rest = ["--enrol", "A-B", "--data", "box"]
    assert split(told.split()) == ("http://127.0.0.1:8080", rest)
    assert split(["--origin=http://x.example:80", *rest]) == ("http://x.example:80", rest)


@pytest.mark.parametrize("words", [[], ["tongbu", "edge"], ["tongbu", "edge", "--origin"]])
def test_a_command_without_an_origin_is_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match="--origin URL"):
        split(words)


@pytest.mark.parametrize("origin", ["https://tongbu.example", "http://tongbu.example", "tongbu:80"])
def test_a_line_carries_plain_http(origin: str) -> None:
    with pytest.raises(ValueError, match="plain HTTP"):
        split(["--origin", origin])


@pytest.fixture(scope="module")
def city() -> Iterator[Service]:
    with running() as service:
        yield service


async def a_code(city: Service) -> str:
    async with signed_in(city.url, "admin", ADMIN_PASSWORD) as admin:
        district = (await admin.post("districts", {"name": "平度市"}))["id"]
        school = {"name": "旧店镇中心小学", "district": district, "setting": "rural"}
        made = str((await admin.post("schools", school))["id"])
    return await new_code(city.url, made)


@contextmanager
def box(city: Service, code: str, home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give the process whose plug is pulled with Enter, and the box's address."""
    log = home / "box.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "loadtests.box_on_a_line", "--port", "0", "2",
             "tongbu", "edge", "--origin", city.url, "--enrol", code,
             "--data", str(home / "data"), "--listen", "127.0.0.1:0"],
            env=service_environment(home / "data"), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said,
        )  # fmt: skip
    try:
        yield process, wait_for_address(process, log)
    finally:
        assert process.stdin
        process.stdin.close()
        assert end(process) == 0


def press_enter(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


async def until_the_line_is(url: str, up: bool) -> None:
    """Ask the box's own status."""
    async with aiohttp.ClientSession() as http:

        async def found() -> bool:
            async with http.get(
                f"{url}/edge/status", headers={"Accept": "application/json"}
            ) as got:
                return bool((await got.json())["line"]["up"]) == up

        await eventually(found)


def test_enter_pulls_the_plug_and_puts_it_back(city: Service, tmp_path: Path) -> None:
    with box(city, asyncio.run(a_code(city)), tmp_path) as (process, url):
        asyncio.run(until_the_line_is(url, up=True))
        press_enter(process)
        asyncio.run(until_the_line_is(url, up=False))
        press_enter(process)
        asyncio.run(until_the_line_is(url, up=True))
