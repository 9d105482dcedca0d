"""运行: somebody who looks after the city finds who suffers and why, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, ViewportSize, expect

from loadtests.client import signed_in
from loadtests.service import ADMIN_PASSWORD, Service
from tests.acceptance.web.conftest import Town
from tests.acceptance.web.steps import sign_in
from tests.support.accessibility import findings_of
from tests.support.operations import PASSWORD, Board, Lesson, board, box_of, lesson_on, viewer
from tests.support.publishing import publisher
from tests.support.runbooks import shown
from tests.support.service import service as service
from tests.support.standstill import database_of, held, stopped

pytestmark = pytest.mark.browser
SCREENS: dict[str, ViewportSize] = {
    "phone": {"width": 360, "height": 740},
    "wall": {"width": 1920, "height": 1080},
}
LOOKS = {"phone": "light", "wall": "dark"}
FAULT_LIMIT_MS = 15_000
SLOW = {"skew_ms": 900, "delay_ms": 1350, "stalls": 3}
LATE = {"skew_ms": 600, "delay_ms": 1050}
AT_ONCE_MS = 2000


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


def well(page: Page) -> Locator:
    """Give the largest line of the wall when nothing is open."""
    return page.get_by_text("一切正常")


async def read_runbook(page: Page, title: str) -> Locator:
    """Open a runbook from where its alert is named, and read what is to be done, at once."""
    await page.get_by_role("button", name=re.compile(f"怎么处理.*{title}")).first.click()
    book = page.get_by_role("dialog", name=title)
    steps = book.get_by_role("heading", name="处理", exact=True)
    await expect(steps).to_be_visible(timeout=AT_ONCE_MS)
    return book


async def sign_in_at(page: Page, service: Service) -> None:
    """Open the wall of a service of the module's own."""
    await page.goto(f"{service.url}/login?next=/operations")
    await page.get_by_label("用户名").fill("admin")
    await page.get_by_label("密码", exact=True).fill(ADMIN_PASSWORD)
    await page.get_by_role("button", name="登录", exact=True).click()
    await expect(well(page)).to_be_visible()


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
    now = page.get_by_role("region", name="现在")
    await expect(now).to_contain_text(re.compile("最大延迟\\s*1,350 毫秒\\s*最大相差\\s*900 毫秒"))
    await page.get_by_role("link", name=re.compile("^店埠小学")).first.click()
    await expect(heading(page, "教室设备有问题")).to_be_visible()
    await expect(
        page.get_by_text(re.compile("三年级1班.*在卡顿|三年级1班与别的教室"))
    ).to_be_visible()
    await expect(now).to_contain_text(re.compile("清晰度\\s*360p 2"))
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


async def test_an_encoder_that_stops_is_followed_to_its_end(
    page: Page, town: Town, on_air: OnAir
) -> None:
    await sign_in(page, ADMIN_PASSWORD, "admin", "/operations")
    await expect(page.get_by_text("没有告警")).to_be_visible()
    await expect(well(page)).to_be_visible()
    with stopped(on_air.encoder):
        await expect(page.get_by_text("1 节课有问题")).to_be_visible(timeout=FAULT_LIMIT_MS)
        far = page.get_by_role("listitem").filter(has_text=re.compile("^店埠小学"))
        await expect(far.first).to_contain_text(re.compile("海滨小学.*主讲"))
        await expect(well(page)).to_have_count(0)
        alerts = page.get_by_role("region", name="告警")
        await expect(alerts.get_by_text(re.compile("主讲端已 .*没有画面"))).to_be_visible()
        await expect(alerts.get_by_text(re.compile("^海滨小学.*主讲$"))).to_be_visible()
        await page.get_by_role("link", name="两位数乘法").first.click()
        await expect(heading(page, "主讲端有问题")).to_be_visible()
        lesson = page.get_by_role("region", name="正在上的课")
        await expect(lesson).to_contain_text("360p 2")
        await expect(lesson).to_contain_text(re.compile("转码.*画面晚"))
        book = await read_runbook(page, "推流中断")
        await expect(book.get_by_text("tongbu_session_ingest_bitrate_bps").first).to_be_visible()
        await expect(book.get_by_text(f"export ORIGIN={town.url}")).to_be_visible()
        watching = f"/watch/{on_air.lesson.session}"
        link = book.get_by_role("link", name=watching).first
        async with page.context.expect_page() as opened:
            await link.click()
        classroom = await opened.value
        await expect(classroom.get_by_text("主讲教室正在重新连接")).to_be_visible()
        await expect(book.get_by_role("status")).to_contain_text(re.compile("海滨小学.*主讲"))
        await page.context.grant_permissions(["clipboard-write"])
        await book.get_by_role("button", name="复制命令").first.click()
        await expect(page.get_by_text("已复制")).to_be_visible()
    async with publisher(on_air.lesson.push):  # as the runbook says: publish again
        await expect(book.get_by_text("这条告警没有了")).to_be_visible()
        playing = (
            "[...document.querySelectorAll('video')].some(v => v.currentTime > 0 && !v.paused)"
        )
        await classroom.wait_for_function(playing)
        await expect(classroom.get_by_text("主讲教室正在重新连接")).to_have_count(0)
        await classroom.close()
        await page.keyboard.press("Escape")
        await expect(book).to_have_count(0)
        await expect(heading(page, "没有发现问题")).to_be_visible()
        await page.get_by_role("link", name="全市").click()
        await expect(page.get_by_text("没有告警")).to_be_visible()
        await expect(well(page)).to_be_visible()


