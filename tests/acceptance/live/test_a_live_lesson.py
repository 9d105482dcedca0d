"""A lesson given from a browser tab, seen in two others, with a raised hand, kept at its end."""

from __future__ import annotations

import asyncio
import re

from tests.acceptance.live.conftest import DEVICE, TEACHER, City, Screens, book
from tests.acceptance.live.steps import hold, moving, pictures_of, recorded
from tests.support.playback import frames_of

LEAST_RECORDED_S, LEAST_RECORDED_FRAMES = 4, 30


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
