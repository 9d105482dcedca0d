"""The floor: from a pupil's camera to the main classroom's screen, measured in pixels.

    python -m loadtests.live_floor [--seconds 60] [--judge]

A lesson is on the air by RTMP. A pupil at home raises a hand and is given the floor; the camera of
that page is a canvas with the wall clock burnt in (live_camera.js), sent by WebCodecs as any other.
The teacher's studio shows the pupil, and every presented frame's stamp is read there. The time
holds drawing, the browser's encoder, the service with its live encoder, loopback, Media Source,
decoding, and the room's common delay. Goal: p95 500 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imageio_ffmpeg
from playwright.async_api import Browser, Page

from loadtests.chromium import chromiums
from loadtests.live_figures import gaps
from loadtests.live_session import Booked, booked, until_state
from loadtests.live_spread import spread
from loadtests.live_stamps import (
    BLOCK_PX,
    CHECK_BITS,
    FPS,
    HEIGHT_PX,
    LEFT_PX,
    TIME_BITS,
    TOP_PX,
    WIDTH_PX,
)
from loadtests.live_watch import SMALL, Delivery, Seen, Viewer, now_ms, reader, watch_on
from loadtests.service import ADMIN_PASSWORD, Service, running

GOAL_MS = 500.0
WARM_UP_S = 20.0
LONGEST_MS = 10_000.0
STEP_LIMIT_MS = 30_000
FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
CAMERA = Path(__file__).with_name("live_camera.js")


@contextmanager
def plain_lesson(url: str) -> Iterator[None]:
    """Publish a picture without stamps, so that only the pupil's are read."""
    publisher = subprocess.Popen([
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-re", "-f", "lavfi",
        "-i", "testsrc2=size=640x360:rate=25", "-re", "-f", "lavfi", "-i", "sine=frequency=330",
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "50",
        "-c:a", "aac", "-b:a", "96k", "-f", "flv", url,
    ])  # fmt: skip
    try:
        yield
    finally:
        publisher.kill()
        publisher.wait()


def camera() -> str:
    """Give the script that makes a page's camera a stamped canvas."""
    options = {
        "timeBits": TIME_BITS, "checkBits": CHECK_BITS, "block": BLOCK_PX, "left": LEFT_PX,
        "top": TOP_PX, "width": WIDTH_PX, "height": HEIGHT_PX, "fps": FPS,
    }  # fmt: skip
    text = CAMERA.read_text("utf-8")
    return f"({text[text.index('(options) =>') :]})({json.dumps(options)})"


async def open_page(browser: Browser, url: str, script: str, *, teacher: bool = False) -> Page:
    """Open a page of the lesson, as a guest or as the one who runs it."""
    context = await browser.new_context(
        viewport={"width": SMALL.width_px, "height": SMALL.height_px}, locale="zh-CN",
        permissions=["camera", "microphone"],
    )  # fmt: skip
    context.set_default_timeout(STEP_LIMIT_MS)
    await context.add_init_script(script)
    if teacher:
        origin = url.partition("/studio")[0]
        login = {"username": "admin", "password": ADMIN_PASSWORD}
        answer = await context.request.post(f"{origin}/api/v1/login", data=login)
        if not answer.ok:
            raise SystemExit(f"the teacher cannot sign in: {answer.status}")
    page = await context.new_page()
    await page.goto(url)
    return page


def delays(seen: Seen) -> list[float]:
    """Give what stamps say. One in sixteen pictures without a stamp reads as any time."""
    return [one.delay_ms for one in seen.shown if 0 <= one.delay_ms < LONGEST_MS]


async def give_floor(pupil: Page, teacher: Page) -> None:
    """Raise the hand, and let the teacher see it."""
    await pupil.get_by_role("button", name="举手").click()
    await teacher.get_by_role("button", name="给发言权").click()
    await pupil.get_by_text("您正在发言").wait_for()


async def bench(service: Service, seconds: float, warm_up_s: float) -> bool:
    """Measure and print; tell whether the goal is met."""
    async with (
        booked(service, "孩子们来讲") as (client, session),
        chromiums(2, *FAKE_DEVICES) as two,
    ):
        with plain_lesson(session.rtmp):
            await until_state(client, session.id, "live")
            return await measure(session, service.url, two, seconds, warm_up_s)


async def measure(
    session: Booked, url: str, browsers: list[Browser], seconds: float, warm_up_s: float
) -> bool:
    """Give the floor to a pupil and read what the teacher sees."""
    studio = f"{url}/studio/{session.id}"
    teacher = await open_page(browsers[0], studio, reader(Delivery.WS), teacher=True)
    pupil = await open_page(browsers[1], session.page, camera())
    await give_floor(pupil, teacher)
    viewer = Viewer(teacher, Delivery.WS)
    await asyncio.sleep(warm_up_s)
    from_ms = now_ms()
    (whole,) = await watch_on([viewer], seconds)
    seen = whole.between(from_ms, from_ms + 1000 * seconds)
    delay, stalls = spread(delays(seen)), len(gaps(seen))
    good = delay.count > 0 and delay.p95 <= GOAL_MS
    print("From the pupil's camera to the teacher's screen, ms as p50 / p95 / max.\n")
    print("| frames | delay | gaps over 200 ms | goal |\n|---|---|---|---|")
    met = "met" if good else "MISSED"
    print(f"| {delay.count} | {delay} | {stalls} | p95 ≤ {GOAL_MS:.0f}: {met} |")
    return good


def main(arguments: list[str]) -> int:
    """Start the service, measure, print; 1 when judged and the goal is missed."""
    parser = argparse.ArgumentParser(description="A pupil's picture in the main classroom")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--warm-up", type=float, default=WARM_UP_S)
    parser.add_argument("--judge", action="store_true", help="exit with 1 when the goal is missed")
    asked = parser.parse_args(arguments)
    with running() as service:
        good = asyncio.run(bench(service, asked.seconds, asked.warm_up))
    return int(asked.judge and not good)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
