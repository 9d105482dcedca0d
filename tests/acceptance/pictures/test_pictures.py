"""The pictures of the READMEs, taken from the pages as people of the demo city see them."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import expect

from loadtests.client import signed_in
from loadtests.service import ADMIN_PASSWORD, Service
from tests.acceptance.live.steps import moving
from tests.acceptance.pictures.conftest import (
    DEVICE,
    TEACHER,
    City,
    Films,
    Photographer,
    lesson_between,
)
from tests.acceptance.web.steps import until_played
from tests.acceptance.web.test_accessibility import settle
from tests.support.operations import PASSWORD, board, box_of, viewer
from tests.support.publishing import publisher

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
TAUGHT = {"水的循环": "李敏", "光的折射": "周岩", "分数的初步认识": "孙悦", "望岳": "高翔"}
# A stream begins with what was made before, faster than its line would let it: later it is calm.
WITHIN_ITS_LINE = re.compile(r"线路约 20 Mbps用了 (0\.\d*[1-9]|1?\d(\.\d+)?) Mbps")
SLOW = {"skew_ms": 900, "delay_ms": 1350, "stalls": 3}


async def test_library_and_player(photographer: Photographer) -> None:
    browser = await photographer.browser("lesson")
    page = await photographer.open(browser, "/", TEACHER)
    await expect(page.get_by_role("link", name="勾股定理的证明").first).to_be_visible()
    await page.evaluate("document.activeElement.blur()")
    await settle(page)
    await photographer.keep(page, "library")
    await page.goto(f"/lessons/{photographer.city.lesson}")
    await until_played(page, 9)
    await settle(page)
    await photographer.keep(page, "player")


async def test_operations(
    photographer: Photographer, city: City, films: Films, service: Service
) -> None:
    async with signed_in(city.url, "admin", ADMIN_PASSWORD) as admin, AsyncExitStack() as stack:
        pairs = (await admin.get("pairs"))["items"]
        lessons = []
        for number, (title, teacher) in enumerate(TAUGHT.items()):
            lesson = await lesson_between(admin, pairs[-1 - 7 * number], title, teacher)
            film = ("-re", "-stream_loop", "-1", "-i", str(films.video(str(number))), "-c", "copy")
            await stack.enter_async_context(publisher(lesson.push, *film))
            boards = [
                await stack.enter_async_context(board(city.url, lesson, room))
                for room in lesson.rooms
            ]
            lessons.append((lesson, boards))
        for lesson, _ in lessons:
            await lesson.well()
        ill, boards = lessons[1]
        box = await box_of(stack, service, ill, city.url, "--line", "20M")
        device = viewer(box.url, ill.session, f"board-{ill.rooms[1]}", PASSWORD)
        await stack.enter_async_context(device)
        boards[0].says |= SLOW
        await ill.names(ill.rural, "device")
        browser = await photographer.browser("lesson")
        page = await photographer.open(browser, "/operations", "admin", "dark")
        await expect(page.get_by_text("1 所学校有问题")).to_be_visible()
        line = page.get_by_role("region", name="有问题的学校")
        await expect(line).to_contain_text(WITHIN_ITS_LINE)
        await expect(page.locator("main .shine")).to_have_count(0)
        await photographer.keep(page, "operations")
        for lesson, _ in lessons:
            await admin.post(f"sessions/{lesson.session}/end")


async def test_studio_and_classroom(photographer: Photographer, city: City) -> None:
    near, far = await photographer.browser("lesson"), await photographer.browser("listening")
    teacher = await photographer.open(near, f"/studio/{city.session}", TEACHER)
    await teacher.get_by_role("button", name="开始上课").click()
    await expect(teacher.get_by_text("正在上课")).to_be_visible()
    room = await photographer.open(far, "/classroom", DEVICE, "classroom")
    await moving(room)
    await room.get_by_role("button", name="举手").click()
    await teacher.get_by_role("button", name="给发言权").click()
    await expect(room.get_by_text("您正在发言")).to_be_visible()
    await teacher.get_by_role("button", name="A B C D").click()
    await moving(teacher, "video", 20)
    await expect(teacher.get_by_text(re.compile("延迟")).first).to_be_visible()
    await photographer.keep(room, "classroom")
    await teacher.evaluate("scrollTo(0, 0)")
    await photographer.keep(teacher, "studio")
