"""A browser that plays no sound before somebody touches the page: muted, with one big button.

Chromium runs with its own policy here. Playwright's questions to a page count as a touch of it, so
until the button is there the page is only asked by CDP, which says that nobody touched it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest_asyncio
from blockbuster import BlockBuster
from playwright.async_api import Browser, Locator, Page, expect

from tests.acceptance.live.conftest import DEVICE, OnAir, Screens
from tests.acceptance.live.steps import moving
from tests.acceptance.live.test_fallbacks import NO_DEVICES
from tests.acceptance.live.test_the_floor import speak
from tests.support.accessibility import findings_of
from tests.support.chromium import FAKE_DEVICES, PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER, launched
from tests.support.wait import eventually

AS_IT_IS_SOLD = "--autoplay-policy=document-user-activation-required"
IN_ENGLISH = "localStorage.setItem('tongbu.locale', 'en');"
BUTTONS = "document.querySelectorAll('.picture__sound').length"
MUTED = "[...document.querySelectorAll('figure.picture > video')].map((one) => one.muted)"
VOLUMES = "[...document.querySelectorAll('figure.picture > video')].map((one) => one.volume)"
TOUCHED = "navigator.userActivation.hasBeenActive"
BIG_PX = 200


@pytest_asyncio.fixture(loop_scope="session")
async def sold(chromium_path: str, blockbuster: BlockBuster) -> AsyncIterator[Browser]:
    """A Chromium that wants to be touched first."""
    blockbuster.functions["os.stat"].can_block_in(*PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER)
    async with launched(chromium_path, *FAKE_DEVICES, AS_IT_IS_SOLD) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def viewers(sold: Browser, screens: Screens) -> Screens:
    """Pages of those who watch."""
    return replace(screens, browser=sold)


async def asked(page: Page, expression: str) -> Any:
    """Ask a page something without touching it."""
    async with AsyncExitStack() as stack:
        session = await page.context.new_cdp_session(page)
        stack.push_async_callback(session.detach)
        answer = await session.send(
            "Runtime.evaluate",
            {"expression": expression, "returnByValue": True, "userGesture": False},
        )
    return answer["result"].get("value")


async def held_back(page: Page, pictures: int = 1) -> None:
    """Wait until all pictures play without sound and one button stands there; nobody touched it."""

    async def is_muted() -> bool:
        found = await asked(page, MUTED)
        return bool(found == [True] * pictures and await asked(page, BUTTONS) == 1)

    await eventually(is_muted)
    assert not await asked(page, TOUCHED)
    await moving(page)
    assert await page.evaluate(MUTED) == [True] * pictures, "asking opened no sound"


async def heard(page: Page, pictures: int = 1) -> None:
    """The button is gone, sound is on, the picture goes on."""
    await expect(page.locator(".picture__sound")).to_have_count(0)
    assert await page.evaluate(MUTED) == [False] * pictures
    assert min(await page.evaluate(VOLUMES)) > 0
    await moving(page)


async def big(page: Page, name: str) -> Locator:
    """Give the button, which cannot be overlooked."""
    button = page.get_by_role("button", name=name)
    await expect(button).to_be_visible()
    box = await button.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= BIG_PX
    return button


async def test_a_guest_reaches_the_sound_by_keyboard(
    on_air: OnAir, viewers: Screens, axe: str
) -> None:
    guest = await viewers.open(on_air.watch)
    await held_back(guest)
    button = await big(guest, "打开声音")
    assert not await findings_of(guest, axe, touched=True)
    await expect(button).to_be_focused()
    await guest.keyboard.press("Tab")
    await expect(button).not_to_be_focused()
    await guest.keyboard.press("Shift+Tab")
    await expect(button).to_be_focused()
    await guest.keyboard.press("Enter")
    await heard(guest)


async def test_a_classroom_opens_the_sound_with_one_key_of_its_remote(
    on_air: OnAir, viewers: Screens
) -> None:
    """Without devices: while a page has a camera open, Chromium lets it play sound."""
    room = await viewers.open("/classroom", DEVICE, NO_DEVICES)
    await held_back(room)
    button = await big(room, "打开声音")
    await expect(button).to_be_focused()
    again = room.get_by_role("button", name="再试一次")
    await room.keyboard.press("ArrowRight")
    await expect(button).not_to_be_focused()
    await room.keyboard.press("ArrowLeft")
    await expect(button).to_be_focused()
    await room.keyboard.press("Enter")
    await heard(room)
    await room.keyboard.press("ArrowRight")
    await expect(again).to_be_focused()


async def test_one_button_opens_the_sound_of_lesson_and_speaker(
    on_air: OnAir, viewers: Screens, screens: Screens
) -> None:
    pupil = await screens.open(on_air.watch)
    await speak(pupil, on_air.teacher)
    guest = await viewers.open(on_air.watch, script=IN_ENGLISH)
    await held_back(guest, pictures=2)
    await (await big(guest, "Turn on sound")).click()
    await heard(guest, pictures=2)
