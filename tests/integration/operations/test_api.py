"""Who may see what of operations, and how the wall is told as it changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import ClientResponse

from catalog.db.operations import keep_minute
from catalog.db.pool import Pool
from catalog.http import operations as operations_module
from catalog.operations.history import FIGURES, Sample
from catalog.people import Affiliation, Role
from tests.integration.operations.conftest import NOW_UTC, Tower, rows_of
from tests.support.api import Caller
from tests.support.lessons import SINCE

PATHS = ("/operations", "/operations/events", "/operations/schools/x", "/operations/past")


async def boss(tower: Tower) -> Caller:
    return await tower.desk.person("boss", Affiliation(Role.ADMINISTRATOR, SINCE))


async def of_district(tower: Tower) -> Caller:
    held = Affiliation(Role.DISTRICT, SINCE, district_id=tower.town.districts[1])
    return await tower.desk.person("officer", held)


async def of_school(tower: Tower) -> Caller:
    held = Affiliation(Role.SCHOOL, SINCE, school_id=tower.town.rural)
    return await tower.desk.person("head", held)


async def test_guests_sign_in_and_who_is_no_officer_is_refused(tower: Tower) -> None:
    teacher = await tower.desk.person(
        "teacher", Affiliation(Role.TEACHER, SINCE, school_id=tower.town.rural)
    )
    for path in PATHS:
        assert (await tower.desk.guest.ask("GET", path))[0] == 401
        status, problem = await teacher.ask("GET", path)
        assert status == 403, path
        assert "officers" in problem["detail"]


async def test_an_administrator_sees_the_city(tower: Tower) -> None:
    status, found = await (await boss(tower)).ask("GET", "/operations")
    assert status == 200
    assert set(found["schools"]) == {tower.town.urban, tower.town.rural}
    assert set(found["districts"]) == set(tower.town.districts)
    assert set(found["alerts"]) == {"DiskFull:city:"}
    assert found["city"]["disk_free_bytes"] == 50
    assert found["whole"]


@pytest.mark.parametrize("who", [of_district, of_school])
async def test_an_officer_sees_the_own_place_and_no_other(tower: Tower, who: Any) -> None:
    officer, town = await who(tower), tower.town
    _, found = await officer.ask("GET", "/operations")
    assert set(found["schools"]) == {town.rural}
    assert set(found["rooms"]) == {f"l1:{town.far}"}
    assert found["alerts"] == {}, "the service's own are the city's"
    assert set(found["districts"]) == ({town.districts[1]} if who is of_district else set())
    status, one = await officer.ask("GET", f"/operations/schools/{town.rural}")
    assert (status, one["school"]["name"], len(one["rooms"])) == (200, "田野小学", 1)
    for path in (
        f"schools/{town.urban}", f"past?kind=school&id={town.urban}",
        f"past?kind=room&id={town.main}", f"past?kind=district&id={town.districts[0]}",
    ):  # fmt: skip
        assert (await officer.ask("GET", f"/operations/{path}"))[0] == 404, path
    for path in (f"past?kind=school&id={town.rural}", f"past?kind=room&id={town.far}", "past"):
        assert (await officer.ask("GET", f"/operations/{path}"))[0] == 200, path


async def test_what_is_not_there_is_not_found(tower: Tower) -> None:
    caller = await boss(tower)
    assert (await caller.ask("GET", "/operations/schools/none"))[0] == 404


@pytest.mark.parametrize(
    "query", ["kind=person", "hours=0", "hours=337", "hours=x", "id=" + "x" * 41]
)
async def test_a_wrong_question_is_told_so(tower: Tower, query: str) -> None:
    assert (await (await boss(tower)).ask("GET", f"/operations/past?{query}"))[0] == 422


async def test_the_last_hour_comes_from_memory(tower: Tower) -> None:
    school = ("school", tower.town.rural)
    for number, delay in enumerate((400.0, 450.26)):
        tower.wall.history.take({school: Sample(delay_ms=delay)}, NOW_UTC - 10 + 10 * number)
    _, found = await (await boss(tower)).ask("GET", f"/operations/past?kind=school&id={school[1]}")
    assert found["figures"] == list(FIGURES)
    at = 1 + FIGURES.index("delay_ms")
    assert [(p[0], p[at]) for p in found["points"]] == [(NOW_UTC - 10, 400.0), (NOW_UTC, 450.3)]
    assert found["step_s"] == 10


async def test_more_comes_from_the_database_in_steps(tower: Tower, pool: Pool) -> None:
    school = ("school", tower.town.rural)
    minute = NOW_UTC // 60 * 60
    async with pool.connection() as connection:
        for ago, cause, delay in ((60 * 120, 2.0, 400.0), (120, None, 500.0), (60, 5.0, 700.0)):
            sample = Sample(delay_ms=delay, cause=cause, estimate_bps=8e6)
            await keep_minute(connection, minute - ago, [(school, sample.values())])
    caller = await boss(tower)
    _, found = await caller.ask("GET", f"/operations/past?kind=school&id={school[1]}&hours=24")
    assert found["step_s"] == 180
    delay, cause = 1 + FIGURES.index("delay_ms"), 1 + FIGURES.index("cause")
    assert next((p[delay], p[cause]) for p in found["points"]) == (400.0, 2.0)
    assert {p[cause] for p in found["points"]} >= {2.0, 5.0}
    _, whole = await caller.ask("GET", f"/operations/past?kind=school&id={school[1]}&hours=336")
    assert 1 <= len(whole["points"]) <= 720


async def test_a_minute_is_kept_once_and_gone_after_fourteen_days(pool: Pool) -> None:
    row = (("city", ""), Sample(rooms=3).values())
    async with pool.connection() as connection:
        for minute in (NOW_UTC - 15 * 86_400, NOW_UTC - 13 * 86_400, NOW_UTC, NOW_UTC):
            await keep_minute(connection, minute // 60 * 60, [row])
        cursor = await connection.execute("select count(*) as n from operations_minute")
        found = await cursor.fetchone()
    assert found is not None
    assert found["n"] == 2


async def heard(response: ClientResponse) -> dict[str, Any]:
    """Read the next event."""
    async for line in response.content:
        if line.startswith(b"data: "):
            return dict(json.loads(line.removeprefix(b"data: ")))
    raise AssertionError("the events have ended")


async def test_the_wall_is_told_whole_and_then_as_it_changes(tower: Tower) -> None:
    officer = await of_district(tower)
    async with tower.desk.client.get(
        "/api/v1/operations/events", headers=officer.headers
    ) as events:
        assert events.content_type == "text/event-stream"
        first = await heard(events)
        assert first["whole"]
        assert set(first["schools"]) == {tower.town.rural}
        rows = rows_of(tower.town)
        del rows["school", tower.town.rural], rows["school", tower.town.urban]
        await tower.wall.put(rows)
        then = await heard(events)
        assert not then["whole"]
        assert then["schools"] == {tower.town.rural: None}
        assert then["city"] is None
        await tower.api.close()
        assert (await events.content.read()).strip() == b"", "the service ends"


async def test_walls_are_bounded(tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations_module, "STREAMS_LIMIT", 1)
    caller = await boss(tower)
    async with tower.desk.client.get("/api/v1/operations/events", headers=caller.headers) as events:
        await heard(events)
        assert (await caller.ask("GET", "/operations/events"))[0] == 429
