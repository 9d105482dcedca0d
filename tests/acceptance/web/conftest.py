"""One service for all journeys through the pages, with a school, a teacher and two lessons.

Screenshots go to catalog/web/test-results (ignored by git).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from blockbuster import BlockBuster
from playwright.async_api import Browser, BrowserContext, Page, expect

from loadtests.client import Client, signed_in
from loadtests.lectures import Lecture, make
from loadtests.service import ADMIN_PASSWORD, running
from tests.support.accessibility import axe as axe

WEB = Path(__file__).parents[3] / "catalog/web"
TITLE = "勾股定理的证明"
NEXT_TITLE = "勾股定理的应用"
TEACHER = "lihua"
PLAYWRIGHT_LOOKS_AT_FILES = (
    "playwright/_impl/element_handle.py",
    {"resolve_paths_and_directory_for_input_files"},
)
READY_LIMIT_S = 120.0
STEP_LIMIT_MS = 60_000
LECTURE = Lecture("slides", 20, 640, 360, 15, 5.0)
SUBTITLES = "WEBVTT\n\n" + "\n\n".join(
    f"00:{start:02d}.000 --> 00:{start + 4:02d}.000\n第{start // 4 + 1}句，直角三角形"
    for start in range(0, 20, 4)
)


@dataclass(frozen=True, slots=True)
class Town:
    """A service with a little in it."""

    url: str
    password: str
    lesson: str
    next_lesson: str
    video: Path

    def api(self, path: str) -> str:
        """Address of the API."""
        return f"{self.url}/api/v1/{path}"


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Start the service and fill it."""
    video = make(LECTURE, tmp_path_factory.mktemp("lecture") / "lecture.mp4")
    with running() as service:
        yield asyncio.run(_settle(service.url, video))


async def _settle(url: str, video: Path) -> Town:
    async with signed_in(url, "admin", ADMIN_PASSWORD) as admin:
        password = await _teacher(admin)
    async with signed_in(url, TEACHER, password) as teacher:
        lessons = []
        for position, title in enumerate((TITLE, NEXT_TITLE)):
            lesson = await _lesson(teacher, video, title)
            await _patch(teacher, lesson, {"position": position, "knowledge_points": ["面积法"]})
            done = await teacher.until(lesson, "ready", limit_s=READY_LIMIT_S)
            assert done["state"] == "ready", done["error"]
            lessons.append(lesson)
        await _subtitles(teacher, lessons[0])
    return Town(url, password, lessons[0], lessons[1], video)


async def _teacher(admin: Client) -> str:
    district = await admin.post("districts", {"name": "市南区"})
    school = await admin.post(
        "schools", {"name": "海风小学", "district": district["id"], "setting": "urban"}
    )
    await admin.post("series", {"name": "青快学", "programme": "微视频"})
    role = {"role": "teacher", "school": school["id"]}
    added = await admin.post("users", {"username": TEACHER, "name": "李华", "affiliations": [role]})
    return str(added["password"])


async def _lesson(teacher: Client, video: Path, title: str) -> str:
    words = {"stage": "junior", "grade": "g8", "subject": "mathematics", "series": "青快学"}
    return await teacher.upload(video, {"title": title, "teacher": "李华", **words})


async def _subtitles(teacher: Client, lesson: str) -> None:
    url = f"{teacher.url}/api/v1/lessons/{lesson}/subtitles/zh?label=中文"
    headers = {"Content-Type": "text/vtt"}
    async with teacher.http.put(url, data=SUBTITLES.encode(), headers=headers) as answer:
        assert answer.status < 300, await answer.text()


async def _patch(teacher: Client, lesson: str, changes: dict[str, object]) -> None:
    async with teacher.http.patch(f"{teacher.url}/api/v1/lessons/{lesson}", json=changes) as answer:
        assert answer.status < 300, await answer.text()


@pytest_asyncio.fixture(loop_scope="session")
async def context(
    browser: Browser, town: Town, blockbuster: BlockBuster
) -> AsyncIterator[BrowserContext]:
    """A browser window of a Chinese reader."""
    for name, function in blockbuster.functions.items():
        if name.startswith("os."):
            function.can_block_in(*PLAYWRIGHT_LOOKS_AT_FILES)
    context = await browser.new_context(
        base_url=town.url, locale="zh-CN", viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(STEP_LIMIT_MS)
    expect.set_options(timeout=STEP_LIMIT_MS)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(
    context: BrowserContext, pictures: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Page]:
    """A page that may throw nothing and break no rule of its content security policy.

    How it looked at the end is kept as a picture.
    """
    page = await context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    page.on(
        "console",
        lambda said: thrown.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield page
    if not page.is_closed():
        await page.screenshot(path=pictures / f"{request.node.name}.png")
    assert thrown == []


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are kept."""
    folder = WEB / "test-results"
    folder.mkdir(exist_ok=True)
    return folder
