"""Accounts and affiliations, through real HTTP on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from catalog.db.pool import Pool
from catalog.http.registry import RegistryApi
from catalog.http.users import AFFILIATIONS_LIMIT, UsersApi
from catalog.ids import new_id
from catalog.people import Affiliation, Role, city_day
from tests.support.api import PASSWORD, Caller, Desk, open_desk

START = date(2024, 9, 1)
NOW = 1_795_400_000.0
TODAY = city_day(NOW)
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    def clock() -> float:
        return NOW

    async with open_desk(
        pool, lambda pool, words: [RegistryApi(pool, clock), UsersApi(pool, words, clock)],
        clock=clock,
    ) as desk:  # fmt: skip
        yield desk


@dataclass(slots=True)
class Town:
    """Two schools of two districts, their officers, and a teacher of the first."""

    desk: Desk
    shinan: str
    urban: str
    rural: str
    room: str
    admin: Caller
    district: Caller
    head: Caller
    far_head: Caller
    teacher: Caller

    async def found(self, person: str) -> dict[str, Any]:
        status, found = await self.admin.ask("GET", f"/users/{person}")
        assert status == 200
        assert isinstance(found, dict)
        return found


async def made(who: Caller, path: str, body: dict[str, Any]) -> str:
    status, found = await who.ask("POST", path, body)
    assert status == 201, found
    return str(found["id"])


@pytest.fixture
async def town(desk: Desk) -> Town:
    admin = await desk.person("admin", Affiliation(Role.ADMINISTRATOR, START))
    shinan = await made(admin, "/districts", {"name": "市南区"})
    pingdu = await made(admin, "/districts", {"name": "平度市"})
    urban = await made(admin, "/schools", {"name": "甲校", "district": shinan, "setting": "urban"})
    rural = await made(admin, "/schools", {"name": "乙校", "district": pingdu, "setting": "rural"})
    room = await made(admin, "/classrooms", {"name": "一号", "school": urban})
    return Town(
        desk, shinan, urban, rural, room, admin,
        await desk.person("district", Affiliation(Role.DISTRICT, START, district_id=shinan)),
        await desk.person("head", Affiliation(Role.SCHOOL, START, school_id=urban)),
        await desk.person("farhead", Affiliation(Role.SCHOOL, START, school_id=rural)),
        await desk.person("teacher", Affiliation(Role.TEACHER, START, school_id=urban)),
    )  # fmt: skip


def new_user(username: str, **more: Any) -> dict[str, Any]:
    return {"username": username, "name": "王老师", **more}


async def test_an_account_is_added_used_and_removed(town: Town) -> None:
    body = new_user("Wang.Li", affiliations=[{"role": "teacher", "school": town.urban}])
    status, added = await town.admin.ask("POST", "/users", body)
    assert (status, added["username"], added["disabled"]) == (201, "wang.li", False)
    (held,) = added["affiliations"]
    assert held["school"] == {"id": town.urban, "name": "甲校"}
    assert held["district"]["name"] == "市南区"
    assert (held["since"], held["until"]) == (TODAY.isoformat(), None)
    wang = await town.desk.enter("wang.li", added["password"])
    assert (await wang.ask("GET", "/me"))[1]["may_upload"]
    one = f"/users/{added['id']}"
    status, changed = await town.admin.ask("PATCH", one, {"name": "王丽", "quota_bytes": 7})
    assert (status, changed["name"], changed["quota_bytes"]) == (200, "王丽", 7)
    assert (await town.admin.ask("DELETE", one))[0] == 204
    assert (await town.admin.ask("GET", one))[0] == 404
    assert (await wang.ask("GET", "/me"))[0] == 401


async def test_a_given_password_is_not_shown_again(town: Town) -> None:
    status, added = await town.admin.ask("POST", "/users", new_user("wang", password=PASSWORD))
    assert (status, added["password"]) == (201, None)
    await town.desk.enter("wang")


async def test_closing_an_account_ends_its_sessions_at_once(town: Town) -> None:
    one = f"/users/{town.teacher.person}"
    assert (await town.head.ask("PATCH", one, {"disabled": True}))[0] == 200
    assert (await town.teacher.ask("GET", "/me"))[0] == 401
    body = {"username": "teacher", "password": PASSWORD}
    assert (await town.desk.guest.ask("POST", "/login", body))[0] == 401
    assert (await town.head.ask("PATCH", one, {"disabled": False}))[0] == 200
    await town.desk.enter("teacher")


async def test_a_reset_ends_sessions_and_gives_a_password_once(town: Town) -> None:
    status, found = await town.head.ask("POST", f"/users/{town.teacher.person}/reset")
    assert status == 200
    assert (await town.teacher.ask("GET", "/me"))[0] == 401
    await town.desk.enter("teacher", found["password"])


async def test_officers_see_the_people_of_their_place(town: Town) -> None:
    async def names(who: Caller, **query: str) -> list[str]:
        status, page = await who.ask("GET", "/users", params=query)
        assert status == 200
        return [item["username"] for item in page["items"]]

    everyone = ["admin", "district", "farhead", "head", "teacher"]
    assert await names(town.admin) == everyone
    assert await names(town.district) == ["district", "head", "teacher"]
    assert await names(town.head) == ["head", "teacher"]
    assert await names(town.far_head) == ["farhead"]
    assert await names(town.far_head, q="teacher") == ["teacher"]
    assert await names(town.far_head, q="teache") == []
    assert await names(town.admin, q="NAME OF HEAD") == ["head"]
    assert await names(town.admin, school=town.urban, role="teacher") == ["teacher"]
    assert await names(town.admin, district=town.shinan) == ["district", "head", "teacher"]
    assert (await town.teacher.ask("GET", "/users"))[0] == 403
    assert (await town.desk.guest.ask("GET", "/users"))[0] == 401
    assert (await town.far_head.ask("GET", f"/users/{town.teacher.person}"))[0] == 404
    assert (await town.teacher.ask("GET", f"/users/{town.teacher.person}"))[0] == 200


async def test_pages_of_people(town: Town) -> None:
    _, first = await town.admin.ask("GET", "/users", params={"limit": "3"})
    query = {"limit": "3", "cursor": first["next_cursor"]}
    _, second = await town.admin.ask("GET", "/users", params=query)
    names = [item["username"] for item in first["items"] + second["items"]]
    assert names == ["admin", "district", "farhead", "head", "teacher"]
    assert second["next_cursor"] is None


async def test_officers_appoint_below_their_rank_and_inside_their_place(town: Town) -> None:
    cases = [
        (town.district, {"role": "school", "school": town.urban}, 201),
        (town.district, {"role": "teacher", "school": town.rural}, 403),
        (town.district, {"role": "district", "district": town.shinan}, 403),
        (town.district, {"role": "administrator"}, 403),
        (town.head, {"role": "teacher", "school": town.urban}, 201),
        (town.head, {"role": "classroom", "classroom": town.room}, 201),
        (town.head, {"role": "school", "school": town.urban}, 403),
        (town.far_head, {"role": "classroom", "classroom": town.room}, 403),
        (town.teacher, {"role": "pupil", "school": town.urban}, 403),
    ]
    for number, (who, item, expected) in enumerate(cases):
        body = new_user(f"user{number}", affiliations=[item])
        status, found = await who.ask("POST", "/users", body)
        assert status == expected, (item, found)
    assert (await town.head.ask("POST", "/users", new_user("nowhere")))[0] == 403


async def test_a_teacher_serves_two_schools_and_moves(town: Town) -> None:
    person = town.teacher.person
    held = f"/users/{person}/affiliations"
    item = {"role": "teacher", "school": town.rural}
    status, second = await town.far_head.ask("POST", held, item)
    assert (status, second["school"]["name"]) == (201, "乙校")
    assert (await town.head.ask("POST", f"/users/{person}/reset"))[0] == 403
    assert (await town.far_head.ask("PATCH", f"/users/{person}", {"disabled": True}))[0] == 403
    first = (await town.found(person))["affiliations"][0]["id"]
    assert (await town.far_head.ask("DELETE", f"{held}/{first}"))[0] == 403
    assert (await town.head.ask("DELETE", f"{held}/{first}"))[0] == 204
    affiliations = (await town.found(person))["affiliations"]
    assert [a["until"] for a in affiliations] == [TODAY.isoformat(), None]
    status, me = await town.teacher.ask("GET", "/me")
    assert [a["school"]["name"] for a in me["affiliations"]] == ["乙校"]
    assert (await town.far_head.ask("POST", f"/users/{person}/reset"))[0] == 200
    status, found = await town.head.ask("DELETE", f"{held}/{first}")
    assert (status, "ended already" in found["detail"]) == (409, True)


async def test_the_account_of_one_who_left_is_not_up_for_the_taking(town: Town) -> None:
    person = town.teacher.person
    held = (await town.found(person))["affiliations"][0]["id"]
    assert (await town.head.ask("DELETE", f"/users/{person}/affiliations/{held}"))[0] == 204
    item = {"role": "teacher", "school": town.rural}
    assert (await town.far_head.ask("POST", f"/users/{person}/affiliations", item))[0] == 403
    back = {"role": "teacher", "school": town.urban}
    assert (await town.head.ask("POST", f"/users/{person}/affiliations", back))[0] == 201


async def test_a_role_that_has_not_begun_is_removed(town: Town) -> None:
    held = f"/users/{town.teacher.person}/affiliations"
    item = {"role": "teacher", "school": town.urban, "since": TOMORROW.isoformat()}
    key = await made(town.head, held, item)
    assert (await town.head.ask("DELETE", f"{held}/{key}"))[0] == 204
    assert len((await town.found(town.teacher.person))["affiliations"]) == 1


async def test_the_last_administrator_stays(town: Town) -> None:
    second = await town.desk.person("second", Affiliation(Role.ADMINISTRATOR, START))
    first = f"/users/{town.admin.person}"
    status, found = await town.admin.ask("PATCH", first, {"disabled": True})
    assert (status, "your own account" in found["detail"]) == (409, True)
    key = (await town.found(town.admin.person))["affiliations"][0]["id"]
    assert (await second.ask("DELETE", f"{first}/affiliations/{key}"))[0] == 204
    own = f"/users/{second.person}"
    key = (await second.ask("GET", own))[1]["affiliations"][0]["id"]
    status, found = await second.ask("DELETE", f"{own}/affiliations/{key}")
    assert (status, "last administrator" in found["detail"]) == (409, True)


async def test_two_administrators_cannot_close_each_other_at_once(town: Town) -> None:
    second = await town.desk.person("second", Affiliation(Role.ADMINISTRATOR, START))
    answers = await asyncio.gather(
        town.admin.ask("PATCH", f"/users/{second.person}", {"disabled": True}),
        second.ask("PATCH", f"/users/{town.admin.person}", {"disabled": True}),
    )
    assert 200 in {status for status, _ in answers}
    people = [await town.desk.guest.ask("POST", "/login", {"username": n, "password": PASSWORD})
              for n in ("admin", "second")]  # fmt: skip
    assert sorted(status for status, _ in people) == [200, 401]


async def test_one_who_owns_lessons_is_not_removed(town: Town) -> None:
    async with town.desk.pool.connection() as connection:
        await connection.execute(
            "insert into lesson (id, title, state, owner_id) values (%s, 'x', 'queued', %s)",
            (new_id(), town.teacher.person),
        )
    status, found = await town.head.ask("DELETE", f"/users/{town.teacher.person}")
    assert (status, "still has lessons" in found["detail"]) == (409, True)


async def test_quotas_are_for_districts_to_set(town: Town) -> None:
    one, body = f"/users/{town.teacher.person}", {"quota_bytes": 10**12}
    assert (await town.head.ask("PATCH", one, body))[0] == 403
    assert (await town.district.ask("PATCH", one, body))[0] == 200


async def test_broken_requests_say_which_field(town: Town) -> None:
    gone = new_id()
    cases: list[tuple[dict[str, Any], str]] = [
        (new_user("a b"), "username"),
        (new_user("x" * 65), "username"),
        (new_user("wang\x00"), "username"),
        (new_user("wang", password="short"), "password"),
        (new_user("wang", quota_bytes=-1), "quota_bytes"),
        (new_user("wang", quota_bytes=1 << 60), "quota_bytes"),
        ({"username": "wang", "name": "a\u0000"}, "name"),
        ({"username": "wang", "name": "x" * 101}, "name"),
        ({"username": "wang", "name": ""}, "name"),
        (new_user("wang", affiliations=[{"role": "king"}]), "affiliations[0].role"),
        (new_user("wang", affiliations=[{"role": "teacher"}]), "role"),
        (new_user("wang", affiliations=[{"role": "teacher", "school": gone}]), "school"),
        (new_user("wang", affiliations=[{"role": "classroom", "classroom": gone}]), "classroom"),
        (new_user("wang", affiliations=[{"role": "teacher", "school": "'"}]),
         "affiliations[0].school"),
        (new_user("wang", affiliations=[
            {"role": "administrator", "since": "2026-09-02", "until": "2026-09-01"}]), "until"),
    ]  # fmt: skip
    for body, field in cases:
        status, found = await town.admin.ask("POST", "/users", body)
        assert (status, field in found.get("fields", {})) == (422, True), (body, found)
    status, found = await town.admin.ask("POST", "/users", new_user("HEAD"))
    assert (status, "user name is taken" in found["detail"]) == (409, True)


async def test_names_may_be_any_plain_words(town: Town) -> None:
    for number, name in enumerate(["<b>x</b>", "'; drop table person; --", "%s\\", "👩🏽‍🏫"]):
        body = {"username": f"user{number}", "name": name}
        status, found = await town.admin.ask("POST", "/users", body)
        assert (status, found["name"]) == (201, name)


async def test_a_person_has_a_bounded_number_of_roles(town: Town) -> None:
    held = f"/users/{town.teacher.person}/affiliations"
    item = {"role": "teacher", "school": town.urban}
    for _ in range(AFFILIATIONS_LIMIT - 1):
        await made(town.admin, held, item)
    assert (await town.admin.ask("POST", held, item))[0] == 422
