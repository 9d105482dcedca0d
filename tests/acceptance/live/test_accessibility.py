"""Live pages on three screens, while much goes on and while something is missing.

No serious finding of axe-core, nothing wider than the screen, no control cut off or too small.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.acceptance.live.conftest import DEVICE, TEACHER, Booked, City, OnAir, Screens, finish
from tests.acceptance.live.steps import moving
from tests.support.accessibility import findings_of

SCREENS: dict[str, tuple[ViewportSize, str]] = {
    "phone": ({"width": 390, "height": 844}, "light"),
    "tablet": ({"width": 1024, "height": 768}, "dark"),
    "board": ({"width": 1920, "height": 1080}, "classroom"),
}
NO_DEVICES = """
navigator.mediaDevices.getUserMedia = () =>
  Promise.reject(new DOMException("no", "NotAllowedError"));
"""
NOT_SECURE = "Object.defineProperty(window, 'isSecureContext', { value: false });"
QUESTION, NOTICE = "为什么正方形有四条对称轴？", "请准备好练习本和直尺。"


@dataclass(slots=True)
class Looks:
    """Looks at pages on all screens and keeps what is wrong with them."""

    axe: str
    pictures: Path
    found: dict[str, object] = field(default_factory=dict)

    async def at(self, page: Page, name: str) -> None:
        """Look at a page as it is."""
        for screen, (size, theme) in SCREENS.items():
            await page.set_viewport_size(size)
            await page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            await page.screenshot(path=self.pictures / f"live-{name}-{screen}.png")
            found = await findings_of(page, self.axe, touched=True)
            if found:
                self.found[f"{name} on {screen}"] = found

    def settle(self) -> None:
        """Nothing may be wrong."""
        assert self.found == {}, json.dumps(self.found, ensure_ascii=False, indent=1)


@pytest.fixture
def looks(axe: str, pictures: Path) -> Looks:
    """Looks at the pages of one test."""
    return Looks(axe, pictures)


async def much_goes_on(teacher: Page, guest: Page) -> None:
    """A question, a poll, a notice to everyone."""
    await guest.get_by_label("提一个问题").fill(QUESTION)
    await guest.get_by_role("button", name="提问", exact=True).click()
    await teacher.get_by_role("button", name=f"回答：{QUESTION}").click()
    await teacher.get_by_role("button", name="A B C D").click()
    await expect(guest.get_by_role("group", name="请选择")).to_be_visible()
    await teacher.get_by_label("给所有教室的通知").fill(NOTICE)
    await teacher.get_by_role("button", name="发出通知").click()
    await expect(guest.get_by_text(NOTICE)).to_be_visible()


async def test_pages_of_a_lesson_that_is_given(
    on_air: OnAir, screens: Screens, looks: Looks
) -> None:
    teacher, guest = on_air.teacher, await screens.open(on_air.watch)
    room = await screens.open("/classroom", DEVICE)
    await moving(guest)
    await much_goes_on(teacher, guest)
    await room.get_by_role("button", name="举手").click()
    await expect(room.get_by_text("已举手，第 1 位")).to_be_visible()
    await looks.at(room, "classroom-hand")
    await looks.at(teacher, "studio-hand")

    await teacher.get_by_role("button", name="给发言权").click()
    await expect(room.get_by_text("您正在发言")).to_be_visible()
    await moving(guest, ".guest__right video")
    await looks.at(room, "classroom-speaks")
    await looks.at(guest, "watch-floor")
    await looks.at(teacher, "studio-floor")
    await looks.at(await screens.open("/timetable", TEACHER), "timetable")
    looks.settle()


async def test_pages_before_and_after_a_lesson_and_without_devices(
    city: City, screens: Screens, booked: Booked, looks: Looks
) -> None:
    session = await booked("四边形的内角和")
    waiting = await screens.open(f"/watch/{session}", script=NOT_SECURE)
    await expect(waiting.get_by_text("开始后会自动播放")).to_be_visible()
    room = await screens.open("/classroom", DEVICE, NO_DEVICES)
    await expect(room.get_by_role("heading", name="四边形的内角和")).to_be_visible()
    studio = await screens.open(f"/studio/{session}", TEACHER, NO_DEVICES)
    await expect(studio.get_by_text("浏览器没有允许使用摄像头")).to_be_visible()
    await studio.get_by_text("用录播主机、OBS 或摄像机上课").click()
    insecure = await screens.open(f"/studio/{session}", TEACHER, NOT_SECURE)
    await expect(insecure.get_by_text("浏览器只允许安全地址")).to_be_visible()
    pages = {"watch": waiting, "classroom": room, "studio": studio, "studio-http": insecure}
    for name, page in pages.items():
        await looks.at(page, f"{name}-waiting")

    await finish(city, session)
    for page in (waiting, studio, insecure):
        await page.reload()
        await expect(page.get_by_text("已经下课")).to_be_visible()
    await expect(room.get_by_role("heading", name="今天的课")).to_be_visible()
    for name, page in pages.items():
        await looks.at(page, f"{name}-ended")
    looks.settle()
