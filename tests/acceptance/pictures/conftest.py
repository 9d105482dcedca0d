"""The demo city with lessons that look like lessons, and browsers whose cameras see blackboards.

Pictures are taken only when asked for: `pytest tests/acceptance/pictures --regen`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster
from playwright.async_api import Browser, Page, ViewportSize, expect

from loadtests.client import Client, signed_in
from loadtests.service import ADMIN_PASSWORD, Service, running
from tests.acceptance.pictures.blackboards import LESSON, LESSONS, LISTENING, Taught
from tests.support.chromium import (
    FAKE_DEVICES,
    PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER,
    find_chromium,
    launched,
)
from tests.support.drawn import camera, draw, film, webp
from tests.support.operations import PASSWORD, Lesson

FOLDER = Path(__file__).parents[3] / "docs/pictures"
TEACHER, DEVICE, OPEN_NOW = "wangfang", "classroom", "生活中的对称"
SCREEN: ViewportSize = {"width": 1280, "height": 800}
READY_LIMIT_S = 180.0
STEP_LIMIT_MS = 60_000
LESSON_S = 24
# Their pictures stand still: what is booked for four lessons would not be used.
ENOUGH = {"TONGBU_LIVE_ENCODE_CORES": "8"}
SUBTITLES = (
    "同学们好，今天我们来证明勾股定理。", "以直角三角形的三条边为边长，各画一个正方形。",
    "两个小正方形的面积之和，等于大正方形的面积。", "这就是赵爽弦图里藏着的道理。",
    "请大家用四个全等的直角三角形自己拼一拼。", "想一想：如果两条直角边是 3 和 4，斜边是几？",
)  # fmt: skip


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Take no pictures unless they are to be written anew."""
    is_test = collection_path.name.startswith("test_")
    return True if is_test and not config.getoption("--regen") else None


@dataclass(frozen=True, slots=True)
class City:
    """The demo city: passwords of its people, the lesson to watch, the session to give."""

    url: str
    passwords: dict[str, str]
    lesson: str
    session: str


@dataclass(frozen=True, slots=True)
class Films:
    """Where drawn pictures and films lie."""

    folder: Path

    def video(self, name: str) -> Path:
        """Give a film."""
        return self.folder / f"{name}.mp4"

    def camera(self, name: str) -> Path:
        """Give what a camera sees."""
        return self.folder / f"{name}.y4m"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    """Draw all blackboards and make films of them."""
    found = Films(tmp_path_factory.mktemp("films"))
    asyncio.run(_draw_all(found))
    return found


async def _draw_all(films: Films) -> None:
    async with launched(find_chromium()) as browser:
        for number, taught in enumerate(LESSONS):
            picture = await draw(browser, taught.board, films.folder / f"{number}.png")
            await asyncio.to_thread(film, picture, films.video(str(number)), LESSON_S)
        for name, board in (("lesson", LESSON), ("listening", LISTENING)):
            picture = await draw(browser, board, films.folder / f"{name}.png")
            await asyncio.to_thread(camera, picture, films.camera(name))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """The service with the demo city."""
    with running("--demo", extra=ENOUGH) as started:
        yield started


@pytest.fixture(scope="module")
def city(service: Service, films: Films) -> City:
    """Fill the library and find the people."""
    FOLDER.mkdir(exist_ok=True)
    return asyncio.run(_settle(service.url, films))


async def _settle(url: str, films: Films) -> City:
    async with signed_in(url, "admin", ADMIN_PASSWORD) as admin:
        passwords = {name: await _reset(admin, name) for name in (TEACHER, DEVICE)}
        sessions = (await admin.get("sessions", state="waiting"))["items"]
        (session,) = (one["id"] for one in sessions if one["title"] == OPEN_NOW)
    async with signed_in(url, TEACHER, passwords[TEACHER]) as teacher:
        lessons = [
            await _lesson(teacher, films.video(str(number)), taught)
            for number, taught in enumerate(LESSONS)
        ]
        for lesson in lessons:
            done = await teacher.until(lesson, "ready", limit_s=READY_LIMIT_S)
            assert done["state"] == "ready", done["error"]
        await _subtitles(teacher, lessons[-1])
    return City(url, passwords, lessons[-1], session)


async def _reset(admin: Client, username: str) -> str:
    people = (await admin.get("users", q=username))["items"]
    (person,) = (one["id"] for one in people if one["username"] == username)
    return str((await admin.post(f"users/{person}/reset"))["password"])


