"""What all acceptance tests share: time, and for journeys through the pages a browser.

Starting a Chromium costs a second, so there is one for all that a process runs. Its tests share an
event loop, as Playwright demands; each has browser windows of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.chromium import FAKE_DEVICES, launched
from tests.support.chromium import chromium_path as chromium_path

HERE = Path(__file__).parent
JOURNEYS = (HERE / "live", HERE / "web")
LIMIT_S = 240


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bound each by what a busy machine needs; the steps within have limits of their own."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT_S))
        journey = any(folder in item.path.parents for folder in JOURNEYS)
        if journey and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(chromium_path: str) -> AsyncIterator[Browser]:
    """A Chromium with a camera and a microphone of its own making."""
    async with launched(chromium_path, *FAKE_DEVICES) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """The Chromium without a window; those that a test opens are closed at its end."""
    yield chromium
    for context in chromium.contexts:
        await context.close()
