"""Every page in every look: no serious finding of axe-core, nothing wider than the screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize

from loadtests.service import ADMIN_PASSWORD
from tests.acceptance.web.conftest import Town
from tests.acceptance.web.steps import sign_in, until
from tests.support.accessibility import findings_of

pytestmark = pytest.mark.browser
SCREENS: dict[str, ViewportSize] = {
    "phone": {"width": 360, "height": 740},
    "tablet": {"width": 1024, "height": 768},
    "board": {"width": 1920, "height": 1080},
}
LOOKS = {"phone": "light", "tablet": "dark", "board": "classroom"}
PAGES = {
    "library": "/",
    "none": "/?q=没有这样的课",
    "lesson": "/lessons/{lesson}",
    "upload": "/upload",
    "mine": "/mine",
    "schools": "/admin/schools",
    "people": "/admin/users",
    "account": "/account",
    "missing": "/nowhere",
    "login": "/login",
}
SETTLED = """
document.querySelector("main h1, main h2") !== null
  && !document.querySelector("main .shine, main [aria-busy=true]")
  && [...document.images].every((one) => one.complete)
  && (document.querySelector("video")?.readyState ?? 4) > 1
"""


async def settle(page: Page) -> None:
    """Wait until nothing is loading and no picture moves."""
    await until(page, SETTLED)
    await page.evaluate("document.querySelector('video')?.pause()")


@pytest.mark.parametrize("screen", SCREENS)
async def test_pages_are_usable_by_everyone(
    page: Page, town: Town, axe: str, pictures: Path, screen: str
) -> None:
    await page.set_viewport_size(SCREENS[screen])
    await page.add_init_script(f"localStorage.setItem('tongbu.theme', '{LOOKS[screen]}')")
    await sign_in(page, ADMIN_PASSWORD, "admin")
    findings: dict[str, Any] = {}
    for name, path in PAGES.items():
        await page.goto(path.format(lesson=town.lesson))
        await settle(page)
        await page.screenshot(path=pictures / f"{screen}-{name}.png")
        found = await findings_of(page, axe, touched=screen == "phone")
        if found:
            findings[name] = found
    assert findings == {}, json.dumps(findings, ensure_ascii=False, indent=1)
