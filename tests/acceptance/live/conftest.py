"""A service with a pair of schools, a teacher, a classroom's device, and a lesson to be given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from loadtests.client import Client, signed_in
from loadtests.service import ADMIN_PASSWORD, Service, running
from tests.support.accessibility import axe as axe
from tests.support.wait import eventually

STEP_LIMIT_MS = 60_000
TEACHER, SECOND_TEACHER, DEVICE = "wangfang", "zhaolei", "kiosk"
OVER = {"ended", "recorded", "failed", "cancelled"}
PICTURES = Path(__file__).parents[3] / "catalog/web/test-results"


@dataclass(frozen=True, slots=True)
class City:
    """Who is there: passwords by user name, rooms by part."""

    service: Service
    passwords: dict[str, str]
    rooms: dict[str, str]

    @property
    def url(self) -> str:
        """Where the service is."""
        return self.service.url


@pytest.fixture(scope="package")
def city() -> Iterator[City]:
    """Start the service and fill it."""
    with running() as service:
        yield asyncio.run(settle(service))


async def settle(service: Service) -> City:
    """Fill a fresh service."""
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as admin:
        district = (await admin.post("districts", {"name": "市南区"}))["id"]
        near = await _school(admin, district, "市南区海风小学", "urban")
        far = await _school(admin, district, "西海岸新区海风小学", "rural")
        await admin.post("pairs", {"urban_school": near, "rural_school": far})
        rooms = {
            "main": await _classroom(admin, near, "录播教室"),
            "second": await _classroom(admin, far, "专递课堂教室"),
            "listening": await _classroom(admin, far, "智慧教室 1"),
        }
        passwords = {
            TEACHER: await _person(admin, TEACHER, "王芳", {"role": "teacher", "school": near}),
            SECOND_TEACHER: await _person(
                admin, SECOND_TEACHER, "赵磊", {"role": "teacher", "school": far}
            ),
            DEVICE: await _person(
                admin, DEVICE, "智慧教室 1", {"role": "classroom", "classroom": rooms["listening"]}
            ),
        }
    return City(service, passwords, rooms)


async def _school(admin: Client, district: str, name: str, setting: str) -> str:
    added = await admin.post("schools", {"name": name, "district": district, "setting": setting})
    return str(added["id"])


async def _classroom(admin: Client, school: str, name: str) -> str:
    return str((await admin.post("classrooms", {"school": school, "name": name}))["id"])


async def _person(admin: Client, username: str, name: str, role: dict[str, str]) -> str:
    added = await admin.post("users", {"username": username, "name": name, "affiliations": [role]})
    return str(added["password"])


async def book(city: City, title: str, **more: object) -> dict[str, Any]:
    """Let the teacher book a lesson that begins now, open to guests."""
    async with signed_in(city.url, TEACHER, city.passwords[TEACHER]) as teacher:
        booked: dict[str, Any] = await teacher.post(
            "sessions",
            {
                "title": title, "kind": "sync_class", "open_to_all": True, "duration_s": 1200,
                "main_classroom": city.rooms["main"], "starts_at": datetime.now(UTC).isoformat(),
                "listening_classrooms": [city.rooms["listening"]], **more,
            },
        )  # fmt: skip
    return booked


async def finish(city: City, session: str) -> None:
    """End a lesson if it is not over yet, so that its classrooms are free for the next one."""
    async with signed_in(city.url, TEACHER, city.passwords[TEACHER]) as teacher:

        async def state() -> str:
            return str((await teacher.get(f"sessions/{session}"))["state"])

        async def over() -> bool:
            return await state() in OVER

        if (now := await state()) not in OVER:
            # What never had its room opened cannot end.
            await teacher.post(f"sessions/{session}/{'cancel' if now == 'scheduled' else 'end'}")
        await eventually(over)


Booked = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture(loop_scope="session")
async def booked(city: City) -> AsyncIterator[Booked]:
    """Books lessons and gives their ids; however a test ends, their rooms are free then."""
    sessions: list[str] = []

    async def one(title: str, **more: object) -> str:
        sessions.append(str((await book(city, title, **more))["id"]))
        return sessions[-1]

    yield one
    for session in sessions:
        await finish(city, session)


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are kept."""
    PICTURES.mkdir(exist_ok=True)
    return PICTURES


# Two cores encode and show several lessons: a camera gives a quarter of what is asked for.
SMALL_CAMERA = """(() => {
  if (!window.MediaDevices) return;
  const open = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = function ({ video, ...rest }) {
    const small = video && { ...video, width: { ideal: 640 }, height: { ideal: 360 } };
    return open.call(this, { ...rest, ...(video ? { video: small } : {}) });
  };
})()"""


@dataclass(frozen=True, slots=True)
class Screens:
    """Opens pages as the people of the lesson; what a page throws is kept."""

    browser: Browser
    city: City
    thrown: list[str]

    async def open(self, path: str, username: str | None = None, script: str = "") -> Page:
        """Open a page in a browser window of its own, signed in when a name is given.

        The script runs before the page's own: it takes from the browser what others lack.
        """
        context = await self._context()
        if script:
            await context.add_init_script(script)
        if username:
            answer = await context.request.post(
                "/api/v1/login",
                data={"username": username, "password": self.city.passwords[username]},
            )
            assert answer.ok, await answer.text()
        page = await context.new_page()
        page.on("pageerror", lambda error: self.thrown.append(str(error)))
        await page.goto(path)
        return page

    async def _context(self) -> BrowserContext:
        context = await self.browser.new_context(
            base_url=self.city.url, locale="zh-CN", viewport={"width": 1280, "height": 800},
            permissions=["camera", "microphone"],
        )  # fmt: skip
        context.set_default_timeout(STEP_LIMIT_MS)
        await context.add_init_script(SMALL_CAMERA)
        return context


@pytest_asyncio.fixture(loop_scope="session")
async def screens(
    browser: Browser, city: City, pictures: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Screens]:
    """Pages of one test; none may throw. How they looked at the end is kept as pictures."""
    expect.set_options(timeout=STEP_LIMIT_MS)
    screens = Screens(browser, city, [])
    yield screens
    for number, context in enumerate(browser.contexts):
        for page in context.pages:
            await page.screenshot(path=pictures / f"{request.node.name}-{number}.png")
    assert screens.thrown == []


@dataclass(frozen=True, slots=True)
class OnAir:
    """A lesson that is given at the moment, and the teacher's page."""

    session: str
    teacher: Page

    @property
    def watch(self) -> str:
        """Where guests see it."""
        return f"/watch/{self.session}"


@pytest_asyncio.fixture(loop_scope="session")
async def on_air(screens: Screens, booked: Booked) -> OnAir:
    """A lesson given from the teacher's tab; its end is the end of the test."""
    session = await booked("轴对称图形")
    teacher = await screens.open(f"/studio/{session}", TEACHER)
    await teacher.get_by_role("button", name="开始上课").click()
    await expect(teacher.get_by_text("正在上课")).to_be_visible()
    return OnAir(session, teacher)
