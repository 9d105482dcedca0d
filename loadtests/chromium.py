"""Headless Chromium for the benches: the one on PATH, with no talk to anyone but the service."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from playwright.async_api import Browser, async_playwright

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser and stop it at the end."""
    async with chromiums(1) as browsers:
        yield browsers[0]


@asynccontextmanager
async def chromiums(count: int, *more: str) -> AsyncIterator[list[Browser]]:
    """Start so many browsers, each with processes of its own, and stop them at the end."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("no Chromium on PATH: apt-get install chromium")
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        browsers = []
        for _ in range(count):
            browser = await playwright.chromium.launch(
                executable_path=program, args=[*FLAGS, *more]
            )
            stack.push_async_callback(browser.close)
            browsers.append(browser)
        yield browsers