async def _lesson(teacher: Client, video: Path, taught: Taught) -> str:
    lesson = await teacher.upload(
        video,
        {"title": taught.title, "teacher": "王芳", "stage": taught.stage, "grade": taught.grade,
         "subject": taught.subject, "series": "青快学"},
    )  # fmt: skip
    points = {"knowledge_points": list(taught.points)}
    async with teacher.http.patch(f"{teacher.url}/api/v1/lessons/{lesson}", json=points) as answer:
        assert answer.status < 300, await answer.text()
    return lesson


async def _subtitles(teacher: Client, lesson: str) -> None:
    each_s = LESSON_S // len(SUBTITLES)
    cues = (
        f"00:{each_s * n:02d}.000 --> 00:{each_s * (n + 1):02d}.000\n{text}"
        for n, text in enumerate(SUBTITLES)
    )
    url = f"{teacher.url}/api/v1/lessons/{lesson}/subtitles/zh?label=中文"
    body = "\n\n".join(["WEBVTT", *cues]).encode()
    async with teacher.http.put(url, data=body, headers={"Content-Type": "text/vtt"}) as answer:
        assert answer.status < 300, await answer.text()


async def lesson_between(admin: Client, pair: dict[str, Any], title: str, teacher: str) -> Lesson:
    """Open a lesson of a pair of schools, with an account for a board in each listening room."""
    near, far = pair["urban_school"], pair["rural_school"]
    main = (await admin.get("classrooms", school=near["id"]))["items"][0]
    rooms = [one["id"] for one in (await admin.get("classrooms", school=far["id"]))["items"]][:3]
    for room in rooms:
        role = {"role": "classroom", "classroom": room}
        await admin.post("users", {"username": f"board-{room}", "name": "智慧教室",
                                   "password": PASSWORD, "affiliations": [role]})  # fmt: skip
    role = {"role": "teacher", "school": near["id"]}
    person = await admin.post(
        "users", {"username": f"teacher-{near['id']}", "name": teacher, "affiliations": [role]}
    )
    booked = await admin.post(
        "sessions",
        {"title": title, "kind": "sync_class", "duration_s": 2400, "main_classroom": main["id"],
         "teacher": person["id"],
         "listening_classrooms": rooms, "starts_at": datetime.now(UTC).isoformat()},
    )  # fmt: skip
    await admin.post(f"sessions/{booked['id']}/open")
    rtmp = booked["ingest"]["rtmp"]
    push = f"{rtmp['server']}/{rtmp['key']}"
    return Lesson(admin, booked["id"], push, "", near["id"], far["id"], tuple(rooms))


@dataclass(frozen=True, slots=True)
class Photographer:
    """Opens pages as people of the city, and keeps how they look."""

    city: City
    films: Films
    stack: AsyncExitStack
    chromium: str

    async def browser(self, name: str) -> Browser:
        """Start a browser whose camera sees one of the blackboards."""
        sees = f"--use-file-for-fake-video-capture={self.films.camera(name)}"
        started = launched(self.chromium, *FAKE_DEVICES, sees)
        return await self.stack.enter_async_context(started)

    async def open(self, browser: Browser, path: str, username: str, theme: str = "light") -> Page:
        """Open a page in a window of its own."""
        context = await browser.new_context(
            base_url=self.city.url, locale="zh-CN", viewport=SCREEN,
            permissions=["camera", "microphone"],
        )  # fmt: skip
        context.set_default_timeout(STEP_LIMIT_MS)
        await context.add_init_script(f"localStorage.setItem('tongbu.theme', '{theme}')")
        answer = await context.request.post(
            "/api/v1/login",
            data={"username": username, "password": self.city.passwords[username]},
        )
        assert answer.ok, await answer.text()
        page = await context.new_page()
        await page.goto(path)
        return page

    async def keep(self, page: Page, name: str) -> None:
        """Write docs/pictures anew."""
        taken = self.films.folder / f"{name}-taken.png"
        await page.screenshot(path=taken)
        await asyncio.to_thread(webp, taken, FOLDER / f"{name}.webp")


@pytest.fixture
async def photographer(
    city: City, films: Films, chromium_path: str, blockbuster: BlockBuster
) -> AsyncIterator[Photographer]:
    """Take pictures for the READMEs."""
    blockbuster.functions["os.stat"].can_block_in(*PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER)
    expect.set_options(timeout=STEP_LIMIT_MS)
    city.passwords["admin"] = ADMIN_PASSWORD
    async with AsyncExitStack() as stack:
        yield Photographer(city, films, stack, chromium_path)
