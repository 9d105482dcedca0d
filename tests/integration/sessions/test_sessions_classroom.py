"""The device in a classroom: it learns of today's sessions and of a start without being touched."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from catalog.errors import TooMany
from catalog.http.sessions_classroom import WAITING_LIMIT_A_CLASSROOM, Bells
from catalog.http.sessions_device import KEPT_S
from catalog.http.signin import COOKIE
from tests.integration.sessions.conftest import City
from tests.support.sessions import LESSON_S, START_UTC, at_clock
from tests.support.wait import eventually

NOW = "/classroom/now"
HEARD_S = 30.0


async def test_it_shows_today_and_what_comes_next(city: City) -> None:
    first = await city.booked(city.teacher)
    second = await city.booked(city.teacher, LESSON_S)
    await city.booked(city.teacher, 86_400)
    off = await city.booked(city.teacher, 3 * LESSON_S)
    await city.teacher.ask("DELETE", f"/sessions/{off['id']}")
    city.clock.now_utc = at_clock(0, 1).timestamp()
    status, found = await city.board.ask("GET", NOW)
    assert status == 200
    assert found["classroom"] == {
        "id": city.town.far, "name": "一号教室",
        "school": {"id": city.town.rural, "name": "田野小学"},
    }  # fmt: skip
    assert [item["id"] for item in found["sessions"]] == [first["id"], second["id"]]
    assert (found["current"], found["next"]["id"]) == (None, first["id"])
    assert found["next"]["role"] == "classroom"
    await city.sessions.went_live(first["id"])
    _, found = await city.board.ask("GET", NOW)
    assert (found["current"]["id"], found["next"]["id"]) == (first["id"], second["id"])


async def test_the_day_is_the_citys(city: City) -> None:
    early = await city.booked(city.teacher, at_clock(0, 30, days=1).timestamp() - START_UTC)
    city.clock.now_utc = datetime(2026, 11, 25, 15, 59, tzinfo=UTC).timestamp()
    assert (await city.board.ask("GET", NOW))[1]["sessions"] == []
    city.clock.now_utc += 60
    found = (await city.board.ask("GET", NOW))[1]["sessions"]
    assert [item["id"] for item in found] == [early["id"]]


async def test_a_start_is_heard_while_one_waits(city: City) -> None:
    session = (await city.booked(city.teacher))["id"]
    city.clock.now_utc = START_UTC
    version = (await city.board.ask("GET", NOW))[1]["version"]
    waiting = asyncio.create_task(city.board.ask("GET", f"{NOW}?seen={version}&wait_s=60"))
    await asyncio.sleep(0)
    await city.sessions.went_live(session)
    _, found = await asyncio.wait_for(waiting, HEARD_S)
    assert found["current"]["id"] == session
    assert found["version"] != version


async def test_what_is_not_known_yet_is_told_at_once_and_nothing_new_after_the_wait(
    city: City,
) -> None:
    _, first = await city.board.ask("GET", f"{NOW}?seen=old&wait_s=30")
    _, again = await city.board.ask("GET", f"{NOW}?seen={first['version']}&wait_s=0.01")
    assert again["version"] == first["version"]


async def test_a_room_that_is_taken_out_hears_of_it(city: City) -> None:
    session = (await city.booked(city.teacher))["id"]
    city.clock.now_utc = at_clock(8).timestamp()
    version = (await city.board.ask("GET", NOW))[1]["version"]
    waiting = asyncio.create_task(city.board.ask("GET", f"{NOW}?seen={version}&wait_s=30"))
    await city.teacher.ask(
        "PATCH", f"/sessions/{session}", {"listening_classrooms": [city.town.far_2]}
    )
    assert (await waiting)[1]["sessions"] == []


async def test_a_device_stays_signed_in_while_it_is_used_and_others_do_not(city: City) -> None:
    day = 86_400.0
    for _ in range(10):
        city.clock.now_utc += 13 * day
        assert (await city.board.ask("GET", NOW))[0] == 200
    assert (await city.teacher.ask("GET", "/sessions"))[0] == 401
    city.clock.now_utc += KEPT_S + 1
    assert (await city.board.ask("GET", NOW))[0] == 401


async def test_the_cookie_of_a_device_is_renewed_once_a_day(city: City) -> None:
    token = city.board.headers["Authorization"].partition(" ")[2]
    client, url = city.desk.client, f"/api/v1{NOW}"
    for renewed in (True, False):
        async with client.get(url, headers={"Cookie": f"{COOKIE}={token}"}) as response:
            assert response.status == 200
            assert (COOKIE in response.cookies) is renewed
            if renewed:
                assert response.cookies[COOKIE]["max-age"] == str(KEPT_S)
                assert response.cookies[COOKIE]["httponly"]
        client.session.cookie_jar.clear()


async def test_only_a_classroom_asks(city: City) -> None:
    assert (await city.teacher.ask("GET", NOW))[0] == 403
    assert (await city.desk.guest.ask("GET", NOW))[0] == 401
    assert (await city.board.ask("GET", f"{NOW}?wait_s=61"))[0] == 422


async def test_bells_ring_their_own_have_a_limit_and_let_all_go() -> None:
    bells = Bells()
    with bells.waiting("one") as one, bells.waiting("two") as two:
        bells.ring("one")
        bells.ring("nobody")
        assert (one.is_set(), two.is_set()) == (True, False)
        bells.close()
        assert two.is_set()
    with bells.waiting("late") as late:
        assert late.is_set()
    held = [bells.waiting("one") for _ in range(WAITING_LIMIT_A_CLASSROOM)]
    for one_held in held:
        one_held.__enter__()
    with pytest.raises(TooMany), bells.waiting("one"):
        pass
    for one_held in held:
        one_held.__exit__(None, None, None)
    with bells.waiting("one"):
        pass
    await eventually(lambda: not bells._waiting)
