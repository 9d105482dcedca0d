"""Steps that several journeys take."""

from __future__ import annotations

from playwright.async_api import Page

from tests.acceptance.web.conftest import TEACHER
from tests.support.wait import eventually

TIME = "document.querySelector('video')?.currentTime ?? -1"
LIMIT_S = 60.0


async def sign_in(page: Page, password: str, username: str = TEACHER, then: str = "/") -> None:
    """Fill the form as a person would and wait for the page behind it."""
    await page.goto(f"/login?next={then}")
    await page.get_by_label("用户名").fill(username)
    await page.get_by_label("密码", exact=True).fill(password)
    await page.get_by_role("button", name="登录", exact=True).click()
    await page.wait_for_url(lambda url: "/login" not in url)


async def until(page: Page, expression: str) -> None:
    """Wait until it is true in the page, whose policy forbids playwright's own way of waiting."""

    async def holds() -> bool:
        return bool(await page.evaluate(expression))

    await eventually(holds, LIMIT_S)


async def until_played(page: Page, seconds: float) -> None:
    """Wait until the picture has come that far."""
    await until(page, f"({TIME}) > {seconds}")


async def time_of(page: Page) -> float:
    """Where the picture is, in seconds."""
    return float(await page.evaluate(TIME))


async def pause(page: Page) -> None:
    """Stop the picture without a key or click."""
    await page.evaluate("document.querySelector('video').pause()")
