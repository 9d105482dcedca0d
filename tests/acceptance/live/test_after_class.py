"""After class: attendance, also after a reload and by the timetable; a recording with pictures."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from loadtests.client import signed_in
from tests.acceptance.live.conftest import DEVICE, TEACHER, City, Screens, book
from tests.acceptance.live.steps import hold, moving, recorded
from tests.support.wait import eventually

TITLE = "三角形的内角和"
ROOM = "西海岸新区海风小学 智慧教室 1"
PICTURES_LIMIT_S = 60
COUNTS_CAMERAS = """
window.asked = 0;
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = wanted => { window.asked += 1; return ask(wanted); };
"""


async def given(city: City, screens: Screens) -> tuple[Page, dict[str, Any]]:
    """Give a lesson to its classroom, whose hand goes up, and end it."""
    session = await book(city, TITLE)
    teacher = await screens.open(f"/studio/{session['id']}", TEACHER, COUNTS_CAMERAS)
    await teacher.get_by_role("button", name="开始上课").click()
    classroom = await screens.open("/classroom", DEVICE)
    await moving(classroom)
    await classroom.get_by_role("button", name="举手").click()
    await expect(teacher.get_by_role("button", name=re.compile("发言权"))).to_be_visible()
    await hold(teacher, "结束")
    return teacher, await recorded(city, session["id"])


async def sees_the_attendance(page: Page) -> None:
    table = page.get_by_role("region", name="考勤").get_by_role("table").first
    row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name=ROOM))
    await expect(row.get_by_role("cell")).to_have_text(
        [re.compile(r"\d\d:\d\d"), re.compile("分钟"), "1", "0", "0"]
    )


async def test_attendance_stays_and_the_recording_has_pictures(
    city: City, screens: Screens, tmp_path: Path
) -> None:
    teacher, lesson = await given(city, screens)
    await sees_the_attendance(teacher)
    await teacher.reload()
    await sees_the_attendance(teacher)
    assert await teacher.evaluate("window.asked") == 0, "no camera is wanted after class"

    await teacher.goto("/timetable")
    week = teacher.get_by_role("group", name="一周的课")
    await week.get_by_role("button", name=re.compile(TITLE)).click()
    await teacher.get_by_role("dialog", name=TITLE).get_by_role("link", name="考勤").click()
    await sees_the_attendance(teacher)
    async with teacher.expect_download() as saving:
        await teacher.get_by_role("link", name="下载考勤表").click()
    saved = await saving.value
    assert re.fullmatch(rf"考勤 {TITLE} \d{{4}}-\d\d-\d\d\.csv", saved.suggested_filename)
    await saved.save_as(tmp_path / "table.csv")
    table = await asyncio.to_thread((tmp_path / "table.csv").read_text, "utf-8-sig")
    assert "\n教室,智慧教室 1,西海岸新区海风小学,听讲教室," in table

    async with signed_in(city.url, TEACHER, city.passwords[TEACHER]) as client:

        async def has_pictures() -> bool:
            return bool((await client.get(f"lessons/{lesson['id']}"))["urls"]["poster"])

        await eventually(has_pictures, limit_s=PICTURES_LIMIT_S)
