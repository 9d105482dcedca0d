"""A session's camera over HTTP: who has it pulled, when, and what of its address is told."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.live import FeedName
from tests.integration.sessions.conftest import City
from tests.support.api import Caller

URL = "rtsp://admin:geheim@127.0.0.1/1"


async def opened(city: City, **changes: Any) -> str:
    session = str((await city.booked(city.teacher, **changes))["id"])
    assert (await city.teacher.ask("POST", f"/sessions/{session}/open"))[0] == 204
    return session


async def test_a_camera_is_pulled_and_let_go_by_who_runs_the_session(city: City) -> None:
    path = f"/sessions/{(session := await opened(city))}/camera"
    for who, status in (
        (city.rural, 403), (city.stranger, 403), (city.board, 403), (city.desk.guest, 401),
        (city.main_board, 204), (city.officer, 204), (city.teacher, 204),
    ):  # fmt: skip
        assert (await who.ask("POST", path, {"url": URL}))[0] == status
    assert city.cameras.pulled == {(session, FeedName.MAIN): URL}
    _, shown = await city.teacher.ask("GET", f"/sessions/{session}")
    assert "geheim" not in str(shown)
    assert (await city.rural.ask("DELETE", path))[0] == 403
    for _ in range(2):
        assert (await city.teacher.ask("DELETE", path))[0] == 204
    assert not city.cameras.pulled


async def test_a_paired_lesson_has_a_camera_for_each_of_its_two(city: City) -> None:
    session = await opened(
        city, kind="paired_lesson", listening_classrooms=[], second_classroom=city.town.far
    )
    path = f"/sessions/{session}/camera"
    for feed in ("main", "second"):
        assert (await city.teacher.ask("POST", path, {"url": URL, "feed": feed}))[0] == 204
    assert len(city.cameras.pulled) == 2
    assert (await city.teacher.ask("DELETE", f"{path}?feed=second"))[0] == 204
    assert set(city.cameras.pulled) == {(session, FeedName.MAIN)}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"url": URL, "feed": "second"}, "paired lesson"),
        ({"url": URL, "feed": "floor"}, "feed"),
        ({"url": "rtsp://refused/geheim"}, "no cameras"),
        ({"url": ""}, "url"),
        ({"url": "rtsp://" + "x" * 600}, "url"),
        ({}, "url"),
        ({"url": URL, "more": 1}, "more"),
    ],
)
async def test_what_cannot_be_pulled_is_said_in_words(
    body: dict[str, Any], word: str, city: City
) -> None:
    path = f"/sessions/{await opened(city)}/camera"
    status, found = await city.teacher.ask("POST", path, body)
    assert status == 422
    assert word in found["detail"]
    assert "geheim" not in str(found)


@pytest.mark.parametrize("over", [False, True])
async def test_a_camera_needs_an_open_room(over: bool, city: City) -> None:
    who: Caller = city.teacher
    session = str((await city.booked(who))["id"])
    if over:
        await who.ask("POST", f"/sessions/{session}/open")
        await who.ask("POST", f"/sessions/{session}/end")
    status, found = await who.ask("POST", f"/sessions/{session}/camera", {"url": URL})
    assert (status, "room is open" in found["detail"]) == (409, True)
    assert (await who.ask("DELETE", f"/sessions/{session}/camera?feed=second"))[0] == 422
    assert (await who.ask("POST", "/sessions/none/camera", {"url": URL}))[0] == 404
