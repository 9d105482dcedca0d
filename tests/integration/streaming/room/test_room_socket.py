"""Lessons over real WebSockets on 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from aiohttp import WSServerHandshakeError

from catalog.session import SessionState
from streaming.room.inputs import CourseState
from streaming.room.messages import MESSAGE_LIMIT_BYTES
from tests.integration.streaming.room.conftest import SESSION, House, Person
from tests.support.rooms import EPOCH_UTC
from tests.support.wait import eventually


async def lesson(house: House) -> tuple[Person, Person, Person]:
    teacher = await house.join("t", "teacher", "王老师")
    far = await house.join("far", "classroom", "店埠小学一班", device="kiosk")
    pupil = await house.join("p", "viewer", "小明")
    return teacher, far, pupil


async def test_a_lesson_from_hand_to_floor_to_end(house: House) -> None:
    await house.rooms.tell(SESSION, CourseState.LIVE, began_utc=EPOCH_UTC)
    teacher, far, pupil = await lesson(house)
    assert teacher.welcome["rights"]["grant"]
    assert not far.welcome["rights"]["grant"]
    assert abs(teacher.welcome["now"] - time.time()) < 5
    assert far.welcome["room"]["state"] == "live"

    await far.say("hand", up=True)
    await teacher.sees("hands", lambda hands: far.member in hands)
    await teacher.say("grant", member=far.member)
    assert (await far.hear("floor"))["key"] == "key-1"
    await pupil.sees("floor", lambda floor: floor["member"] == far.member)
    assert pupil.page["hands"] == {}
    await far.say("floor_end")
    await pupil.sees("floor", lambda floor: floor["state"] == "free")
    await eventually(lambda: house.keys.calls == [("open", far.member), ("close", far.member)])

    await pupil.say("grant", member=pupil.member)
    refused = await pupil.hear("refused")
    assert (refused["to"], refused["reason"]) == ("grant", "no_right")

    await teacher.say("end")
    assert await pupil.hear("state") == {"type": "state", "state": "ended", "lesson": None}
    assert pupil.page["state"] == "ended"
    assert house.book.sessions[SESSION].state is SessionState.ENDED
    await house.rooms.tell(SESSION, CourseState.RECORDED, lesson="lesson-1")
    await pupil.sees("lesson", "lesson-1")
    kinds = ["began", "joined", "joined", "joined", "hand_up", "floor_granted", "floor_ended",
             "ended", "recorded"]  # fmt: skip
    await eventually(lambda: house.log.kinds(SESSION) == kinds)
    for event in ("asked", "granted", "ended"):
        assert house.figure("tongbu_room_floor_total", event=event) == 1
    await eventually(lambda: house.figure("tongbu_room_delay_seconds_count") >= 1)


async def test_a_page_sees_by_changes_what_one_sees_that_comes_in(house: House) -> None:
    teacher, far, pupil = await lesson(house)
    await pupil.say("ask", text="为什么要通分？")
    await far.say("chat", text="听得很清楚")
    await teacher.say("poll_open", kind="abcd", text="哪个最大？")
    await teacher.sees("questions", lambda asked: "q1" in asked)
    await far.sees("polls", lambda polls: "p1" in polls)
    await far.say("vote", poll="p1", choice="C")
    await pupil.say("vote", poll="p1", choice="C")
    await teacher.say("answer", question="q1", text="分母相同才能相加")
    await pupil.sees("polls", lambda polls: polls["p1"]["counts"]["C"] == 2)
    await pupil.sees("questions", lambda asked: asked["q1"]["answer"] is not None)
    late = await house.join("late")
    await late.sees("counts", lambda counts: counts["viewer"] == 2)
    await pupil.sees("counts", lambda counts: counts["viewer"] == 2)
    assert late.page == pupil.page


async def test_pings_are_answered_and_d_follows_reports(house: House) -> None:
    teacher, far, _ = await lesson(house)
    await far.say("ping", t0=12.5)
    pong = await far.hear("pong")
    assert pong["t0"] == 12.5
    assert pong["t1"] <= pong["t2"]
    assert abs(pong["t1"] / 1000 - time.time()) < 5
    await far.say("report", rung="360p", delay_ms=640, skew_ms=-12, stalls=1, can_ms=610)
    while (await far.hear("target"))["d_ms"] != 650:
        pass
    while True:
        row = (await teacher.hear("health"))["rooms"].get(far.member)
        if row and row["rung"] == "360p":
            break
    assert (row["delay_ms"], row["skew_ms"], row["stalls"], row["late"]) == (640, -12, 1, False)
    assert not any(told["type"] == "health" for told in far.told)
    assert house.figure("tongbu_room_skew_seconds_count") == 1


async def test_ten_reconnects_are_one_member_with_hand_vote_and_floor(house: House) -> None:
    teacher, far, pupil = await lesson(house)
    await teacher.say("poll_open", kind="truefalse", text="对吗？")
    await far.sees("polls", lambda polls: "p1" in polls)
    await far.say("vote", poll="p1", choice="true")
    await pupil.say("hand", up=True)
    await teacher.say("grant", member=far.member)
    await far.hear("floor")
    await teacher.sees("hands", lambda hands: pupil.member in hands)
    for _ in range(10):
        far.cut()
        pupil.cut()
        far = await house.join("far", "classroom", "店埠小学一班", device="kiosk")
        pupil = await house.join("p", "viewer", "小明")
        await far.hear("floor")
    assert pupil.welcome["you"] == {"hand": True, "votes": {}, "likes": []}
    assert far.welcome["you"]["votes"] == {"p1": "true"}
    await far.sees("floor", lambda floor: floor["state"] == "held")
    await far.sees("counts", {"teacher": 1, "speaker": 0, "classroom": 1, "viewer": 1})
    assert house.log.kinds(SESSION).count("joined") == 3
    assert house.figure("tongbu_room_members", role="viewer") == 1
    assert house.figure("tongbu_room_reconnects_total", role="classroom") == 10


async def test_a_second_connection_takes_over(house: House) -> None:
    first = await house.join("far", "classroom", client="tab")
    second = await house.join("far", "classroom", client="tab")
    other = await house.join("far", "classroom", client="other tab")
    assert first.member == second.member != other.member
    assert await first.closed() == 4001
    await second.say("chat", text="还在")
    await other.sees("messages", lambda said: len(said) == 1)
    assert house.figure("tongbu_room_members", role="classroom") == 2


async def test_a_restart_restores_the_room(house: House) -> None:
    await house.rooms.tell(SESSION, CourseState.LIVE, began_utc=EPOCH_UTC)
    teacher, far, pupil = await lesson(house)
    await pupil.say("ask", text="为什么？")
    await teacher.say("grant", member=far.member)
    await teacher.say("chat_open", open=False)
    await teacher.sees("chat", {"open": False})
    await teacher.sees("questions", lambda asked: len(asked) == 1)
    before = teacher.page
    await house.rooms.close()
    assert await teacher.closed() == 1012
    await house.restart()
    back = await house.join("far", "classroom", "店埠小学一班", device="kiosk")
    assert back.member == far.member
    assert (await back.hear("floor"))["key"]
    await house.join("t", "teacher", "王老师")
    await house.join("p", "viewer", "小明")
    await back.sees("counts", lambda counts: sum(counts.values()) == 3)
    assert back.page == before


async def test_a_log_that_is_away_is_written_later_in_order(house: House) -> None:
    teacher = await house.join("t", "teacher", "王老师")
    await eventually(lambda: house.log.kinds(SESSION) == ["joined"])
    house.log.away = True
    await teacher.say("notice", text="请打开课本第 12 页")
    await teacher.say("chat_open", open=False)
    await teacher.sees("chat", {"open": False})
    await eventually(lambda: house.figure("tongbu_room_log_retries_total") >= 1)
    house.log.away = False
    await eventually(lambda: house.log.kinds(SESSION) == ["joined", "notice", "chat_closed"])


async def test_no_key_no_floor_and_no_end_without_the_catalogue(house: House) -> None:
    teacher, far, _ = await lesson(house)
    house.keys.away = house.book.away = True
    await teacher.say("grant", member=far.member)
    await eventually(lambda: house.log.kinds(SESSION)[-2:] == ["floor_granted", "floor_ended"])
    await far.sees("floor", lambda floor: floor["state"] == "free")
    await teacher.say("end")
    assert (await teacher.hear("refused"))["to"] == "end"
    assert teacher.page["state"] == "waiting"


async def test_who_does_not_join_is_closed(house: House) -> None:
    person = await house.connect("p")
    await person.say("chat", text="我先说")
    assert (await person.hear("refused"))["reason"] == "not_now"
    assert await person.closed() == 1008
    with pytest.raises(WSServerHandshakeError) as error:
        await house.client.ws_connect(house.url("p", "viewer", "", "none"))
    assert error.value.status == 404


async def test_who_is_silent_at_first_is_closed() -> None:
    house = House(join_s=0.05)
    await house.start()
    person = await house.connect("p")
    assert await person.closed() == 1008
    await house.stop()


async def test_too_many_messages_are_told_then_closed(house: House) -> None:
    person = await house.join("p")
    for n in range(80):
        await person.say("ping", t0=n)
    assert (await person.hear("refused"))["reason"] == "too_fast"
    assert await person.closed() == 1008
    assert house.figure("tongbu_room_refused_total", reason="too_fast") >= 20


async def test_a_message_that_is_too_long_closes(house: House) -> None:
    person = await house.join("p")
    await person.socket.send_str("x" * (MESSAGE_LIMIT_BYTES + 1))
    assert await person.closed() == 1009


async def test_garbage_is_refused_and_the_room_goes_on(house: House) -> None:
    teacher, _, pupil = await lesson(house)
    await pupil.socket.send_bytes(b"\xff\x00")
    await pupil.socket.send_str("[" * 5000)
    await pupil.socket.send_str(json.dumps({"type": "ask", "text": "长" * 501}))
    reasons = [(await pupil.hear("refused"))["reason"] for _ in range(3)]
    assert reasons == ["unreadable", "unreadable", "too_long"]
    await pupil.say("chat", text="还在")
    await teacher.sees("messages", lambda said: len(said) == 1)


async def test_two_hundred_join_in_one_second(house: House) -> None:
    people = [await house.connect(f"p{n}") for n in range(200)]
    began_at = time.monotonic()
    await asyncio.gather(*(one.say("join") for one in people))
    await asyncio.gather(*(one.hear("welcome") for one in people))
    joined_s = time.monotonic() - began_at
    assert len({one.member for one in people}) == 200
    await people[0].sees("counts", lambda counts: counts["viewer"] == 200)
    assert joined_s < 5, "far above what it takes, for a busy machine"
    assert len({json.dumps(one.welcome["room"]) for one in people}) <= 30


async def test_a_slow_member_is_cut_off_and_the_others_are_not_held_up(house: House) -> None:
    teacher, far, slow = await lesson(house)
    slow.stop_reading()
    room = await house.rooms.get(SESSION)
    data = json.dumps({"type": "notice", "text": "请大家看黑板上的这道题。" * 40}).encode()
    for _ in range(2500):
        room.send(slow.member, data)
        if house.figure("tongbu_room_dropped_total", why="slow"):
            break
        await asyncio.sleep(0)
    assert house.figure("tongbu_room_dropped_total", why="slow") == 1
    await teacher.sees("counts", lambda counts: counts["viewer"] == 0)
    await far.say("chat", text="我们都在")
    await teacher.sees("messages", lambda said: len(said) == 1)
