"""A guest's line is cut for five seconds: the page says so and comes back by itself."""

from __future__ import annotations

from playwright.async_api import expect

from loadtests.thin_line import line
from tests.acceptance.live.conftest import OnAir, Screens
from tests.acceptance.live.steps import moving

CUT_MS = 5_000
BACK_FRAMES = 15


async def test_a_line_that_was_cut_comes_back_by_itself(on_air: OnAir, screens: Screens) -> None:
    async with line(screens.city.url) as wire:
        guest = await screens.open(wire.through(screens.city.url + on_air.watch))
        await moving(guest)
        strip = guest.locator("figure").get_by_text("断线重连中")
        wire.cut()
        await expect(strip).to_be_visible()
        await guest.wait_for_timeout(CUT_MS)
        await expect(strip).to_be_visible()

        wire.mend()
        await expect(strip).to_be_hidden()
        await moving(guest, frames=BACK_FRAMES)
        await guest.context.close()
