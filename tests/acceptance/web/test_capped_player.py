"""A lesson that plays behind a school's box learns that the line allows less, and when it is free.

In front of a real service stands what a box would be: it passes everything on, pieces as slowly as
a line, and says at /edge/cap what the test wants.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from blockbuster import BlockBuster
from playwright.async_api import Browser, Page, expect

from loadtests.client import signed_in
from loadtests.lectures import Lecture, make
from streaming.hls.model import AlternateKind
from streaming.hls.parse import parse_multivariant
from tests.acceptance.web.conftest import (
    PLAYWRIGHT_LOOKS_AT_FILES,
    READY_LIMIT_S,
    STEP_LIMIT_MS,
    TEACHER,
    Town,
)
from tests.acceptance.web.steps import until_played
from tests.support.wait import eventually

pytestmark = pytest.mark.browser
LECTURE = Lecture("slides", 140, 1280, 720, 10, 5.0)
PIECE = re.compile(r"/media/\w+/(\w+)/(\d+)\.m4s")
PIECE_S = 1.2  # of four seconds: the picture is well ahead, and no lesson is there all at once
PIECES_LIMIT_S = 90.0  # a player that has enough asks as fast as it plays
FREE: dict[str, Any] = {"line": "up", "rungs": None, "why": None}


@dataclass
class Box:
    """Stands before the city."""

    city: str
    says: dict[str, Any] = field(default_factory=lambda: dict(FREE))
    asked: int = 0
    pieces: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    sounds: frozenset[str] = frozenset()

    def app(self, http: aiohttp.ClientSession) -> web.Application:
        async def cap(_: web.Request) -> web.Response:
            self.asked += 1
            return web.json_response(self.says)

        async def pass_on(request: web.Request) -> web.StreamResponse:
            url = f"{self.city}{request.raw_path}"
            headers = {"Accept": request.headers.get("Accept", "*/*")}
            data = await request.read()
            async with http.request(request.method, url, data=data, headers=headers) as found:
                body = await found.read()
            if "multivariant" in request.path:
                self.lists.append(request.path_qs)
            piece = PIECE.fullmatch(request.path)
            if piece and piece[1] not in self.sounds:
                self.pieces.append(piece[1])
                return await self._drip(request, body)
            kind = found.headers.get("Content-Type", "application/octet-stream")
            return web.Response(status=found.status, body=body, headers={"Content-Type": kind})

        app = web.Application()
        app.router.add_get("/edge/cap/{lesson}", cap)
        app.router.add_route("*", "/{path:.*}", pass_on)
        return app

    async def _drip(self, request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
        response.content_length = len(body)
        await response.prepare(request)
        grain = max(1, len(body) // 20)
        for at in range(0, len(body), grain):
            await response.write(body[at : at + grain])
            await asyncio.sleep(PIECE_S / 20)
        return response

    async def heard(self) -> None:
        """Wait until the player has asked once more: then it knows."""
        before = self.asked
        await eventually(lambda: self.asked > before)

    async def next_pieces(self, number: int) -> list[str]:
        """Give the next pieces but for the two that were chosen before."""
        first = len(self.pieces) + 2
        await eventually(lambda: len(self.pieces) >= first + number, PIECES_LIMIT_S)
        return self.pieces[first : first + number]


@pytest.fixture(scope="module")
def lesson(town: Town, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A lesson that is long enough to be capped in its middle."""
    video = make(LECTURE, tmp_path_factory.mktemp("long") / "long.mp4")
    return asyncio.run(_uploaded(town, video))


async def _uploaded(town: Town, video: Path) -> str:
    async with signed_in(town.url, TEACHER, town.password) as teacher:
        made = await teacher.upload(video, {"title": "一元二次方程", "teacher": "李华"})
        done = await teacher.until(made, "ready", limit_s=READY_LIMIT_S)
        assert done["state"] == "ready", done["error"]
    return made


async def thinnest_and_sounds(town: Town, lesson: str) -> tuple[str, frozenset[str]]:
    """Give the thinnest picture and all sounds by id."""
    async with aiohttp.ClientSession() as http:
        async with http.get(town.api(f"lessons/{lesson}")) as answer:
            hls = (await answer.json())["urls"]["hls"]
        async with http.get(f"{town.url}{hls}") as answer:
            found = parse_multivariant(await answer.text())
    pictures = [one for one in found.variants if one.resolution_px]
    assert len({one.uri for one in pictures}) > 1
    thin = min(pictures, key=lambda one: one.bandwidth_bps)
    sounds = [one.uri for one in found.alternates if one.kind is AlternateKind.AUDIO]
    return id_in(thin.uri), frozenset(map(id_in, sounds))


