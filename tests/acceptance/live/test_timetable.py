"""A teacher books a lesson by the form; a second in the same room hears what it clashes with."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from playwright.async_api import Locator, Page, expect

from catalog.people import CITY_ZONE
from tests.acceptance.live.conftest import TEACHER, Screens

FIRST, SECOND = "圆的周长", "圆的面积"


def next_monday() -> date:
    """A day that is ahead whatever day it is today."""
    today = datetime.now(UTC).astimezone(CITY_ZONE).date()
    return today + timedelta(days=7 - today.weekday())


async def fill_booking(page: Page, title: str, day: date, at: str) -> Locator:
    """Open the form and fill it, up to the button that books."""
    await page.get_by_role("button", name="预约一节课").click()
    form = page.get_by_role("dialog", name="预约一节课")
    await form.get_by_label("课题").fill(title)
    await form.get_by_label("日期").fill(day.isoformat())
    await form.get_by_label("开始").fill(at)
    await form.get_by_label("时长（分钟）").fill("40")
    await choose(form, "主讲教室", "录播")
    await choose(form, "听讲教室", "智慧教室")
    return form


async def choose(form: Locator, field: str, part: str) -> None:
    """Type part of a classroom's name until it alone is left, and take it."""
    box = form.get_by_role("combobox", name=field)
    await box.fill(part)
    found = form.locator(f"#{await box.get_attribute('aria-controls')}").get_by_role("option")
    await expect(found).to_have_count(1)
    await found.filter(has_text=part).click()


async def test_a_lesson_is_booked_by_the_form_and_a_clash_is_told_in_words(
    screens: Screens,
) -> None:
    page = await screens.open("/timetable", TEACHER)
    await page.get_by_role("button", name="下一周").click()
    week = page.get_by_role("group", name="一周的课")
    form = await fill_booking(page, FIRST, next_monday(), "09:00")
    await form.get_by_role("button", name="预约", exact=True).click()
    await expect(page.get_by_text(f"已预约“{FIRST}”。")).to_be_visible()
    await expect(week.get_by_role("button", name=re.compile(FIRST))).to_be_visible()

    form = await fill_booking(page, SECOND, next_monday(), "09:20")
    await expect(form.get_by_text(f"已经有“{FIRST}”")).to_be_visible()
    await form.get_by_role("button", name="预约", exact=True).click()
    told = form.get_by_role("alert")
    await expect(told).to_contain_text(f"09:00 已经有“{FIRST}”。请换一个时间或教室。")
    await expect(told).to_contain_text("录播教室")

    await form.get_by_label("开始").fill("10:00")
    await expect(form.get_by_text(f"已经有“{FIRST}”", exact=False).first).to_be_hidden()
    await form.get_by_role("button", name="预约", exact=True).click()
    await expect(week.get_by_role("button", name=re.compile(SECOND))).to_be_visible()
    await page.reload()
    await expect(week.get_by_role("button", name=re.compile(FIRST))).to_be_visible()
    await week.get_by_role("button", name=re.compile(FIRST)).click()
    panel = page.get_by_role("dialog", name=FIRST)
    await expect(panel.get_by_text("西海岸新区海风小学 智慧教室 1")).to_be_visible()
