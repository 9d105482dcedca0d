"""The floor goes from one to the next: everyone sees who has it now, not who had it."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.acceptance.live.conftest import DEVICE, OnAir, Screens
from tests.acceptance.live.steps import moving

SPEAKER = ".guest__right > figure video"
LONG_FRAMES = 25


async def speak(page: Page, teacher: Page) -> None:
    """Raise a hand and be given the floor."""
    await page.get_by_role("button", name="举手").click()
    await teacher.get_by_role("button", name="给发言权").click()
    await expect(page.get_by_text("您正在发言")).to_be_visible()


async def test_a_second_speaker_is_seen_after_the_first(on_air: OnAir, screens: Screens) -> None:
    room = await screens.open("/classroom", DEVICE)
    guest = await screens.open(on_air.watch)
    await speak(room, on_air.teacher)
    await moving(guest, SPEAKER)
    await room.get_by_role("button", name="结束发言").click()
    await expect(guest.get_by_text("正在发言")).to_be_hidden()

    pupil = await screens.open(on_air.watch)
    await speak(pupil, on_air.teacher)
    await expect(guest.get_by_text("访客 正在发言")).to_be_visible()
    await moving(guest, SPEAKER, LONG_FRAMES)
    await expect(guest.locator(".guest__right > figure").get_by_role("status")).to_be_hidden()
