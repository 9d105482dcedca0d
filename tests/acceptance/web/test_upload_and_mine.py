"""A teacher drops a video, sees it become a lesson, and looks after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from loadtests.lectures import Lecture, make
from tests.acceptance.web.conftest import TITLE, Town
from tests.acceptance.web.steps import sign_in, until, until_played

pytestmark = pytest.mark.browser
SLOW_BYTES_A_S = 150_000
CAMERA = Lecture("camera", 8, 480, 270, 15)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video whose name says what it is about."""
    folder = tmp_path_factory.mktemp("named")
    return make(CAMERA, folder / "八年级物理《浮力的秘密》王芳老师.mp4")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Text that calls itself a video."""
    path = tmp_path / "教案.mp4"
    path.write_text("这不是视频\n" * 500, "utf-8")
    return path


@pytest.fixture
def nothing(tmp_path: Path) -> Path:
    """A recording of nothing."""
    path = tmp_path / "空.mp4"
    path.write_bytes(b"")
    return path


async def without_room(route: Route) -> None:
    """Answer as if all of the person's space were taken."""
    answer = await route.fetch()
    me = await answer.json()
    await route.fulfill(response=answer, json={**me, "used_bytes": me["quota_bytes"]})


async def throttle(page: Page, bytes_a_s: int) -> None:
    """Make the line as slow as a village school's; -1 takes it off."""
    session = await page.context.new_cdp_session(page)
    await session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_s},
    )


async def test_a_file_becomes_a_lesson_that_plays(page: Page, town: Town, named: Path) -> None:
    await sign_in(page, town.password, then="/upload")
    await page.locator("input[type=file]").first.set_input_files(named)
    await expect(page.get_by_role("heading", name="浮力的秘密")).to_be_visible()
    await page.get_by_role("button", name="课程信息").click()
    await expect(page.get_by_label("年级", exact=True)).to_have_value("g8")
    await expect(page.get_by_label("学科", exact=True)).to_have_value("physics")
    await expect(page.get_by_label("主讲老师", exact=True)).to_have_value("王芳老师")
    await page.get_by_label("章节", exact=True).fill("第十章 浮力")
    await page.get_by_label("章节", exact=True).blur()
    watch = page.locator("main").get_by_role("link", name="播放")
    await expect(watch).to_be_visible(timeout=50_000)
    await watch.click()
    await until_played(page, 0.5)
    await expect(page.get_by_text("第十章 浮力")).to_be_visible()


async def test_what_is_no_video_is_refused_in_plain_words_before_it_is_sent(
    page: Page, town: Town, notes: Path, nothing: Path
) -> None:
    await sign_in(page, town.password, then="/upload")
    begun: list[str] = []
    page.on("request", lambda asked: begun.append(asked.url) if asked.method == "POST" else None)
    await page.locator("input[type=file]").first.set_input_files([notes, nothing])
    await expect(page.get_by_text("这个文件是文字，不是视频")).to_be_visible()
    await expect(page.get_by_text("文件是空的")).to_be_visible()
    assert begun == []


async def test_a_file_without_room_says_so_and_can_be_tried_again(
    page: Page, town: Town, named: Path
) -> None:
    await page.route("**/api/v1/me", without_room)
    await sign_in(page, town.password, then="/upload")
    await page.locator("input[type=file]").first.set_input_files(named)
    await expect(page.get_by_text("空间不够，放不下这个文件")).to_be_visible()
    await expect(page.get_by_role("button", name="重试")).to_be_visible()


async def test_pausing_and_closing_the_tab_lose_nothing(
    page: Page, context: BrowserContext, town: Town
) -> None:
    await sign_in(page, town.password, then="/upload")
    await throttle(page, SLOW_BYTES_A_S)
    await page.locator("input[type=file]").first.set_input_files(town.video)
    bar = page.get_by_role("progressbar")
    await until(page, "document.querySelector('[role=progressbar]')?.ariaValueNow > 2")
    await page.get_by_role("button", name="暂停", exact=True).click()
    await expect(page.get_by_text("已暂停")).to_be_visible()
    sent = int(await bar.get_attribute("aria-valuenow") or "0")
    assert 0 < sent < 50
    again = await context.new_page()
    await page.close()
    await again.goto("/upload")
    await expect(again.get_by_text("有 1 个文件上次没有传完")).to_be_visible()
    offsets: list[str] = []
    again.on(
        "request",
        lambda asked: (
            offsets.append(asked.headers["upload-offset"]) if asked.method == "PATCH" else None
        ),
    )
    await again.locator("input[type=file]").first.set_input_files(town.video)
    await expect(again.get_by_text("可以播放了").or_(again.get_by_text("全部完成"))).to_be_visible(
        timeout=50_000
    )
    assert int(offsets[0]) > 0
    await again.close()


async def test_my_lessons_are_edited_deleted_and_brought_back(page: Page, town: Town) -> None:
    await sign_in(page, town.password, then="/mine")
    row = page.get_by_role("listitem").filter(has_text=TITLE)
    await row.get_by_role("button", name="更多操作").click()
    await page.get_by_role("menuitem", name="编辑").click()
    panel = page.get_by_role("dialog", name="编辑课程信息")
    await panel.get_by_label("简介").fill("从赵爽弦图讲起。")
    await panel.get_by_role("button", name="保存").click()
    await expect(panel).to_have_count(0)
    saved = await (await page.request.get(town.api(f"lessons/{town.lesson}"))).json()
    assert saved["description"] == "从赵爽弦图讲起。"

    await row.get_by_role("button", name="更多操作").click()
    await page.get_by_role("menuitem", name="删除").click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="撤销").click()
    await expect(row).to_be_visible()
    kept = await page.request.get(town.api(f"lessons/{town.lesson}"))
    assert kept.status == 200


async def test_a_guest_is_sent_to_sign_in_and_back(page: Page, town: Town) -> None:
    await page.goto("/mine")
    await page.wait_for_url("**/login?next=/mine")
    await page.get_by_label("用户名").fill("nobody")
    await page.get_by_label("密码", exact=True).fill("wrong password")
    await page.get_by_role("button", name="登录", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("用户名或密码不对")
    await sign_in(page, town.password, then="/mine")
    await expect(page.get_by_role("heading", name="我的课")).to_be_visible()