async def test_a_wireless_that_fails_some_boards_is_followed_to_its_end(
    page: Page, town: Town
) -> None:
    async with AsyncExitStack() as stack:
        lesson = await stack.enter_async_context(lesson_on(town.url, 4))
        await stack.enter_async_context(publisher(lesson.push))
        boards = [
            await stack.enter_async_context(board(town.url, lesson, room)) for room in lesson.rooms
        ]
        await lesson.well()
        await sign_in(page, ADMIN_PASSWORD, "admin", "/operations")
        await expect(well(page)).to_be_visible()
        for one in boards[:3]:
            one.says |= LATE
        await expect(page.get_by_text("1 所学校有问题")).to_be_visible(timeout=FAULT_LIMIT_MS)
        await page.get_by_role("link", name=re.compile("^店埠小学")).first.click()
        await expect(heading(page, "校内无线有问题")).to_be_visible()
        await expect(page.get_by_text("4 台设备中有 3 台不正常")).to_be_visible()
        book = await read_runbook(page, "教室不同步")
        await book.get_by_role("link", name="画面晚到").click()
        other = page.get_by_role("dialog", name="画面晚到")
        await expect(other.get_by_role("heading", name="处理", exact=True)).to_be_visible()
        await page.keyboard.press("Escape")
        for one in boards[:3]:
            one.says |= {"skew_ms": 4, "delay_ms": 450}
        await expect(heading(page, "没有发现问题")).to_be_visible()
        await page.get_by_role("link", name="全市").click()
        await expect(well(page)).to_be_visible()


async def test_a_line_too_thin_has_its_figures_and_the_address_of_its_box(
    page: Page, town: Town, service: Service
) -> None:
    async with AsyncExitStack() as stack:
        lesson = await stack.enter_async_context(lesson_on(service.url, 1))
        await stack.enter_async_context(publisher(lesson.push))
        box = await box_of(stack, service, lesson, service.url, "--line", "100K")
        await sign_in_at(page, service)
        device = viewer(box.url, lesson.session, f"board-{lesson.rooms[0]}", PASSWORD)
        await stack.enter_async_context(device)
        await expect(page.get_by_text("1 所学校有问题")).to_be_visible(timeout=FAULT_LIMIT_MS)
        square = page.get_by_title(re.compile("^店埠小学.* · 有问题 · 线路约 0.1 Mbps，用了 .*%"))
        await expect(square).to_have_count(1)
        await page.get_by_role("link", name=re.compile("^店埠小学")).first.click()
        await expect(heading(page, "线路有问题")).to_be_visible()
        now = page.get_by_role("region", name="现在")
        await expect(now).to_contain_text(
            re.compile(r"线路约\s*0\.1 Mbps\s*线路用量\s*[\d.]+ Mbps（\d+%）")
        )
        await page.route("**/api/v1/edges?school=*", as_with_a_certificate)
        book = await read_runbook(page, "线路不够")
        await expect(book.get_by_text("这所学校盒子的地址")).to_be_visible()
        await expect(book.get_by_text("export BOX=http://10.9.0.7:8080")).to_be_visible()
        await page.keyboard.press("Escape")
        (shut,) = (await lesson.admin.get("edges", school=lesson.rural))["items"]
        await lesson.admin.post(f"edges/{shut['id']}/revoke")
        await expect(heading(page, "没有发现问题")).to_be_visible()


async def as_with_a_certificate(route: Route) -> None:
    """Answer as of a box that has one, which names its address in the school."""
    answer = await route.fetch()
    found = await answer.json()
    (box,) = found["items"]
    box["names"] = [f"{box['name']}.edge.tongbu.example", "10.9.0.7"]
    await route.fulfill(response=answer, json=found)


