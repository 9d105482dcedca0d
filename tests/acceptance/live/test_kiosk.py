"""The device on a classroom's wall: the real Chromium, as `deploy/kiosk/tongbu-kiosk` starts it.

Nobody touches it: what the page says of itself is asked by CDP (`test_blocked_sound`).
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from blockbuster import BlockBuster
from playwright.async_api import Page, async_playwright, expect

from tests.acceptance.live.conftest import DEVICE, STEP_LIMIT_MS, City, OnAir
from tests.acceptance.live.steps import moving
from tests.acceptance.live.test_blocked_sound import (
    AS_IT_IS_SOLD,
    BUTTONS,
    MUTED,
    TOUCHED,
    asked,
)
from tests.acceptance.live.test_fallbacks import NO_DEVICES
from tests.support.chromium import (
    PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER,
    WITH_WINDOWS,
    find_chromium,
)
from tests.support.wait import eventually

KIOSK = Path(__file__).parents[3] / "deploy/kiosk/tongbu-kiosk"
# What stands for a screen, a board's devices and a user of its own; and a way to look in. Of two
# policies the last counts: the script's.
MACHINE = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream=fps=10", "--remote-debugging-port=0",
    AS_IT_IS_SOLD,
)  # fmt: skip
NOTES_LOCKS = """
window.locks = [];
const take = navigator.wakeLock.request.bind(navigator.wakeLock);
navigator.wakeLock.request = async (kind) => {
  const lock = await take(kind);
  window.locks.push(lock);
  return lock;
};
"""
DEVICES = """async () => {
  const found = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  return found.getTracks().map((one) => one.kind).sort();
}"""
PLAYED = """(() => {
  const video = document.querySelector("video");
  return video?.played.length > 0 && video.currentTime - video.played.start(0) > 1;
})()"""
HELD = "window.locks.filter((one) => !one.released).map((one) => one.type)"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A Chromium on such a machine, with its windows."""
    program = tmp_path / "browser"
    words = shlex.join([find_chromium(WITH_WINDOWS), *MACHINE])
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    return program


@asynccontextmanager
async def kiosk(city: City, machine: Path, script: str = NOTES_LOCKS) -> AsyncIterator[Page]:
    """Start the device, signed in with its own account; its one page runs the script first."""
    profile = machine.parent / "profile"
    own = {"TONGBU_URL": f"{city.url}/", "TONGBU_PROFILE": str(profile)}
    process = await asyncio.create_subprocess_exec(
        KIOSK, env={**os.environ, **own, "TONGBU_BROWSER": str(machine)},
        start_new_session=True, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        url = await door(profile)
        async with async_playwright() as playwright:
            looked_in = await playwright.chromium.connect_over_cdp(url)
            context = looked_in.contexts[0]
            context.set_default_timeout(STEP_LIMIT_MS)
            await context.add_init_script(script)
            answer = await context.request.post(
                f"{city.url}/api/v1/login",
                data={"username": DEVICE, "password": city.passwords[DEVICE]},
            )
            assert answer.ok, await answer.text()
            # To look in counts as a touch, which the next page in the same tab would inherit.
            page = await context.new_page()
            await context.pages[0].close()
            await page.goto(f"{city.url}/classroom?screen=classroom")
            yield page
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def door(profile: Path) -> str:
    """Give where the browser can be looked into, once it shows the sign-in of a new device."""
    said = profile / "DevToolsActivePort"

    async def address() -> str:
        lines = await asyncio.to_thread(written, said)
        return f"http://127.0.0.1:{lines[0]}" if lines else ""

    async def asks_who_it_is() -> bool:
        if not (url := await address()):
            return False
        async with aiohttp.ClientSession() as http, http.get(f"{url}/json/list") as answer:
            return any("/login" in one["url"] for one in await answer.json(content_type=None))

    await eventually(asks_who_it_is)
    return await address()


def written(file: Path) -> list[str]:
    """Give the lines of a file that may not be there yet."""
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture(autouse=True)
def _driver(blockbuster: BlockBuster) -> None:
    blockbuster.functions["os.stat"].can_block_in(*PLAYWRIGHT_LOOKS_FOR_ITS_DRIVER)


async def test_the_board_keeps_its_screen_on_and_asks_nobody_for_its_camera(
    city: City, on_air: OnAir, machine: Path
) -> None:
    async with kiosk(city, machine) as room:

        async def is_kept_on() -> bool:
            return bool(await asked(room, HELD) == ["screen"])

        await eventually(is_kept_on)
        await expect(room.get_by_role("button", name="举手")).to_be_visible()
        assert await room.evaluate(DEVICES) == ["audio", "video"]
        await moving(room)


async def test_a_lesson_is_heard_though_nobody_touched_the_board(
    city: City, on_air: OnAir, machine: Path
) -> None:
    """Without devices: while a page has a camera open, Chromium lets it play sound anyway."""
    async with kiosk(city, machine, NO_DEVICES) as room:

        async def plays() -> bool:
            return bool(await asked(room, PLAYED))

        await eventually(plays)
        assert await asked(room, MUTED) == [False]
        assert await asked(room, BUTTONS) == 0
        assert not await asked(room, TOUCHED)
