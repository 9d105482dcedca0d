"""A school's box tells the room who stayed behind its cut line, on connections of its members."""

from __future__ import annotations

from typing import Any

from streaming.room.attendance import attendance
from streaming.room.inputs import CourseState
from tests.integration.streaming.room.conftest import SESSION, House, Person
from tests.support.wait import eventually

PUPIL = {"type": "join", "client": "tab1", "name": "小明"}


async def boxed(house: House, who: str = "p1", voucher: str = "the box") -> Person:
    """Connect as a member whose words a box passes on."""
    url = house.url(who, "viewer", "", SESSION)
    socket = await house.client.ws_connect(url, headers={"Tongbu-Edge": voucher})
    house.people.append(Person(socket))
    return house.people[-1]


def stay(id_: str = "s1", **more: Any) -> dict[str, Any]:
    return {"id": id_, "began_ago_s": 60.0, "ended_ago_s": 20.0, "left": True, "join": PUPIL} | more


async def test_a_stay_is_noted_when_it_is_in_the_log_and_ends_the_connection(house: House) -> None:
    await house.rooms.tell(SESSION, CourseState.LIVE, began_utc=1.0)
    house.log.open.clear()
    one = await boxed(house)
    await one.say("stayed", **stay())
    await eventually(lambda: house.log.appends >= 1)
    house.log.open.set()
    assert await one.closed() == 1000
    assert one.told == [{"type": "noted", "id": "s1"}]
    again = await boxed(house)
    await again.say("stayed", **stay())
    await again.closed()
    assert again.told == [{"type": "noted", "id": "s1"}]
    assert house.log.kinds(SESSION) == ["began", "stayed"]
    (found,) = attendance(await house.log.read(SESSION))
    assert (found.identity, found.name, round(found.present_s, 2)) == ("p1", "小明", 40.0)


async def test_a_member_s_own_connection_goes_on(house: House) -> None:
    one = await boxed(house)
    await one.say("join", **PUPIL)
    await one.hear("welcome")
    await one.say("stayed", **stay(ended_ago_s=0.0, left=False))
    assert await one.hear("noted") == {"type": "noted", "id": "s1"}
    await one.say("ask", text="能再讲一遍吗?")
    await one.sees("questions", lambda all_: len(all_) == 1)
    assert house.log.kinds(SESSION) == ["joined", "stayed", "asked"]


async def test_nothing_is_noted_while_the_log_is_away(house: House) -> None:
    await house.join("p2")
    house.log.away = True
    one = await boxed(house)
    await one.say("stayed", **stay())
    assert await one.closed() == 1012
    assert one.told == []
    house.log.away = False
    again = await boxed(house)
    await again.say("stayed", **stay())
    await again.hear("noted")
    assert house.log.kinds(SESSION) == ["joined", "stayed"]


async def test_nobody_but_a_box_tells_who_stayed(house: House) -> None:
    one = await boxed(house, voucher="forged")
    await one.say("stayed", **stay())
    assert (await one.hear("refused"))["reason"] == "no_right"
    assert await one.closed() == 1008
    member = await house.join("p1", client="tab1")
    await member.say("stayed", **stay())
    refused = await member.hear("refused")
    assert (refused["to"], refused["reason"]) == ("stayed", "no_right")
    await member.socket.close()
    await eventually(lambda: "joined" in house.log.kinds(SESSION))
    assert "stayed" not in house.log.kinds(SESSION)
