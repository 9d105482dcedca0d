"""运行: somebody who looks after the city finds who suffers and why, and what to do about it."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, ViewportSize, expect

from loadtests.service import ADMIN_PASSWORD, Service
from tests.acceptance.web.conftest import Town
from tests.acceptance.web.steps import sign_in
from tests.support.accessibility import findings_of
from tests.support.operations import Board, Lesson, board, lesson_on
from tests.support.publishing import publisher
from tests.support.runbooks import shown
from tests.support.service import service as service

pytestmark = pytest.mark.browser
SCREENS: dict[str, ViewportSize] = {
    "phone": {"width": 360, "height": 740},
    "wall": {"width": 1920, "height": 1080},
}
LOOKS = {"phone": "light", "wall": "dark"}
FAULT_LIMIT_MS = 15_000
SLOW = {"skew_ms": 900, "delay_ms": 1350, "stalls": 3}


@dataclass(frozen=True, slots=True)
class OnAir:
    """A lesson that is on the air, its encoder, and the boards of its two classrooms."""

    lesson: Lesson
    encoder: int
    boards: tuple[Board, Board]


@pytest_asyncio.fixture(loop_scope="session")
async def on_air(town: Town) -> AsyncIterator[OnAir]:
    """Let a lesson run between two schools."""
    async with AsyncExitStack() as stack:
        lesson = await stack.enter_async_context(lesson_on(town.url))
        encoder = await stack.enter_async_context(publisher(lesson.push))
        seated = [
            await stack.enter_async_context(board(town.url, lesson, room)) for room in lesson.rooms
        ]
        await lesson.well()
        yield OnAir(lesson, encoder.pid, (seated[0], seated[1]))


def heading(page: Page, text: str | re.Pattern[str]) -> Any:
    """Give what a heading of that text is found by."""
    return page.get_by_role("heading", name=text)


async def test_three_clicks_lead_from_the_city_to_the_classroom_at_fault(
    page: Page, town: Town, on_air: OnAir
) -> None:
    await sign_in(page, ADMIN_PASSWORD, "admin", "/operations")
    await expect(heading(page, "运行")).to_be_visible()
    await expect(page.get_by_text("一切正常")).to_be_visible()
    on_air.boards[0].says |= SLOW
    await expect(page.get_by_text("1 所学校有问题")).to_be_visible(timeout=FAULT_LIMIT_MS)

    await page.get_by_role("link", name=re.compile("^莱西市")).click()
    await expect(page).to_have_url(re.compile(r"/operations/districts/\w+$"))
    await page.get_by_role("link", name=re.compile("^店埠小学")).first.click()
    await expect(heading(page, "教室设备有问题")).to_be_visible()
    await expect(
        page.get_by_text(re.compile("三年级1班.*在卡顿|三年级1班与别的教室"))
    ).to_be_visible()
    await page.get_by_role("link", name="三年级1班").click()

    await expect(heading(page, "教室设备有问题")).to_be_visible()
    await expect(page.locator("figure canvas").first).to_be_visible(timeout=FAULT_LIMIT_MS)
    path = page.get_by_role("navigation", name="当前位置")
    await expect(path.get_by_role("link")).to_have_count(3)
    await page.reload()
    await expect(heading(page, "教室设备有问题")).to_be_visible()
    await page.get_by_role("button", name="1 天").click()
    await expect(page).to_have_url(re.compile(r"/operations/rooms/\w+\?hours=24$"))
    await path.get_by_role("link").nth(2).click()
    await expect(page).to_have_url(re.compile(r"/operations/schools/\w+$"))


async def test_an_encoder_that_stops_is_named_and_its_runbook_says_what_to_do(
    page: Page, town: Town, on_air: OnAir
) -> None:
    await sign_in(page, ADMIN_PASSWORD, "admin", "/operations")
    await expect(page.get_by_text("没有告警")).to_be_visible()
    os.kill(on_air.encoder, signal.SIGSTOP)
    alert = page.get_by_role("button", name=re.compile("怎么处理.*推流中断"))
    await expect(alert).to_be_visible(timeout=FAULT_LIMIT_MS)
    await expect(page.get_by_text("主讲端").first).to_be_visible()
    await alert.click()
    book = page.get_by_role("dialog", name="推流中断")
    await expect(book.get_by_role("heading", name="确认")).to_be_visible()
    await expect(book.get_by_text("tongbu_session_ingest_bitrate_bps").first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(book).to_have_count(0)
    await page.get_by_role("link", name="两位数乘法").first.click()
    await expect(heading(page, "主讲端有问题")).to_be_visible()
    await expect(
        page.get_by_text(re.compile("《两位数乘法》的主讲端已 .*没有画面"))
    ).to_be_visible()


async def test_who_is_no_officer_is_told_so(page: Page, town: Town) -> None:
    await sign_in(page, town.password, then="/operations")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_role("link", name="运行", exact=True)).to_have_count(0)


async def test_an_origin_that_stands_still_is_named_by_the_page_itself(
    page: Page, town: Town, service: Service
) -> None:
    await page.goto(f"{service.url}/login?next=/operations")
    await page.get_by_label("用户名").fill("admin")
    await page.get_by_label("密码", exact=True).fill(ADMIN_PASSWORD)
    await page.get_by_role("button", name="登录", exact=True).click()
    await expect(page.get_by_text("一切正常")).to_be_visible()
    os.kill(service.process.pid, signal.SIGSTOP)
    silent = page.get_by_role("alert")
    try:
        await expect(silent).to_contain_text("源站没有回应", timeout=FAULT_LIMIT_MS)
        await expect(silent).to_contain_text("下面是")
        (nothing,) = await shown("OriginDown", origin=service.url)
        assert "timed out" in nothing
    finally:
        os.kill(service.process.pid, signal.SIGCONT)
    await expect(silent).to_have_count(0)


@pytest.mark.parametrize("screen", SCREENS)
async def test_is_usable_by_everyone(
    page: Page, town: Town, on_air: OnAir, axe: str, pictures: Path, screen: str
) -> None:
    await page.set_viewport_size(SCREENS[screen])
    await page.add_init_script(f"localStorage.setItem('tongbu.theme', '{LOOKS[screen]}')")
    lesson = on_air.lesson
    await sign_in(page, ADMIN_PASSWORD, "admin", "/operations")
    on_air.boards[0].says |= SLOW
    await expect(page.get_by_text("1 所学校有问题")).to_be_visible(timeout=FAULT_LIMIT_MS)
    found = {}
    for name, path in {
        "city": "", "district": f"/districts/{lesson.district}",
        "school": f"/schools/{lesson.rural}", "session": f"/sessions/{lesson.session}",
        "room": f"/rooms/{lesson.rooms[0]}",
        "gone": "/schools/none", "runbook": "",
    }.items():  # fmt: skip
        await page.goto(f"/operations{path}")
        await expect(page.locator("main h2").first).to_be_visible()
        if name == "runbook":
            await page.get_by_role("button", name=re.compile("怎么处理")).first.click()
            await expect(
                page.get_by_role("dialog").get_by_role("heading", name="处理")
            ).to_be_visible()
        elif name != "gone":
            await expect(page.get_by_role("heading", name="历史")).to_be_visible()
            await expect(page.locator("main .shine")).to_have_count(0)
        await page.screenshot(path=pictures / f"{screen}-operations-{name}.png", full_page=True)
        found[name] = await findings_of(page, axe, touched=screen == "phone")
    assert not any(found.values()), json.dumps(found, ensure_ascii=False, indent=1)
