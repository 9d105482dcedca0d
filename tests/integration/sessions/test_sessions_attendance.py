"""Attendance over HTTP: who may see it, what a room's log becomes, while live and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from catalog.db.room_log import RoomEvents
from catalog.ids import new_id
from streaming.room import inputs as said
from streaming.room.inputs import CourseState
from streaming.room.room import Room
from tests.integration.sessions.conftest import City
from tests.support.rooms import CLASSROOM, TEACHER, VIEWER, Scene
from tests.support.sessions import START_UTC

TEN_MIN_S = 600.0


@pytest.fixture
async def session(city: City) -> str:
    """A lesson with two listening classrooms whose room is open."""
    made = await city.booked(
        city.teacher, listening_classrooms=[city.town.far, city.town.far_2], open_to_all=True
    )
    assert (await city.teacher.ask("POST", f"/sessions/{made['id']}/open"))[0] == 204
    city.clock.now_utc = START_UTC
    await city.sessions.went_live(made["id"])
    return str(made["id"])


def lesson(city: City) -> Scene:
    """The first five minutes of a room: one classroom, the teacher, a colleague, two guests."""
    scene = Scene()
    scene.room = Room(START_UTC)
    scene.turn(CourseState.LIVE, START_UTC)
    scene.arrive(f"person:{city.teacher.person}", TEACHER, "王芳")
    room = scene.arrive(f"classroom:{city.town.far}", CLASSROOM, "田野小学 一号教室")
    scene.arrive("guest:1", VIEWER, "家长")
    scene.arrive("guest:2", VIEWER, "家长")
    scene.now = 60.0
    other = scene.arrive(f"person:{city.colleague.person}", VIEWER, "=李强")
    scene.say(room, said.Hand(True))
    scene.say(other, said.Ask("为什么？"))
    scene.now = 300.0
    scene.depart(other, clean=True)
    scene.wait(40)
    return scene


async def kept(city: City, session: str, log: Sequence[dict[str, Any]]) -> None:
    await RoomEvents(city.desk.pool).append(session, log)


async def attendance(city: City, session: str) -> dict[str, Any]:
    status, found = await city.teacher.ask("GET", f"/sessions/{session}/attendance")
    assert status == 200, found
    return dict(found)


async def test_a_lesson_that_goes_on(city: City, session: str) -> None:
    await kept(city, session, lesson(city).log)
    city.clock.now_utc = START_UTC + TEN_MIN_S
    found = await attendance(city, session)
    assert (found["state"], found["lesson_s"], found["guests"], found["left_out"]) == (
        "live", TEN_MIN_S, 2, 0,
    )  # fmt: skip
    far, missing = found["classrooms"]
    assert far == {
        "id": city.town.far, "name": "一号教室", "part": "listening",
        "school": {"id": city.town.rural, "name": "田野小学"},
        "first_seen": "2026-11-25T02:00:00Z", "last_seen": "2026-11-25T02:10:00Z",
        "present_s": TEN_MIN_S, "here": True, "hands": 1, "floors": 0, "questions": 0, "votes": 0,
    }  # fmt: skip
    assert (missing["id"], missing["first_seen"], missing["present_s"], missing["here"]) == (
        city.town.far_2, None, 0.0, False,
    )  # fmt: skip
    assert [(p["name"], p["role"], p["present_s"], p["here"], p["questions"])
            for p in found["people"]] == [
        ("王芳", "teacher", TEN_MIN_S, True, 0), ("=李强", "viewer", 240.0, False, 1),
    ]  # fmt: skip
    assert found["counts"] == {
        "hands": 1, "floors": 0, "questions": 1, "answered": 0, "polls": 0, "votes": 0,
        "messages": 0,
    }  # fmt: skip


async def test_an_ended_lesson_stays_as_it_was_also_without_an_end_in_the_log(
    city: City, session: str
) -> None:
    scene = lesson(city)
    await kept(city, session, scene.log)
    city.clock.now_utc = START_UTC + TEN_MIN_S
    assert (await city.teacher.ask("POST", f"/sessions/{session}/end"))[0] == 204
    city.clock.now_utc = START_UTC + 86_000
    before = await attendance(city, session)
    assert (before["lesson_s"], before["classrooms"][0]["present_s"]) == (TEN_MIN_S, TEN_MIN_S)
    assert not any(item["here"] for item in (*before["classrooms"], *before["people"]))
    scene.now = TEN_MIN_S
    told = len(scene.log)
    scene.turn(CourseState.ENDED)
    await kept(city, session, scene.log[told:])
    assert await attendance(city, session) == before


async def test_before_the_lesson_nobody_was_there(city: City) -> None:
    made = await city.booked(city.teacher)
    found = await attendance(city, str(made["id"]))
    assert (found["began_at"], found["lesson_s"], found["people"]) == (None, 0.0, [])
    assert [item["first_seen"] for item in found["classrooms"]] == [None]


async def test_rooms_that_were_not_invited_and_the_main_one_are_listed_when_they_came(
    city: City, session: str
) -> None:
    scene = lesson(city)
    scene.arrive(f"classroom:{city.town.main}", TEACHER, "海滨小学 一号教室")
    scene.arrive(f"classroom:{city.town.foreign}", CLASSROOM, "山前小学 一号教室")
    await kept(city, session, scene.log)
    found = await attendance(city, session)
    assert [(item["name"], item["part"]) for item in found["classrooms"]] == [
        ("一号教室", "listening"), ("二号教室", "listening"), ("一号教室", "main"),
        ("山前小学 一号教室", ""),
    ]  # fmt: skip


async def test_who_may_see_it(city: City, session: str) -> None:
    path = f"/sessions/{session}/attendance"
    for who, status in (
        (city.desk.guest, 401), (city.rural, 403), (city.stranger, 403), (city.board, 403),
        (city.researcher, 403), (city.colleague, 403), (city.teacher, 200), (city.officer, 200),
        (city.admin, 200), (city.main_board, 200),
    ):  # fmt: skip
        assert (await who.ask("GET", path))[0] == status
    assert (await city.teacher.ask("GET", f"/sessions/{new_id()}/attendance"))[0] == 404
    assert (await city.teacher.ask("GET", f"{path}?format=xlsx"))[0] == 422


async def test_a_table_for_spreadsheets(city: City, session: str) -> None:
    await kept(city, session, lesson(city).log)
    async with city.desk.client.get(
        f"/api/v1/sessions/{session}/attendance?format=csv", headers=city.teacher.headers
    ) as response:
        raw = await response.read()
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
        assert response.headers["Cache-Control"] == "no-store"
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = raw.decode("utf-8-sig").split("\r\n")
    assert lines[1].startswith("教室,一号教室,田野小学,听讲教室,2026-11-25 10:00:00,")
    assert lines[4].startswith("人员,'=李强,,旁听,")
    assert lines[5] == "访客,2 人"
