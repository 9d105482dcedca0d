"""A guest goes back in the lesson and returns, and chooses a quality."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from playwright.async_api import Page, expect

from tests.acceptance.live.conftest import TEACHER, City, OnAir, Screens, book, finish
from tests.acceptance.live.steps import moving
from tests.acceptance.live.test_fallbacks import NO_WEB_SOCKET
from tests.support.wait import eventually

WIDTH = "document.querySelector('video').videoWidth"
TIME = "document.querySelector('video').currentTime"
BACK_FRAMES = 15
# hls.js goes over 12 s without sound by itself.
LATE_SOUND_MS = 14_000
SOUND_COMES_LATE = """
const encode = AudioEncoder.prototype.encode;
let first;
AudioEncoder.prototype.encode = function (data) {
  first ??= performance.now();
  if (performance.now() - first > LATE) encode.call(this, data);
};
""".replace("LATE", str(LATE_SOUND_MS))
# A teacher's computer that cannot keep up: for half a second of every three there is no picture.
LOSES_FRAMES = """
const encodeAll = VideoEncoder.prototype.encode;
VideoEncoder.prototype.encode = function (frame, options) {
  if (options?.keyFrame || performance.now() % 3100 > 500) encodeAll.call(this, frame, options);
};
"""
PAST_FRAMES = 75


# What a player of before the call appends is lost, and what it had: it stands with all in hand.
LOSES_WHAT_COMES = """
const buffers = [], deaf = new Set();
const add = MediaSource.prototype.addSourceBuffer;
MediaSource.prototype.addSourceBuffer = function (type) {
  const buffer = add.call(this, type);
  buffers.push(buffer);
  return buffer;
};
const append = SourceBuffer.prototype.appendBuffer;
SourceBuffer.prototype.appendBuffer = function (data) {
  if (!deaf.has(this)) return append.call(this, data);
  setTimeout(() => this.dispatchEvent(new Event("updateend")));
};
window.loseWhatComes = async () => {
  for (const buffer of buffers) deaf.add(buffer);
  const last = buffers.slice(-2);
  while (last.some((buffer) => buffer.updating)) await new Promise((done) => setTimeout(done, 5));
  for (const buffer of last) buffer.remove(0, Infinity);
};
"""


async def until_width(page: Page, least_px: int, most_px: int) -> None:
    """Wait until the picture is of that size; 0 is sound alone."""

    async def fits() -> bool:
        return bool(least_px <= await page.evaluate(WIDTH) <= most_px)

    await eventually(fits)


async def until_heard(page: Page) -> None:
    """Wait until a second more has been played, picture or not."""
    began = await page.evaluate(TIME)

    async def later() -> bool:
        return bool(await page.evaluate(TIME) > began + 1)

    await eventually(later)


async def has_sound(url: str) -> bool:
    """Tell whether there is a whole segment of sound."""
    async with aiohttp.ClientSession() as http, http.get(f"{url}/aac.m3u8") as answer:
        return answer.ok and "#EXTINF" in await answer.text()


async def test_a_guest_goes_back_and_returns(on_air: OnAir, screens: Screens) -> None:
    guest = await screens.open(on_air.watch)
    await moving(guest, frames=PAST_FRAMES)
    place = guest.get_by_role("slider", name="回看位置")
    await place.press("Home")
    await expect(guest.get_by_text(re.compile(r"^慢 \d+:\d\d$"))).to_be_visible()
    await moving(guest, frames=BACK_FRAMES)
    await expect(guest.get_by_text(re.compile(r"^慢 (0:0[3-9]|0:[1-9]\d|[1-9])"))).to_be_visible()

    await guest.get_by_role("button", name="回到直播").click()
    await expect(guest.locator("figure").get_by_text("直播中")).to_be_visible()
    await moving(guest, frames=BACK_FRAMES)
    await expect(guest.get_by_role("button", name="回到直播")).to_be_hidden()


@asynccontextmanager
async def watched(
    city: City, screens: Screens, title: str, script: str
) -> AsyncIterator[tuple[str, Page]]:
    """Give a lesson from such a teacher's computer, and a guest who has seen some of it."""
    session = (await book(city, title))["id"]
    teacher = await screens.open(f"/studio/{session}", TEACHER, script)
    await teacher.get_by_role("button", name="开始上课").click()
    await expect(teacher.get_by_text("正在上课")).to_be_visible()
    try:
        guest = await screens.open(f"/watch/{session}")
        await moving(guest, frames=PAST_FRAMES)
        yield session, guest
    finally:
        await finish(city, session)


async def test_a_lesson_that_lacks_frames_is_seen_by_hls_and_gone_back_in(
    city: City, screens: Screens
) -> None:
    async with watched(city, screens, "忙碌的电脑", LOSES_FRAMES) as (session, guest):
        by_hls = await screens.open(f"/watch/{session}", script=NO_WEB_SOCKET)
        await moving(by_hls, frames=BACK_FRAMES)
        await guest.get_by_role("slider", name="回看位置").press("Home")
        await moving(guest, frames=PAST_FRAMES)


async def test_a_guest_goes_back_to_where_there_was_no_sound_yet(
    city: City, screens: Screens
) -> None:
    async with watched(city, screens, "看图说话", SOUND_COMES_LATE) as (session, guest):
        await eventually(lambda: has_sound(f"{city.url}/live/{session}"))
        await guest.get_by_role("slider", name="回看位置").press("Home")
        await moving(guest, frames=BACK_FRAMES)


async def test_a_guest_who_has_gone_back_and_stands_with_all_in_hand_goes_on_from_there(
    on_air: OnAir, screens: Screens
) -> None:
    guest = await screens.open(on_air.watch, script=LOSES_WHAT_COMES)
    await moving(guest, frames=PAST_FRAMES)
    await guest.get_by_role("slider", name="回看位置").press("Home")
    await moving(guest, frames=BACK_FRAMES)
    stood = await guest.evaluate(TIME)
    await guest.evaluate("loseWhatComes()")
    await moving(guest, frames=PAST_FRAMES)
    assert await guest.evaluate(TIME) > stood
    await expect(guest.get_by_text(re.compile(r"^慢 \d+:\d\d$"))).to_be_visible()


async def test_a_guest_chooses_a_quality(on_air: OnAir, screens: Screens) -> None:
    guest = await screens.open(on_air.watch)
    width = await moving(guest)
    menu = guest.get_by_label("清晰度")
    await expect(menu.locator("option").last).to_have_text("只听声音")
    await expect(menu.locator("option").first).to_have_text(re.compile(r"^自动 \d+p$"))
    names = await menu.locator("option").all_text_contents()
    assert names[-1] == "只听声音"
    assert len(names) > 3, f"{names}: the ladder has a lower rung"

    await menu.select_option(names[-2])
    await until_width(guest, 1, width - 1)
    await menu.select_option("只听声音")
    await until_width(guest, 0, 0)
    await until_heard(guest)
    await menu.select_option("auto")
    await until_width(guest, width, width)
    await moving(guest)
