"""What people do in live lessons, and how a test sees that it works."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import aiohttp
from playwright.async_api import Page

from loadtests.client import signed_in
from streaming.hls.parse import parse_multivariant
from tests.acceptance.live.conftest import TEACHER, City
from tests.support.wait import eventually

FRAMES = """([selector, wanted, limit]) => new Promise((done, fail) => {
  let seen = 0;
  const places = [];
  const clock = setInterval(() => {
    if (places.length === limit / 2000) return clearInterval(clock);
    places.push(document.querySelector(selector)?.currentTime);
  }, 2000);
  const watch = video => {
    const next = () => {
      if (++seen < wanted) video.requestVideoFrameCallback(next); else done(video.videoWidth);
    };
    video.requestVideoFrameCallback(next);
  };
  const look = () => {
    const video = document.querySelector(selector);
    if (!video) return setTimeout(look, 50);
    watch(video);
    const gone = setInterval(() => {
      if (video.isConnected) return;
      clearInterval(gone);
      look();
    }, 100);
  };
  setTimeout(() => {
    const video = document.querySelector(selector);
    const {paused, readyState, networkState, currentTime, buffered, error} = video ?? {};
    const held = Array.from({length: buffered?.length ?? 0},
      (_, i) => [buffered.start(i), buffered.end(i)]);
    fail(new Error(`${seen} of ${wanted} frames: ` + JSON.stringify({
      there: !!video, paused, readyState, networkState, currentTime, places, held,
      error: error?.message,
    })));
  }, limit);
  look();
})"""
FRAMES_LIMIT_MS = 60_000
HOLD_MS = 2_600


async def moving(page: Page, selector: str = "video", frames: int = 10) -> int:
    """Wait until so many frames were shown; give the picture's width."""
    return int(await page.evaluate(FRAMES, [selector, frames, FRAMES_LIMIT_MS]))


async def hold(page: Page, name: str) -> None:
    """Keep a button down as long as it wants to be held."""
    button = page.get_by_role("button", name=re.compile(rf"^{name}\s*按住两秒"))
    box = await button.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.wait_for_timeout(HOLD_MS)
    await page.mouse.up()


async def pictures_of(url: str) -> list[str]:
    """Give the playlists of the pictures: asked for all at once, ffmpeg drops one in mid-frame."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        playlist = parse_multivariant(await answer.text())
    return [urljoin(url, item.uri) for item in playlist.variants if item.resolution_px]


async def user_id(city: City, username: str) -> str:
    """Give the id of a person."""
    async with signed_in(city.url, username, city.passwords[username]) as client:
        return str((await client.get("me"))["person_id"])


async def opened(city: City, session: str) -> None:
    """Wait until the session's room is open."""
    async with signed_in(city.url, TEACHER, city.passwords[TEACHER]) as client:

        async def is_open() -> bool:
            return (await client.get(f"sessions/{session}"))["state"] in {"waiting", "live"}

        await eventually(is_open)


async def recorded(city: City, session: str) -> dict[str, Any]:
    """Wait for the session's recording and give the lesson."""
    async with signed_in(city.url, TEACHER, city.passwords[TEACHER]) as client:

        async def has_lesson() -> bool:
            return bool((await client.get(f"sessions/{session}"))["state"] == "recorded")

        await eventually(has_lesson, limit_s=60)
        found = (await client.get(f"sessions/{session}"))["lesson"]
        lesson: dict[str, Any] = await client.get(f"lessons/{found}")
    return lesson