def id_in(uri: str) -> str:
    return uri.split("/")[-2]


@pytest_asyncio.fixture(loop_scope="session")
async def box(town: Town) -> AsyncIterator[tuple[Box, str]]:
    async with aiohttp.ClientSession(auto_decompress=True) as http:
        box = Box(town.url)
        async with TestServer(box.app(http)) as server:
            yield box, str(server.make_url("/"))


@pytest_asyncio.fixture(loop_scope="session")
async def pupil(
    browser: Browser, box: tuple[Box, str], blockbuster: BlockBuster
) -> AsyncIterator[Page]:
    for name, function in blockbuster.functions.items():
        if name.startswith("os."):
            function.can_block_in(*PLAYWRIGHT_LOOKS_AT_FILES)
    context = await browser.new_context(
        base_url=box[1], locale="zh-CN", viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(STEP_LIMIT_MS)
    expect.set_options(timeout=STEP_LIMIT_MS)
    yield await context.new_page()
    await context.close()


async def choose_the_best(pupil: Page) -> None:
    """Choose what a cap forbids; by itself a busy machine may go on with the thin one."""
    await pupil.get_by_role("button", name=re.compile("清晰度")).click()
    await expect(pupil.get_by_text("全校共用一条线路")).to_have_count(0)
    # What plays is named in the automatic line, too.
    others = pupil.get_by_role("menuitemradio", name=re.compile("720")).filter(has_not_text="自动")
    await others.first.click()


async def test_a_cap_reaches_who_watches_already_and_goes_again(
    town: Town, lesson: str, box: tuple[Box, str], pupil: Page
) -> None:
    city, _ = box
    thin, city.sounds = await thinnest_and_sounds(town, lesson)
    await pupil.goto(f"/lessons/{lesson}")
    await until_played(pupil, 0.5)
    await choose_the_best(pupil)
    await eventually(lambda: city.pieces[-1] != thin, PIECES_LIMIT_S)
    assert all("whole=1" in one for one in city.lists)

    city.says = {"line": "up", "rungs": [thin], "why": "line"}
    await city.heard()
    assert set(await city.next_pieces(3)) == {thin}
    quality = pupil.get_by_role("button", name=re.compile("清晰度"))
    await quality.click()
    await expect(pupil.get_by_role("menuitemradio", name=re.compile("自动"))).to_contain_text(
        "全校共用一条线路，现在只够"
    )
    names = await pupil.get_by_role("menuitemradio").all_inner_texts()
    assert not any("720" in one for one in names if "自动" not in one)
    await pupil.keyboard.press("Escape")

    city.says = dict(FREE)
    await city.heard()
    await choose_the_best(pupil)
    await eventually(lambda: city.pieces[-1] != thin, PIECES_LIMIT_S)


async def test_who_comes_while_it_is_capped_begins_so(
    town: Town, lesson: str, box: tuple[Box, str], pupil: Page
) -> None:
    city, _ = box
    thin, city.sounds = await thinnest_and_sounds(town, lesson)
    city.says = {"line": "down", "rungs": [thin], "why": "lowest"}
    await pupil.goto(f"/lessons/{lesson}")
    await until_played(pupil, 0.5)
    assert set(city.pieces) == {thin}, "from the first piece on"
    await expect(pupil.get_by_role("status").filter(has_text="线路")).to_be_visible()
    city.says = dict(FREE)
    await city.heard()
    await choose_the_best(pupil)
    await eventually(lambda: city.pieces[-1] != thin, PIECES_LIMIT_S)
    await expect(pupil.get_by_role("status").filter(has_text="线路")).to_have_count(0)


async def test_without_a_box_it_is_asked_once(town: Town, lesson: str, page: Page) -> None:
    asked: list[int] = []
    page.on("response", lambda one: asked.append(one.status) if "/edge/cap/" in one.url else None)
    lists: list[str] = []
    page.on("request", lambda one: lists.append(one.url) if "multivariant" in one.url else None)
    await page.goto(f"/lessons/{lesson}")
    await until_played(page, 4.0)
    assert asked == [204]
    assert lists
    assert not any("whole" in one for one in lists)
