"""Browsers and networks that lack something: the lesson goes out and comes in another way."""

from __future__ import annotations

import json

from playwright.async_api import Page, expect

from tests.acceptance.live.conftest import TEACHER, Booked, OnAir, Screens, finish
from tests.acceptance.live.steps import moving
from tests.support.wait import eventually

NO_ENCODERS = (
    "for (const name of ['VideoEncoder', 'AudioEncoder', 'MediaStreamTrackProcessor'])"
    + (" delete window[name];")
)
NO_WEB_SOCKET = """
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor() { super(location.origin.replace("http", "ws") + "/live/refused"); }
};
"""
ONLY_THE_BROWSER_ITSELF = """
for (const name of ["WebSocket", "MediaSource", "ManagedMediaSource"]) delete window[name];
"""
STILL_SCREEN = """
navigator.mediaDevices.getDisplayMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#0000ff";
  pen.fillRect(0, 0, 1280, 720);
  return canvas.captureStream();
};
"""
LACKS = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wish) =>
  WITHOUT ? Promise.reject(new DOMException("no", "NotFoundError")) : ask(wish);
"""
NO_CAMERA, NO_DEVICES = (LACKS.replace("WITHOUT", when) for when in ("wish.video", "true"))
SOURCE = "document.querySelector('figure video').src"
NOTES_REPLAYS = """
() => {
  const video = document.querySelector("figure video");
  window.playedAgain = false;
  video.addEventListener("ended", () =>
    video.addEventListener("play", () => { window.playedAgain = true; }));
}
"""
PLAYED_FRAMES = 30
# The fake camera has a bright disc in its middle: that of the small picture, for two seconds,
# against what is beside it.
SEEN, NOT_SEEN = 60, 25
BRIGHTEST = """
async () => {
  const video = document.querySelector("figure video");
  const pen = new OffscreenCanvas(1280, 720).getContext("2d", { willReadFrequently: true });
  const green = (x, y) => pen.getImageData(x, y, 1, 1).data[1];
  let most = 0;
  for (let n = 0; n < 40; n++) {
    pen.drawImage(video, 0, 0, 1280, 720);
    most = Math.max(most, green(1090, 620) - green(930, 530));
    await new Promise((done) => setTimeout(done, 50));
  }
  return most;
}
"""


async def begin(teacher: Page) -> None:
    """Press the red button."""
    await teacher.get_by_role("button", name="开始上课").click()
    await expect(teacher.get_by_text("正在上课")).to_be_visible()


BLUE = """
() => {
  const pen = new OffscreenCanvas(2, 2).getContext("2d");
  pen.drawImage(document.querySelector("figure video"), 0, 0, 2, 2);
  return pen.getImageData(0, 0, 1, 1).data[2];
}
"""
MOSTLY = 200


async def blue(page: Page) -> int:
    """Look at the colour of the picture."""
    return int(await page.evaluate(BLUE))


async def brightest(page: Page) -> int:
    """Look at the corner where the small picture stands."""
    return int(await page.evaluate(BRIGHTEST))


async def test_a_browser_without_encoders_records_webm(screens: Screens, booked: Booked) -> None:
    session = await booked("小数的意义")
    teacher = await screens.open(f"/studio/{session}", TEACHER, NO_ENCODERS)
    said: list[str | bytes] = []
    teacher.on("websocket", lambda socket: socket.on("framesent", lambda one: said.append(one)))
    await begin(teacher)
    guest = await screens.open(f"/watch/{session}")
    assert await moving(guest, frames=PLAYED_FRAMES) > 0
    hellos = [json.loads(one) for one in said if isinstance(one, str) and '"publish"' in one]
    assert [one["container"] for one in hellos] == ["webm"]


async def test_where_no_web_socket_comes_through_it_is_hls(on_air: OnAir, screens: Screens) -> None:
    guest = await screens.open(on_air.watch, script=NO_WEB_SOCKET)
    assert await moving(guest, frames=PLAYED_FRAMES) > 0
    assert (await guest.evaluate(SOURCE)).startswith("blob:"), "hls.js feeds it"


async def test_a_browser_without_media_source_plays_the_playlist_itself(
    on_air: OnAir, screens: Screens
) -> None:
    guest = await screens.open(on_air.watch, script=ONLY_THE_BROWSER_ITSELF)
    assert await moving(guest, frames=PLAYED_FRAMES) > 0
    assert "/multivariant.m3u8" in await guest.evaluate(SOURCE)
    await expect(guest.locator("figure").get_by_text("直播中")).to_be_visible()
    await guest.evaluate(NOTES_REPLAYS)
    await finish(screens.city, on_air.session)
    await expect(guest.get_by_text("已经下课").first).to_be_visible()
    await expect(guest.get_by_role("link", name="看这节课的录像")).to_be_visible()
    assert not await guest.evaluate("window.playedAgain"), "it stays where it has ended"


async def test_a_screen_goes_out_with_the_camera_in_its_corner(
    screens: Screens, booked: Booked
) -> None:
    session = await booked("用字处理软件写一封信")
    teacher = await screens.open(f"/studio/{session}", TEACHER)
    await teacher.get_by_role("button", name="屏幕和摄像头").click()
    await expect(teacher.get_by_role("button", name="屏幕和摄像头")).to_have_attribute(
        "aria-pressed", "true"
    )
    await begin(teacher)
    guest = await screens.open(f"/watch/{session}")
    await moving(guest)

    assert await brightest(guest) > SEEN, "the camera stands in the corner"
    await teacher.get_by_role("button", name="屏幕", exact=True).click()

    async def alone() -> bool:
        return await brightest(guest) < NOT_SEEN

    await eventually(alone)


async def test_a_screen_on_which_nothing_moves_goes_on(screens: Screens, booked: Booked) -> None:
    session = await booked("圆的面积")
    teacher = await screens.open(f"/studio/{session}", TEACHER, STILL_SCREEN)
    await teacher.get_by_role("button", name="屏幕", exact=True).click()
    await begin(teacher)
    guest = await screens.open(f"/watch/{session}")
    assert await moving(guest, frames=PLAYED_FRAMES) > 0
    assert await blue(guest) > MOSTLY


async def test_a_lesson_without_a_camera_is_heard(screens: Screens, booked: Booked) -> None:
    session = await booked("古诗朗读")
    teacher = await screens.open(f"/studio/{session}", TEACHER, NO_CAMERA)
    await expect(teacher.get_by_text("没有找到摄像头")).to_be_visible()
    await begin(teacher)
    guest = await screens.open(f"/watch/{session}")
    assert await moving(guest, frames=PLAYED_FRAMES) > 0


async def test_without_camera_and_microphone_there_is_nothing_to_begin(
    screens: Screens, booked: Booked
) -> None:
    session = await booked("没有设备")
    teacher = await screens.open(f"/studio/{session}", TEACHER, NO_DEVICES)
    await expect(teacher.get_by_text("没有找到麦克风")).to_be_visible()
    await expect(teacher.get_by_role("button", name="开始上课")).to_be_disabled()
