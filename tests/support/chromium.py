"""A real Chromium, headless, for tests of pages and players; one fresh browser a test.

`browser` is a playwright Browser. Where there is no Chromium the test is skipped.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from blockbuster import BlockBuster
from playwright.async_api import Browser, async_playwright

WITH_WINDOWS = ("chromium", "chromium-browser", "google-chrome")
# The same browser without the windows around its pages, which nobody sees here: a page costs half.
NAMES = ("chromium-headless-shell", *WITH_WINDOWS)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
)
# Ten pictures a second, not twenty: several lessons are encoded and watched on two cores.
FAKE_DEVICES = ("--use-fake-device-for-media-stream=fps=10", "--use-fake-ui-for-media-stream")
PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER = ("playwright/_impl/_driver.py", {"compute_driver_executable"})


def find_chromium(names: Sequence[str] = NAMES) -> str:
    """Give the path of the machine's Chromium. Without one: skip the test."""
    path = next((path for name in names if (path := shutil.which(name))), None)
    if path is not None:
        return path
    pytest.skip("no Chromium on PATH: install Debian's package chromium")


@asynccontextmanager
async def launched(path: str, *more: str) -> AsyncIterator[Browser]:
    """Run a Chromium of our own, with no profile and no traffic of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *more])
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where Chromium is."""
    return find_chromium()


@pytest.fixture
async def browser(chromium_path: str, blockbuster: BlockBuster) -> AsyncIterator[Browser]:
    """A headless Chromium for one test."""
    blockbuster.functions["os.stat"].can_block_in(*PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER)
    async with launched(chromium_path) as browser:
        yield browser
