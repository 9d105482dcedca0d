"""A pupil finds a lesson in two words and watches it: with the mouse, and with keys alone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.acceptance.web.conftest import NEXT_TITLE, TITLE, Town
from tests.acceptance.web.steps import TIME, pause, time_of, until, until_played

pytestmark = pytest.mark.browser
HAN = re.compile(r"[\u4e00-\u9fff]")


async def test_two_words_find_a_lesson_and_one_click_plays_it(page: Page, town: Town) -> None:
    before = await (await page.request.get(town.api(f"lessons/{town.lesson}"))).json()
    await page.goto("/")
    await page.get_by_role("combobox", name="搜索课程").fill("勾股 证明")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**q=*")
    tile = page.get_by_role("link", name=TITLE)
    await expect(tile).to_have_count(1)
    await tile.click()
    await until_played(page, 0.5)
    await expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    after = await (await page.request.get(town.api(f"lessons/{town.lesson}"))).json()
    assert after["plays"] == before["plays"] + 1


async def test_suggestions_by_pinyin_are_taken_with_the_arrows(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("combobox", name="搜索课程").press_sequentially("gougu", delay=20)
    await expect(page.get_by_role("option").first).to_be_visible()
    await page.keyboard.press("ArrowDown")
    first = page.get_by_role("option").first
    await expect(first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**q=*")
    await expect(page.get_by_role("option")).to_have_count(0)


async def test_facets_live_in_the_address(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("button", name=re.compile("^数学")).click()
    await page.wait_for_url("**subject=mathematics*")
    await page.reload()
    chosen = page.get_by_role("button", name="取消筛选：数学")
    await expect(chosen).to_be_visible()
    await page.go_back()
    await expect(chosen).to_have_count(0)
    await page.goto("/?grade=g1")
    await expect(page.get_by_role("heading", name="没有找到")).to_be_visible()
    await page.get_by_role("button", name="清除全部条件").click()
    await expect(page.get_by_role("link", name=TITLE)).to_be_visible()


async def test_it_goes_on_where_it_was_left(page: Page, town: Town) -> None:
    await page.goto(f"/lessons/{town.lesson}")
    await until_played(page, 0.2)
    await page.evaluate("document.querySelector('video').currentTime = 14")
    await until_played(page, 14.2)
    await page.goto("/")
    await page.goto(f"/lessons/{town.lesson}")
    await until_played(page, 13.5)
    await expect(page.get_by_text("从上次看到的")).to_be_visible()
    await page.get_by_role("button", name="从头看").click()
    await until(page, f"({TIME}) < 10")


async def test_the_player_obeys_the_keys(page: Page, town: Town) -> None:
    await page.goto(f"/lessons/{town.lesson}")
    await until_played(page, 0.3)
    video = page.locator("video")
    await page.keyboard.press("Space")
    await expect(video).to_have_js_property("paused", True)
    at = await time_of(page)
    await page.keyboard.press("l")
    assert await time_of(page) == pytest.approx(at + 10, abs=0.5)
    await page.keyboard.press("j")
    await page.keyboard.press("ArrowRight")
    assert await time_of(page) == pytest.approx(at + 5, abs=0.5)
    await page.keyboard.press("m")
    await expect(video).to_have_js_property("muted", True)
    await page.keyboard.press(">")
    await expect(video).to_have_js_property("playbackRate", 1.25)
    caption = page.locator(".caption")
    await expect(caption).to_contain_text("直角三角形")
    await page.keyboard.press("c")
    await expect(caption).to_have_count(0)
    await page.keyboard.press("k")
    await expect(video).to_have_js_property("paused", False)


async def test_the_spoken_text_leads_to_its_moment(page: Page, town: Town) -> None:
    await page.goto(f"/lessons/{town.lesson}")
    await until_played(page, 0.2)
    await pause(page)
    await page.get_by_role("tab", name="文稿").click()
    await page.get_by_role("button", name="第4句").click()
    assert await time_of(page) == pytest.approx(12, abs=0.3)
    current = page.locator("[aria-current=true]", has_text="第4句")
    await expect(current).to_be_visible()


async def test_quality_has_names_that_people_know(page: Page, town: Town) -> None:
    await page.goto(f"/lessons/{town.lesson}")
    await until_played(page, 0.3)
    await page.get_by_role("button", name="清晰度").click()
    names = await page.get_by_role("menuitemradio").all_inner_texts()
    assert names[0].startswith("自动")
    assert any(name.startswith("360") for name in names)
    assert len(set(names)) == len(names)
    await page.get_by_role("menuitemradio").last.click()
    await until_played(page, 1.5)


async def test_the_next_lesson_of_the_series_is_one_click_away(page: Page, town: Town) -> None:
    await page.goto(f"/lessons/{town.lesson}")
    await page.locator(".about__next").click()
    await page.wait_for_url(f"**/lessons/{town.next_lesson}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(NEXT_TITLE)
    await until_played(page, 0.3)


async def test_a_remote_with_five_keys_reaches_and_plays_a_lesson(page: Page) -> None:
    await page.goto("/?screen=classroom")
    tile = page.get_by_role("link", name=TITLE)
    await expect(tile).to_be_visible()
    await page.get_by_role("combobox", name="搜索课程").focus()
    await page.keyboard.press("Tab")
    for _ in range(12):
        if await page.evaluate("document.activeElement.classList.contains('tile')"):
            break
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/lessons/*")
    await until_played(page, 0.3)
    await page.keyboard.press("ArrowRight")
    await until_played(page, 5)
    await page.go_back()
    await expect(tile).to_be_visible()


async def test_english_is_complete(page: Page, town: Town) -> None:
    await page.goto("/")
    await page.get_by_role("button", name="Switch to English").click()
    await expect(page.get_by_role("heading", name="Find a lesson")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "en"
    for path in ("/login", "/nowhere", "/"):
        await page.goto(path)
        await expect(
            page.get_by_role("heading", level=1).or_(page.locator("h2")).first
        ).to_be_visible()
        texts = await page.evaluate(
            "[...document.querySelectorAll('header, label, button:not([lang]), h1, .state')]"
            ".filter((one) => !one.closest('.facets')).map((one) => one.innerText)"
        )
        assert not HAN.findall("".join(texts).replace("中", "").replace("切换到文", "")), path


async def test_a_broken_line_says_so_and_goes_on(
    page: Page, context: BrowserContext, town: Town
) -> None:
    await page.goto("/")
    await expect(page.get_by_role("link", name=TITLE)).to_be_visible()
    await context.set_offline(True)
    await expect(page.get_by_text("网络断开了，恢复后会自动继续。")).to_be_visible()
    await page.get_by_role("button", name=re.compile("^数学")).click()
    await expect(page.get_by_role("alert")).to_contain_text("连不上服务器")
    await context.set_offline(False)
    await page.get_by_role("button", name="再试一次").click()
    await expect(page.get_by_role("link", name=TITLE)).to_be_visible()


async def test_an_address_that_is_not_there(page: Page) -> None:
    answer = await page.goto("/nowhere")
    assert answer is not None
    assert answer.status == 404
    await page.get_by_role("link", name="回到资源库", exact=True).click()
    await expect(page.get_by_role("heading", name="找一节课")).to_be_visible()
    await page.goto("/lessons/00000000000000000000")
    await expect(page.get_by_role("alert")).to_contain_text("不存在")
