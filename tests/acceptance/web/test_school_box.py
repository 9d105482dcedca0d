"""The page of the box in a school, in front of a box that says what the test wants."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from blockbuster import BlockBuster
from playwright.async_api import Browser, BrowserContext, Page, expect

from catalog.http.pages import Pages, read_dist
from catalog.http.problem import problems
from tests.acceptance.web.conftest import PLAYWRIGHT_LOOKS_AT_FILES, STEP_LIMIT_MS, WEB
from tests.acceptance.web.test_accessibility import LOOKS, SCREENS
from tests.support.accessibility import findings_of

pytestmark = pytest.mark.browser
STATUS = WEB / "tests" / "edge_status.json"
CUT = {"code": "line_cut", "level": "trouble", "values": {"seconds": 75}}
SESSION = {
    "id": "s1", "title": "勾股定理的证明", "kind": "sync_class", "state": "waiting",
    "starts_at": "2026-11-26T10:00:00+08:00", "duration_s": 2700, "open_to_all": True,
    "school": {"id": "x", "name": "青岛第二实验小学"}, "rooms": [], "people": [], "lesson": None,
    "role": None, "can_run": False, "ingest": None, "second_ingest": None,
    "urls": {"hls": "/live/s1/live.m3u8", "stream": "/live/s1/stream", "room": "/live/s1/room",
             "second_hls": None, "second_stream": None},
}  # fmt: skip
WELCOME = {
    "type": "welcome", "member": "m2", "role": "viewer", "now": 1795600000, "room": {},
    "rights": {"ask": True},
}  # fmt: skip
WORDS_WAIT = {"code": "words_wait", "level": "note", "values": {"messages": 3}}


class Box:
    """Answers for a box. `status` is what it says; None: it is away."""

    def __init__(self, status: dict[str, Any], pages: Pages) -> None:
        self.status: dict[str, Any] | None = status
        self.line = "up"
        self.room: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._pages = pages

    def app(self) -> web.Application:
        """Give what is served."""
        app = web.Application(middlewares=[problems])
        app.router.add_get("/edge/status", self._status)
        app.router.add_get("/api/v1/lessons", self._lessons)
        app.router.add_get("/api/v1/sessions/s1", self._session)
        app.router.add_get("/live/s1/room", self._room)
        app.add_routes(self._pages.routes())
        return app

    def cut(self) -> None:
        """Cut the line to the city."""
        assert self.status is not None
        self.status["line"] |= {"up": False, "cut_s": 75.0, "use_bps": 0}
        self.status["findings"] = [CUT, WORDS_WAIT]

    async def _status(self, request: web.Request) -> web.StreamResponse:
        if "text/html" in request.headers.get("Accept", ""):
            return await self._pages.document(request)
        if self.status is None:
            raise web.HTTPBadGateway
        return web.json_response(self.status)

    async def _lessons(self, request: web.Request) -> web.Response:
        if self.line == "refuses":
            problem = {"detail": "the line to the city is down: this works again when it is back"}
            return web.json_response(problem, status=503)
        body: dict[str, Any] = {"items": [], "next": None, "facets": {}, "total": 0}
        return web.json_response(body, headers={"Tongbu-Line": self.line})

    async def _session(self, request: web.Request) -> web.Response:
        return web.json_response(SESSION)

    async def _room(self, request: web.Request) -> web.WebSocketResponse:
        """Say what the test puts into `room`; what the page says is let go."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async with asyncio.TaskGroup() as tasks:
            saying = tasks.create_task(self._say(socket))
            async for _ in socket:
                pass
            saying.cancel()
        return socket

    async def _say(self, socket: web.WebSocketResponse) -> None:
        while True:
            await socket.send_json(await self.room.get())


@pytest_asyncio.fixture(loop_scope="session")
async def box() -> Box:
    """A box that has little to complain of."""
    status = json.loads(await asyncio.to_thread(STATUS.read_text, "utf-8"))
    dist = await asyncio.to_thread(read_dist, WEB / "dist")
    return Box(status, Pages(dist))


@pytest_asyncio.fixture(loop_scope="session")
async def context(
    browser: Browser, box: Box, blockbuster: BlockBuster
) -> AsyncIterator[BrowserContext]:
    """A browser window in the school."""
    for name, function in blockbuster.functions.items():
        if name.startswith("os."):
            function.can_block_in(*PLAYWRIGHT_LOOKS_AT_FILES)
    async with TestServer(box.app()) as server:
        context = await browser.new_context(base_url=str(server.make_url("/")), locale="zh-CN")
        context.set_default_timeout(STEP_LIMIT_MS)
        expect.set_options(timeout=STEP_LIMIT_MS)
        yield context
        await context.close()


def heading(page: Page, text: str) -> Any:
    """Give what a heading of that text is found by."""
    return page.get_by_role("heading", name=text)


