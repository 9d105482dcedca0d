"""Attendance over a cut line, a killed box and an origin begun anew: no holes, real times, once."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest

from catalog.live import Attended
from streaming.room.attendance import attendance
from streaming.room.inputs import CourseState
from tests.integration.streaming.edge.conftest import School
from tests.integration.streaming.room.conftest import SESSION, Person
from tests.support.wait import eventually

CLASS = f"/live/{SESSION}/room?who=classroom:c1&role=classroom&name=店埠小学三年级1班"
PUPIL = f"/live/{SESSION}/room?who=person:p1&role=viewer&name=小明"


async def lesson(school: School) -> float:
    """Let a lesson begin; give when."""
    began_utc = time.time()
    await school.house.rooms.tell(SESSION, CourseState.LIVE, began_utc=began_utc)
    return began_utc


async def joined(school: School, path: str, client: str) -> Person:
    one = await school.pupil(path)
    await one.say("join", client=client)
    return one


async def cut_off(school: School) -> tuple[Person, float]:
    """A classroom comes and its line is cut; give it, and when that was."""
    room = await joined(school, CLASS, "board")
    await room.hear("welcome")
    await school.lose_the_line()
    cut_utc = time.time()
    await room.hear("line")
    return room, cut_utc


async def missed(school: School, member: str, utc: float) -> None:
    """What the origin writes of a member whose line broke, when it waited long enough."""
    gone = {"kind": "gone", "member": member, "left_utc": utc, "at": 0.0, "utc": utc + 30.0}
    await school.house.log.append(SESSION, [gone])


async def stays(school: School) -> list[dict[str, Any]]:
    log = await school.house.log.read(SESSION)
    return [dict(one) for one in log if one["kind"] == "stayed"]


async def attended(school: School, until_utc: float) -> dict[str, Attended]:
    log = await school.house.log.read(SESSION)
    return {one.identity: one for one in attendance(log, until_utc)}


async def kept(school: School, number: int, where: str = "1") -> None:
    """Wait until so many stays are on the disk."""

    def count() -> int:
        with closing(sqlite3.connect(school.home / "stays.sqlite")) as database:
            found = database.execute(f"SELECT count(*) FROM stays WHERE {where}")
            return int(found.fetchone()[0])

    async def all_there() -> bool:
        return await asyncio.to_thread(count) == number

    await eventually(all_there)


async def told(school: School, number: int) -> None:
    await eventually(lambda: school.staying.told == number)
    assert len(school.staying.stays) == 0


async def test_a_classroom_that_stays_has_no_hole(school: School) -> None:
    began_utc = await lesson(school)
    room, cut_utc = await cut_off(school)
    member = room.member
    await missed(school, member, cut_utc)
    await school.mend_it()
    await room.hear("welcome")
    await told(school, 1)
    (stay,) = await stays(school)
    back_utc = time.time()
    assert stay["from_utc"] - 0.1 <= cut_utc <= stay["to_utc"] <= back_utc + 0.1
    found = await attended(school, back_utc + 60.0)
    assert found["classroom:c1"].present_s == pytest.approx(back_utc + 60.0 - began_utc, abs=0.5)
    assert found["classroom:c1"].here
    assert all(one["type"] != "noted" for one in room.told), "that is the box's own business"


async def test_who_comes_and_leaves_meanwhile_is_there_with_real_times(school: School) -> None:
    await lesson(school)
    await school.lose_the_line()
    came_utc = time.time()
    pupil = await joined(school, PUPIL, "tab1")
    await pupil.hear("line")
    await pupil.socket.close()
    left_utc = time.time()
    await kept(school, 1)
    await school.mend_it()
    await told(school, 1)
    (stay,) = await stays(school)
    assert (stay["name"], stay["left"]) == ("小明", True)
    assert stay["from_utc"] == pytest.approx(came_utc, abs=0.3)
    assert stay["to_utc"] == pytest.approx(left_utc, abs=0.3)
    found = await attended(school, time.time() + 60.0)
    assert found["person:p1"].present_s < left_utc - came_utc + 0.5
    assert not found["person:p1"].here


async def test_who_leaves_meanwhile_left_when_it_did(school: School) -> None:
    began_utc = await lesson(school)
    pupil = await joined(school, PUPIL, "tab1")
    await pupil.hear("welcome")
    member = pupil.member
    await school.lose_the_line()
    await pupil.hear("line")
    await pupil.socket.close()
    left_utc = time.time()
    await missed(school, member, left_utc + 20.0)
    await school.mend_it()
    await told(school, 1)
    found = await attended(school, left_utc + 600.0)
    assert found["person:p1"].present_s == pytest.approx(left_utc - began_utc, abs=0.5)


async def test_who_leaves_while_its_connection_is_not_yet_known_to_be_dead(
    school: School,
) -> None:
    began_utc = await lesson(school)
    pupil = await joined(school, PUPIL, "tab1")
    await pupil.hear("welcome")
    school.line.down = True
    await pupil.socket.close()
    left_utc = time.time()
    await kept(school, 1, "gone")
    await missed(school, pupil.member, left_utc + 20.0)
    school.line.down = False
    school.line.back.set()
    await told(school, 1)
    found = await attended(school, left_utc + 600.0)
    assert found["person:p1"].present_s == pytest.approx(left_utc - began_utc, abs=0.5)


@pytest.mark.parametrize("killed", [True, False])
async def test_a_box_begun_anew_meanwhile_goes_on(school: School, killed: bool) -> None:
    school.back_s = 20.0
    await school.stop()
    await school.start()
    began_utc = await lesson(school)
    room, cut_utc = await cut_off(school)
    member = room.member
    await kept(school, 1)
    (before,) = school.staying.stays._stays
    await (school.kill() if killed else school.stop())
    await missed(school, member, cut_utc)
    await school.start()
    again = await joined(school, CLASS, "board")
    await again.hear("line")
    await school.mend_it()
    await again.hear("welcome")
    await told(school, 1)
    (stay,) = await stays(school)
    assert stay["once"].startswith(f"classroom:c1/{before}."), "one stay, since before the cut"
    found = await attended(school, time.time())
    assert found["classroom:c1"].present_s == pytest.approx(time.time() - began_utc, abs=0.5)


async def test_who_left_before_the_box_was_killed_is_told_by_the_next(school: School) -> None:
    await lesson(school)
    await school.lose_the_line()
    for number in range(3):
        pupil = await joined(school, PUPIL.replace("p1", f"p{number}"), f"tab{number}")
        await pupil.hear("line")
        await pupil.socket.close()
    await kept(school, 3, "gone")
    await school.kill()
    await school.start()
    await school.mend_it()
    await told(school, 3)
    found = await stays(school)
    assert sorted(one["key"][0] for one in found) == ["person:p0", "person:p1", "person:p2"]


async def test_it_is_told_again_until_it_is_in_the_log_and_counts_once(school: School) -> None:
    await lesson(school)
    await school.lose_the_line()
    pupil = await joined(school, PUPIL, "tab1")
    await pupil.hear("line")
    await pupil.socket.close()
    await kept(school, 1)
    school.house.log.full = True
    dialled = school.line.dialled
    await school.mend_it()
    await eventually(lambda: school.line.dialled > dialled + 1)
    assert school.staying.told == 0
    school.house.log.full = False
    await told(school, 1)
    assert len(await stays(school)) == 1
    await school.lose_the_line()
    await school.mend_it()
    assert len(await stays(school)) == 1


async def test_who_is_not_let_in_is_no_stay(school: School) -> None:
    outsider = await joined(school, "/live/s2/room?who=p1&role=viewer", "tab1")
    assert await outsider.closed() == 1008
    await school.lose_the_line()
    late = await joined(school, "/live/s2/room?who=p1&role=viewer", "tab1")
    await late.hear("line")
    await late.socket.close()
    await kept(school, 1)
    await school.mend_it()
    await eventually(lambda: school.staying.refused == 1)
    assert len(school.staying.stays) == 0


async def test_a_pupil_cannot_tell_the_room_that_it_stayed(school: School) -> None:
    pupil = await joined(school, PUPIL, "tab1")
    await pupil.hear("welcome")
    for kind in ("stayed", "stay\\u0065d"):
        await pupil.socket.send_str(
            f'{{"type":"{kind}","id":"s1","began_ago_s":3000,"join":{{"client":"tab1"}}}}'
        )
        assert (await pupil.hear("refused"))["reason"] == "no_right"
    await pupil.say("chat", text="到")
    await eventually(lambda: "said" in school.house.log.kinds(SESSION))
    assert await stays(school) == []
