"""A lesson given from a browser tab, seen in two others, with a raised hand, kept at its end."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import urljoin

import aiohttp
from playwright.async_api import Page

from loadtests.client import signed_in
from streaming.hls.parse import parse_multivariant
from tests.acceptance.live.conftest import DEVICE, TEACHER, City, Screens, book
from tests.support.playback import frames_of
from tests.support.wait import eventually

FRAMES = """(selector) => new Promise(done => {
  let seen = 0;
  const watch = video => {
    const next = () => ++seen < 10 ? video.requestVideoFrameCallback(next) : done(video.videoWidth);
    video.requestVideoFrameCallback(next);
  };
  const look = () => {
    const video = document.querySelector(selector);
    if (video) watch(video); else setTimeout(look, 50);
  };
  look();
})"""
HOLD_MS = 2_600
LEAST_RECORDED_S, LEAST_RECORDED_FRAMES = 4, 30


async def moving(page: Page, selector: str = "video") -> int:
    """Wait until ten frames were shown; give the picture's width."""
    return int(await page.evaluate(FRAMES, selector))


async def hold(page: Page, name: str) -> None:
    """Keep a button down as long as it wants to be held."""
    box = await page.get_by_role("button", name=name).bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.wait_for_timeout(HOLD_MS)
    await page.mouse.up()


async def test_a_lesson_from_one_tab_to_two_others_and_into_the_library(
    city: City, screens: Screens
) -> None:
    session = await book(city, "生活中的对称")
    teacher = await screens.open(f"/studio/{session['id']}", TEACHER)
    await teacher.get_by_role("button", name="开始上课").click()
    guest = await screens.open(f"/watch/{session['id']}")
    classroom = await screens.open("/classroom", DEVICE)
    widths = await asyncio.gather(moving(guest), moving(classroom))
    assert min(widths) > 0

    await classroom.get_by_role("button", name="举手").click()
    await teacher.get_by_role("button", name=re.compile("发言权")).click()
    assert await moving(guest, ".guest__right video") > 0, "guests see who has the floor"

    await hold(teacher, "结束")
    lesson = await recorded(city, session["id"])
    assert lesson["duration_s"] >= LEAST_RECORDED_S
    assert lesson["title"] == "生活中的对称"
    for url in await pictures_of(city.url + lesson["urls"]["hls"]):
        assert await asyncio.to_thread(frames_of, url) >= LEAST_RECORDED_FRAMES


async def pictures_of(url: str) -> list[str]:
    """Give the playlists of the pictures: asked for all at once, ffmpeg drops one in mid-frame."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        playlist = parse_multivariant(await answer.text())
    return [urljoin(url, item.uri) for item in playlist.variants if item.resolution_px]


async def recorded(city: City, session: str) -> dict[str, Any]:
    """Wait for the session's recording and give the lesson."""
    async with signed_in(city.url, TEACHER, city.passwords[TEACHER]) as client:

        async def has_lesson() -> bool:
            return bool((await client.get(f"sessions/{session}"))["state"] == "recorded")

        await eventually(has_lesson, limit_s=20)
        found = (await client.get(f"sessions/{session}"))["lesson"]
        lesson: dict[str, Any] = await client.get(f"lessons/{found}")
    return lesson
