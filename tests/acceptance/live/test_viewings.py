"""A live viewing tells how it went, by WebSocket and by LL-HLS."""

from __future__ import annotations

import time

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.live.conftest import City, OnAir, Screens
from tests.acceptance.live.steps import moving
from tests.acceptance.live.test_fallbacks import NO_WEB_SOCKET
from tests.support.wait import eventually

FRAMES = 45
JOIN_LIMIT_S = 30.0
REPORT_EVERY_S = 30
BITRATES_BPS = (50_000, 8_000_000)


async def figures(city: City, delivery: str) -> dict[str, float]:
    """Give what the city has counted of those who are behind no box."""
    async with aiohttp.ClientSession() as http, http.get(f"{city.url}/metrics") as answer:
        text = await answer.text()
    wanted = {"school": "city", "delivery": delivery}
    return {
        sample.name.removeprefix("tongbu_qoe_"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("tongbu_qoe_") and sample.labels == wanted
    }


@pytest.mark.parametrize(("delivery", "script"), [("ws", ""), ("ll-hls", NO_WEB_SOCKET)])
async def test_a_viewing_is_reported(
    city: City, on_air: OnAir, screens: Screens, delivery: str, script: str
) -> None:
    before = await figures(city, delivery)
    began = time.monotonic()
    guest = await screens.open(on_air.watch, script=script)
    await moving(guest, frames=FRAMES)
    await guest.goto("about:blank")
    half_minutes = (time.monotonic() - began) // REPORT_EVERY_S

    async def told() -> bool:
        found = await figures(city, delivery)
        return found.get("reports_total", 0) >= before.get("reports_total", 0) + 2

    await eventually(told)
    after = await figures(city, delivery)
    more = {name: value - before.get(name, 0) for name, value in after.items()}
    assert 2 <= more["reports_total"] <= 2 + half_minutes, "at the first picture and at the end"
    assert more["join_seconds_count"] == 1
    assert 0 < more["join_seconds_sum"] < JOIN_LIMIT_S
    assert 1 < more["play_seconds_total"] < 60
    assert more["rebuffer_seconds_total"] < JOIN_LIMIT_S
    lowest, highest = BITRATES_BPS
    assert lowest < more["bitrate_bps_sum"] / more["bitrate_bps_count"] < highest