async def test_a_database_that_hangs_is_the_headline_and_its_runbook_opens(
    page: Page, town: Town, service: Service
) -> None:
    await sign_in_at(page, service)
    later, elsewhere = [await page.context.new_page() for _ in range(2)]
    with held(*await asyncio.to_thread(database_of, service)):
        await later.goto(f"{service.url}/operations")
        await elsewhere.goto(f"{service.url}/mine")
        await expect(page.get_by_text("服务有问题：数据库连不上")).to_be_visible(
            timeout=FAULT_LIMIT_MS
        )
        await expect(well(page)).to_have_count(0)
        for place in ("服务", "告警"):
            said = page.get_by_role("region", name=place)
            await expect(said).to_contain_text("没有回应：no answer within 3 s")
        await read_runbook(page, "数据库连不上")
        await page.keyboard.press("Escape")
        await expect(later.get_by_role("alert")).to_contain_text("数据库没有回应")
        assert later.url == f"{service.url}/operations", "who cannot be asked is not a guest"
        await read_runbook(later, "数据库连不上")
        await later.keyboard.press("Escape")
        await expect(heading(elsewhere, "没能打开")).to_be_visible()
    await expect(well(page)).to_be_visible()
    await expect(well(later)).to_be_visible()
    await expect(heading(elsewhere, "我的课")).to_be_visible()


async def test_all_schools_are_listed_and_found_also_on_a_phone(page: Page, town: Town) -> None:
    async with signed_in(town.url, "admin", ADMIN_PASSWORD) as admin:
        district = (await admin.post("districts", {"name": "平度市"}))["id"]
        for number in range(26):
            fields = {"name": f"蓼兰镇{number + 1}小", "district": district, "setting": "rural"}
            await admin.post("schools", fields)
    await page.set_viewport_size(SCREENS["phone"])
    await sign_in(page, ADMIN_PASSWORD, "admin", "/operations")
    everyone = page.get_by_role("region", name="全部学校")
    rows = everyone.get_by_role("listitem")
    await expect(rows).to_have_count(24)
    await everyone.get_by_role("searchbox").fill("平度 llz")
    more = everyone.get_by_role("button", name=re.compile("再看 2 所"))
    await more.click(timeout=FAULT_LIMIT_MS)  # new schools are known within seconds
    await expect(rows).to_have_count(26)
    await everyone.get_by_role("searchbox").fill("平度 兰镇7小")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text(re.compile("平度市.*空闲.*没有盒子", re.DOTALL))
    await rows.get_by_role("link").click()
    await expect(page).to_have_url(re.compile(r"/operations/schools/\w+$"))
    await page.go_back()
    await expect(everyone.get_by_role("listitem")).to_have_count(1)


async def test_a_runbook_has_an_address_and_leads_to_others(page: Page, town: Town) -> None:
    await sign_in(page, ADMIN_PASSWORD, "admin", "/operations/runbooks/StoreAway")
    await expect(heading(page, "存储不可用")).to_be_visible()
    await expect(page.get_by_text("TONGBU_STORE_ACCESS_KEY")).to_be_visible()
    await expect(page.get_by_text(f"export ORIGIN={town.url}")).to_be_visible()
    await page.get_by_role("link", name="磁盘快满").first.click()
    await expect(page).to_have_url(f"{town.url}/operations/runbooks/DiskFull")
    await expect(heading(page, "磁盘快满")).to_be_visible()
    await page.goto("/operations/runbooks/LineThin")
    await expect(page.get_by_text("请换成那台盒子的")).to_be_visible()
    await page.goto("/operations/runbooks/Nothing")
    await expect(page.get_by_text("没有 Nothing 的处理手册")).to_be_visible()


async def test_who_is_no_officer_is_told_so(page: Page, town: Town) -> None:
    await sign_in(page, town.password, then="/operations")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_role("link", name="运行", exact=True)).to_have_count(0)


async def test_an_origin_that_stands_still_is_named_by_the_page_itself(
    page: Page, town: Town, service: Service
) -> None:
    await sign_in_at(page, service)
    silent = page.get_by_role("alert")
    with held(service.process.pid):
        await expect(silent).to_contain_text("源站没有回应", timeout=FAULT_LIMIT_MS)
        await expect(silent).to_contain_text("下面是")
        await expect(well(page)).to_have_count(0)
        await read_runbook(page, "源站没有响应")
        await page.keyboard.press("Escape")
        (nothing,) = await shown("OriginDown", origin=service.url)
        assert "timed out" in nothing
    await expect(silent).to_have_count(0)
    await expect(well(page)).to_be_visible()


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
        "gone": "/schools/none", "book": "/runbooks/BoxAway", "runbook": "",
    }.items():  # fmt: skip
        await page.goto(f"/operations{path}")
        await expect(page.locator("main h2").first).to_be_visible()
        if name == "runbook":
            await page.get_by_role("button", name=re.compile("怎么处理")).first.click()
            await expect(
                page.get_by_role("dialog").get_by_role("heading", name="处理")
            ).to_be_visible()
        elif name not in {"gone", "book"}:
            await expect(page.get_by_role("heading", name="历史")).to_be_visible()
            await expect(page.locator("main .shine")).to_have_count(0)
        await page.screenshot(path=pictures / f"{screen}-operations-{name}.png", full_page=True)
        found[name] = await findings_of(page, axe, touched=screen == "phone")
    assert not any(found.values()), json.dumps(found, ensure_ascii=False, indent=1)
