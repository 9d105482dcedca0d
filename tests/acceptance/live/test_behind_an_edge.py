"""A countryside school watches through its box: one relay, a question, a city that goes away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from loadtests.client import signed_in
from loadtests.school import Box, new_code, running_box
from loadtests.service import ADMIN_PASSWORD, end, running
from tests.acceptance.live.conftest import DEVICE, TEACHER, City, Screens, book, settle
from tests.acceptance.live.steps import hold, moving, recorded
from tests.acceptance.live.test_an_origin_that_dies import start_again
from tests.support.wait import eventually

FRAMES = 30


@dataclass(frozen=True, slots=True)
class School:
    """The city, and the box of its countryside school."""

    city: City
    box: Box

    @property
    def inside(self) -> City:
        """The city as the school sees it: at the box's address."""
        service = replace(self.city.service, url=self.box.url)
        return replace(self.city, service=service)

    async def status(self) -> dict[str, Any]:
        """What the box says of itself."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.box.url}/edge/status") as one:
            found: dict[str, Any] = await one.json()
        return found

    async def metrics(self) -> str:
        """What it tells Prometheus."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.box.url}/metrics") as one:
            return await one.text()


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    """A city of its own, because its service does not live long."""
    with running() as service:
        yield asyncio.run(settle(service))


@pytest.fixture(scope="module")
def school(city: City) -> Iterator[School]:
    async def code() -> str:
        async with signed_in(city.url, "admin", ADMIN_PASSWORD) as admin:
            schools = (await admin.get("schools"))["items"]
        rural = next(item["id"] for item in schools if item["name"].startswith("西海岸"))
        return await new_code(city.url, rural)

    with running_box(city.url, asyncio.run(code())) as box:
        yield School(city, box)


@pytest_asyncio.fixture(loop_scope="session")
async def inside(browser: Browser, school: School) -> AsyncIterator[Screens]:
    """Pages that the school opens at its box."""
    screens = Screens(browser, school.inside, [])
    yield screens
    assert screens.thrown == []


async def test_a_school_takes_part_through_its_box(
    school: School, screens: Screens, inside: Screens
) -> None:
    session = (await book(school.city, "轴对称图形"))["id"]
    teacher = await screens.open(f"/studio/{session}", TEACHER)
    await teacher.get_by_role("button", name="开始上课").click()
    await expect(teacher.get_by_text("正在上课")).to_be_visible()
    room = await inside.open("/classroom", DEVICE)
    await moving(room, frames=FRAMES)
    guest = await inside.open(f"/watch/{session}")
    await moving(guest, frames=FRAMES)

    status = await school.status()
    (stream,) = status["streams"]
    assert (stream["live"], stream["title"]) == (True, "轴对称图形")
    assert stream["viewers"] == 2
    assert status["members"] == 2
    assert status["line"]["up"]
    figures = await school.metrics()
    for line in (
        "line_up 1.0",
        "relays 1.0",
        "room_members 2.0",
        'cache_state{state="keeping"} 1.0',
    ):
        assert f"tongbu_edge_{line}\n" in figures

    await room.get_by_role("button", name=re.compile("举手")).click()
    await expect(teacher.get_by_text(re.compile("举手")).first).to_be_visible()

    process = await asyncio.to_thread(start_again, school.city)
    try:
        await moving(guest, frames=FRAMES)
        await moving(room, frames=FRAMES)
        await hold(teacher, "结束")
        lesson = await recorded(school.city, session)
        await expect(guest.get_by_text("已经下课")).to_be_visible()

        async def line_is_up() -> bool:
            return bool((await school.status())["line"]["up"])

        await eventually(line_is_up)
        async with signed_in(school.box.url, TEACHER, school.city.passwords[TEACHER]) as client:

            async def is_there() -> bool:
                found = await client.get(f"lessons/{lesson['id']}")
                return bool(found["state"] == "ready")

            await eventually(is_there)
    finally:
        await asyncio.to_thread(end, process)
