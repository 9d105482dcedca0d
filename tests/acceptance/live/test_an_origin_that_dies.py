"""The service is killed in mid-lesson: publisher and viewers come back into the same one."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from loadtests.service import end, running, start, wait_for_address
from tests.acceptance.live.conftest import TEACHER, City, Screens, book, settle
from tests.acceptance.live.steps import hold, moving, pictures_of, recorded
from tests.support.playback import frames_of

BEFORE_FRAMES, AFTER_FRAMES = 30, 45
LEAST_S = 5


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    """A city of its own, because its service does not live long."""
    with running() as service:
        yield asyncio.run(settle(service))


def start_again(city: City) -> subprocess.Popen[str]:
    """Kill the service and start it on the same address."""
    city.service.process.kill()
    city.service.process.wait()
    process, log = start(city.service.data, "--listen", urlsplit(city.url).netloc)
    assert wait_for_address(process, log) == city.url
    return process


async def test_a_killed_origin_comes_back_into_the_same_lesson(
    city: City, screens: Screens
) -> None:
    session = await book(city, "雨后的彩虹")
    teacher = await screens.open(f"/studio/{session['id']}", TEACHER)
    await teacher.get_by_role("button", name="开始上课").click()
    guest = await screens.open(f"/watch/{session['id']}")
    await moving(guest, frames=BEFORE_FRAMES)
    process = await asyncio.to_thread(start_again, city)
    try:
        await moving(guest, frames=AFTER_FRAMES)
        await hold(teacher, "结束")
        lesson = await recorded(city, session["id"])
        assert lesson["duration_s"] >= LEAST_S, "both sides of the restart are kept"
        for url in await pictures_of(city.url + lesson["urls"]["hls"]):
            assert await asyncio.to_thread(frames_of, url) > BEFORE_FRAMES
    finally:
        await asyncio.to_thread(end, process)