async def test_says_how_it_is_and_follows_what_happens(page: Page, box: Box) -> None:
    await page.goto("/edge/status")
    await expect(heading(page, "可以正常上课，有 1 点说明")).to_be_visible()
    await expect(page.get_by_text("全校共用一路“720 高清”")).to_be_visible()
    await expect(page.get_by_text("用了 31 GB，共 54 GB")).to_be_visible()
    await expect(page.get_by_text("还差 420 MB")).to_be_visible()
    box.cut()
    await expect(heading(page, "到市里的线路断了，已下载的课照常能看")).to_be_visible()
    await expect(page.get_by_text("请看路由器和光猫的灯")).to_be_visible()
    await expect(page.get_by_text("断了 1 分钟", exact=True)).to_be_visible()


async def test_one_press_lists_all_that_was_looked_at(page: Page, box: Box) -> None:
    box.cut()
    await page.goto("/edge/status")
    await page.get_by_role("button", name="立即检查").press("Enter")
    checks = page.get_by_role("region", name=re.compile("检查了 10 项，6 项正常"))
    await expect(checks).to_be_focused()
    await expect(checks.get_by_role("listitem")).to_have_count(10)
    await expect(checks).to_contain_text("有 3 条提问或发言在等线路恢复。")
    await expect(checks).to_contain_text("读写正常。")
    await checks.get_by_role("button", name="关闭").click()
    await expect(checks).to_have_count(0)


async def test_a_box_that_is_away_is_waited_for(page: Page, box: Box) -> None:
    status, box.status = box.status, None
    await page.goto("/edge/status")
    away = heading(page, "连不上校园盒子")
    await expect(away).to_be_visible()
    box.status = status
    await expect(heading(page, "可以正常上课")).to_be_visible()
    box.status = None
    await expect(away).to_be_visible()
    await expect(page.get_by_text("的情况。")).to_be_visible()
    await expect(page.get_by_text("勾股定理的证明").first).to_be_visible()


async def test_an_answer_that_makes_no_sense_is_not_shown(page: Page, box: Box) -> None:
    assert box.status is not None
    box.status["cache"]["size_bytes"] = "much"
    await page.goto("/edge/status")
    await expect(page.get_by_text("盒子的回答看不懂")).to_be_visible()


async def test_who_is_not_at_a_box_is_told_so(page: Page, box: Box) -> None:
    await page.route(
        "**/edge/status",
        lambda route: (
            route.fulfill(status=404, json={"detail": "nothing"})
            if route.request.resource_type == "fetch"
            else route.continue_()
        ),
    )
    await page.goto("/edge/status")
    await expect(heading(page, "这里不是校园盒子")).to_be_visible()


async def test_other_pages_say_that_they_show_what_was_before(page: Page, box: Box) -> None:
    box.line = "down"
    await page.goto("/")
    note = page.get_by_text("线路中断，显示的是之前的内容。")
    await expect(note).to_be_visible()
    box.line = "up"
    await page.goto("/?q=圆")
    await expect(heading(page, "没有找到")).to_be_visible()
    await expect(note).to_have_count(0)
    box.line = "refuses"
    await page.goto("/?q=方")
    await expect(page.get_by_text("到市里的线路断了，线路恢复后再试。")).to_be_visible()


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_room_says_that_the_line_is_down_until_it_is_back(
    page: Page, box: Box, axe: str, pictures: Path, screen: str
) -> None:
    await page.set_viewport_size(SCREENS[screen])
    await page.add_init_script(f"localStorage.setItem('tongbu.theme', '{LOOKS[screen]}')")
    await page.goto("/watch/s1")
    box.room.put_nowait(WELCOME)
    await expect(page.get_by_placeholder("提一个问题")).to_be_visible()
    box.room.put_nowait({"type": "line", "up": False})
    strip = page.get_by_text("已下载的课照常能看，提问会在恢复后送出。")
    await expect(strip).to_be_visible()
    await expect(page.get_by_placeholder("提一个问题")).to_be_enabled()
    await page.screenshot(path=pictures / f"{screen}-line-down.png")
    assert await findings_of(page, axe, touched=screen == "phone") == {}
    box.room.put_nowait(WELCOME)
    await expect(strip).to_have_count(0)


@pytest.mark.parametrize("screen", SCREENS)
async def test_is_usable_by_everyone(
    page: Page, box: Box, axe: str, pictures: Path, screen: str
) -> None:
    await page.set_viewport_size(SCREENS[screen])
    await page.add_init_script(f"localStorage.setItem('tongbu.theme', '{LOOKS[screen]}')")
    found = {}
    for name in ("well", "cut", "checked", "away"):
        if name == "cut":
            box.cut()
        if name == "checked":
            await page.get_by_role("button", name="立即检查").click()
            await expect(page.get_by_text("检查了 10 项")).to_be_visible()
        elif name == "away":
            box.status = None
            await expect(heading(page, "连不上校园盒子")).to_be_visible()
        else:
            await page.goto("/edge/status")
            await expect(heading(page, "今晚的计划")).to_be_visible()
        await page.screenshot(path=pictures / f"{screen}-box-{name}.png", full_page=True)
        found[name] = await findings_of(page, axe, touched=screen == "phone")
    assert not any(found.values()), json.dumps(found, ensure_ascii=False, indent=1)
