"""A room through a school's box, with a real room behind it: the line breaks, nothing is lost."""

from __future__ import annotations

import json
import time

from tests.integration.streaming.edge.conftest import SAYING, School
from tests.support.wait import eventually


async def test_a_member_is_in_the_room_as_itself(school: School) -> None:
    pupil = await school.pupil()
    await pupil.say("join", client="tab1")
    welcome = await pupil.hear("welcome")
    assert welcome["role"] == "viewer"
    assert school.line.asked[0]["User-Agent"] == "tablet"
    teacher = await school.house.connect("t1", "teacher", "王芳")
    await teacher.say("join")
    await teacher.hear("welcome")
    await pupil.say("ask", text="为什么对称轴只有一条?")
    await teacher.sees("questions", lambda all_: [q["text"] for q in all_.values()] != [])
    await pupil.sees("questions", lambda all_: len(all_) == 1)
    assert school.relay.members == 1
    await pupil.socket.close()
    await eventually(lambda: school.relay.members == 0)


async def test_pings_are_answered_here_with_the_origin_s_time(school: School) -> None:
    pupil = await school.pupil()
    await pupil.say("join", client="tab1")
    await pupil.hear("welcome")
    await pupil.say("chat", text="到")
    await eventually(lambda: school.clock.reading is not None)
    reading = school.clock.reading
    assert reading is not None
    assert abs(reading.offset_ms) <= reading.error_ms + 5
    await pupil.say("ping", t0=12.5)
    pong = await pupil.hear("pong")
    assert pong["t0"] == 12.5
    assert pong["t1"] == pong["t2"]
    assert abs(pong["t1"] - time.time() * 1000) < 1000


async def test_a_question_without_a_line_is_asked_once_when_it_is_back(school: School) -> None:
    pupil = await school.pupil()
    await pupil.say("join", client="tab1")
    await pupil.hear("welcome")
    await school.lose_the_line()
    assert (await pupil.hear("line"))["up"] is False
    await pupil.say("ask", text="老师,刚才没听见")
    await pupil.say("hand", up=True)
    await eventually(lambda: school.relay.waiting == 2)
    await pupil.say("ping", t0=1)
    await pupil.hear("pong")
    await school.mend_it()
    await pupil.hear("welcome")
    await pupil.sees("questions", lambda all_: len(all_) == 1)
    assert school.relay.waiting == 0

    await school.lose_the_line()
    await pupil.hear("line")
    await school.mend_it()
    welcome = await pupil.hear("welcome")
    texts = [one["text"] for one in welcome["room"]["questions"].values()]
    assert texts == ["老师,刚才没听见"], "once, although it was said again"


async def test_what_is_said_while_the_way_is_made_arrives(school: School) -> None:
    SAYING.clear()
    school.line.go_on.clear()
    pupil = await school.pupil()
    await pupil.say("join", client="tab1")
    await eventually(lambda: len(SAYING) == 1)
    await pupil.say("ask", text="能再讲一遍吗?")
    await eventually(lambda: school.relay.waiting == 1)
    school.line.go_on.set()
    await pupil.hear("welcome")
    await pupil.sees("questions", lambda all_: len(all_) == 1)


async def test_who_is_not_admitted_upstream_is_told_for_good(school: School) -> None:
    dialled = school.line.dialled
    outsider = await school.pupil("/live/s2/room?who=p1&role=viewer")
    await outsider.say("join")
    assert await outsider.closed() == 1008
    assert school.line.dialled == dialled + 1


async def test_words_that_are_no_text_end_the_connection(school: School) -> None:
    pupil = await school.pupil()
    await pupil.socket.send_bytes(json.dumps({"type": "join"}).encode())
    assert await pupil.closed() == 1008
    assert school.line.dialled == 0
