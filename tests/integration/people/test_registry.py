"""The registry, through real HTTP on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

import pytest

from catalog.db.pool import Pool
from catalog.http.kinds import SERIES_LEVELS
from catalog.http.listing import PAGE_LIMIT_ITEMS
from catalog.http.registry import RegistryApi
from catalog.ids import new_id
from catalog.people import Affiliation, Role
from tests.support.api import Caller, Desk, open_desk

START = date(2024, 9, 1)


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    async with open_desk(pool, lambda pool, _: [RegistryApi(pool)]) as desk:
        yield desk


@dataclass(slots=True)
class Town:
    """Two districts with a school each, and who rules them."""

    shinan: str
    pingdu: str
    urban: str
    rural: str
    room: str
    admin: Caller
    district: Caller
    school: Caller
    teacher: Caller


async def made(who: Caller, path: str, body: dict[str, Any]) -> str:
    status, found = await who.ask("POST", path, body)
    assert status == 201, found
    return str(found["id"])


@pytest.fixture
async def town(desk: Desk) -> Town:
    admin = await desk.person("admin", Affiliation(Role.ADMINISTRATOR, START))
    shinan = await made(admin, "/districts", {"name": "市南区"})
    pingdu = await made(admin, "/districts", {"name": "平度市"})
    urban = await made(
        admin, "/schools", {"name": "海滨中学", "district": shinan, "setting": "urban"}
    )
    rural = await made(
        admin, "/schools", {"name": "田野中学", "district": pingdu, "setting": "rural"}
    )
    room = await made(admin, "/classrooms", {"name": "一号教室", "school": urban})
    return Town(
        shinan, pingdu, urban, rural, room, admin,
        await desk.person("district", Affiliation(Role.DISTRICT, START, district_id=shinan)),
        await desk.person("school", Affiliation(Role.SCHOOL, START, school_id=urban)),
        await desk.person("teacher", Affiliation(Role.TEACHER, START, school_id=urban)),
    )  # fmt: skip


def bodies(town: Town) -> dict[str, dict[str, Any]]:
    return {
        "districts": {"name": "崂山区"},
        "groups": {"name": "海滨教育集团"},
        "schools": {"name": "新学校", "district": town.shinan, "setting": "urban"},
        "classrooms": {"name": "二号教室", "school": town.urban},
        "pairs": {"urban_school": town.urban, "rural_school": town.rural},
        "series": {"name": "青快学"},
    }


@pytest.mark.parametrize(
    "path", ["districts", "groups", "schools", "classrooms", "pairs", "series"]
)
async def test_a_thing_lives_from_adding_to_removing(town: Town, path: str) -> None:
    admin = town.admin
    status, added = await admin.ask("POST", f"/{path}", bodies(town)[path])
    assert status == 201
    one = f"/{path}/{added['id']}"
    assert (await admin.ask("GET", one)) == (200, added)
    _, listed = await admin.ask("GET", f"/{path}")
    assert added in listed["items"]
    change = {"until": "2099-01-01"} if path == "pairs" else {"name": "另一个名字"}
    status, changed = await admin.ask("PATCH", one, change)
    assert (status, changed) == (200, {**added, **change})
    assert (await admin.ask("PATCH", one, {})) == (200, changed)
    assert (await admin.ask("DELETE", one))[0] == 204
    assert (await admin.ask("GET", one))[0] == 404
    assert (await admin.ask("DELETE", one))[0] == 404


async def test_things_show_the_names_of_their_places(town: Town) -> None:
    _, school = await town.admin.ask("GET", f"/schools/{town.urban}")
    assert school == {"id": town.urban, "name": "海滨中学", "setting": "urban", "group": None,
                      "district": {"id": town.shinan, "name": "市南区"}}  # fmt: skip
    group = await made(town.admin, "/groups", {"name": "集团"})
    status, school = await town.admin.ask("PATCH", f"/schools/{town.urban}", {"group": group})
    assert (status, school["group"]) == (200, {"id": group, "name": "集团"})
    status, school = await town.admin.ask("PATCH", f"/schools/{town.urban}", {"group": None})
    assert (status, school["group"]) == (200, None)
    _, room = await town.admin.ask("GET", f"/classrooms/{town.room}")
    assert room["school"] == {"id": town.urban, "name": "海滨中学"}


RIGHTS = {
    "districts": {"admin"},
    "groups": {"admin"},
    "schools": {"admin", "district"},
    "classrooms": {"admin", "district", "school"},
    "pairs": {"admin"},
    "series": {"admin", "district"},
}


async def test_only_those_who_rule_the_place_add(town: Town, desk: Desk) -> None:
    callers = {"admin": town.admin, "district": town.district, "school": town.school,
               "teacher": town.teacher}  # fmt: skip
    for path, may in RIGHTS.items():
        for who, caller in callers.items():
            asked = bodies(town)[path]
            if "name" in asked:
                asked["name"] += f" of {who}"
            status, found = await caller.ask("POST", f"/{path}", asked)
            assert status == (201 if who in may else 403), (path, who, found)
        assert (await desk.guest.ask("POST", f"/{path}", bodies(town)[path]))[0] == 401


async def test_rule_ends_at_the_border_of_the_district(town: Town) -> None:
    officer = town.district
    far = f"/schools/{town.rural}"
    elsewhere = {"name": "x", "district": town.pingdu, "setting": "urban"}
    assert (await officer.ask("PATCH", far, {"name": "抢来的学校"}))[0] == 403
    assert (await officer.ask("DELETE", far))[0] == 403
    assert (await officer.ask("POST", "/schools", elsewhere))[0] == 403
    move = {"district": town.pingdu}
    assert (await officer.ask("PATCH", f"/schools/{town.urban}", move))[0] == 403
    assert (await officer.ask("PATCH", f"/schools/{town.urban}", {"name": "海滨一中"}))[0] == 200
    room = {"name": "x", "school": town.rural}
    assert (await town.school.ask("POST", "/classrooms", room))[0] == 403
    assert (await town.teacher.ask("DELETE", f"/classrooms/{town.room}"))[0] == 403


async def test_guests_read_the_public_part(town: Town, desk: Desk) -> None:
    for path in ("districts", "groups", "schools", "pairs", "series"):
        assert (await desk.guest.ask("GET", f"/{path}"))[0] == 200
    assert (await desk.guest.ask("GET", "/classrooms"))[0] == 401


async def test_what_is_in_use_is_not_removed_and_says_by_what(town: Town) -> None:
    pair = {"urban_school": town.urban, "rural_school": town.rural}
    await made(town.admin, "/pairs", pair)
    cases = [
        (f"/districts/{town.shinan}", "district still has schools"),
        (f"/schools/{town.urban}", "school still has"),
        (f"/schools/{town.rural}", "school still has pairs"),
    ]
    for path, sentence in cases:
        status, found = await town.admin.ask("DELETE", path)
        assert (status, sentence in found["detail"]) == (409, True), found


async def test_a_name_is_taken_once(town: Town) -> None:
    school = {"name": "海滨中学", "district": town.pingdu, "setting": "rural"}
    for path, body, sentence in [
        ("/districts", {"name": " 市南区 "}, "district of that name exists"),
        ("/schools", school, "school of that name exists"),
        ("/classrooms", {"name": "一号教室", "school": town.urban}, "classroom of that name"),
    ]:
        status, found = await town.admin.ask("POST", path, body)
        assert (status, sentence in found["detail"]) == (409, True), found
    pair = {"urban_school": town.urban, "rural_school": town.rural, "since": "2026-09-01"}
    await made(town.admin, "/pairs", pair)
    assert (await town.admin.ask("POST", "/pairs", pair))[0] == 409
    status, found = await town.admin.ask("PATCH", f"/districts/{town.pingdu}", {"name": "市南区"})
    assert status == 409


async def test_two_at_once_cannot_take_one_name(town: Town) -> None:
    body = {"name": "同名系列"}
    answers = await asyncio.gather(*(town.admin.ask("POST", "/series", body) for _ in range(6)))
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409, 409, 409]


async def test_places_must_exist_and_fit(town: Town) -> None:
    gone, admin = new_id(), town.admin
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("/schools", {"name": "x", "district": gone, "setting": "urban"}, "district"),
        ("/schools", {"name": "x", "district": town.shinan, "setting": "rural", "group": gone},
         "group"),
        ("/schools", {"name": "x", "district": town.shinan, "setting": "lunar"}, "setting"),
        ("/classrooms", {"name": "x", "school": gone}, "school"),
        ("/pairs", {"urban_school": gone, "rural_school": town.rural}, "urban_school"),
        ("/pairs", {"urban_school": town.urban, "rural_school": town.urban}, "rural_school"),
        ("/pairs", {"urban_school": town.urban, "rural_school": town.rural,
                    "since": "2026-09-01", "until": "2026-09-01"}, "until"),
        ("/pairs", {"urban_school": town.urban, "rural_school": town.rural, "since": "soon"},
         "since"),
        ("/series", {"name": "x", "parent_id": gone}, "parent"),
    ]  # fmt: skip
    for path, body, field in cases:
        status, found = await admin.ask("POST", path, body)
        assert (status, field in found["fields"]) == (422, True), (body, found)


async def test_a_series_never_lies_below_itself_nor_too_deep(town: Town) -> None:
    chain = [await made(town.admin, "/series", {"name": "系列 0"})]
    for level in range(1, SERIES_LEVELS):
        body = {"name": f"系列 {level}", "parent_id": chain[-1]}
        chain.append(await made(town.admin, "/series", body))
    status, found = await town.admin.ask("POST", "/series", {"name": "x", "parent_id": chain[-1]})
    assert (status, set(found["fields"])) == (422, {"parent_id"})
    for below in (chain[0], chain[1], chain[-1]):
        status, found = await town.admin.ask("PATCH", f"/series/{chain[0]}", {"parent_id": below})
        assert (status, set(found["fields"])) == (422, {"parent_id"})
    assert (await town.admin.ask("PATCH", f"/series/{chain[1]}", {"parent_id": None}))[0] == 200


HOSTILE = [
    ("a\u0000b", 422),
    ("a\nb", 422),
    ("\x1b[31m", 422),
    ("\u202ehcs", 422),
    ("", 422),
    ("   ", 422),
    ("课" * 101, 422),
    ("'; drop table school; --", 201),
    ("<script>alert(1)</script>", 201),
    ("%s {} %(name)s \\", 201),
    ("../../etc/passwd", 201),
]


@pytest.mark.parametrize("path", ["districts", "groups", "schools", "classrooms", "series"])
async def test_any_text_is_kept_as_it_is_or_refused(town: Town, path: str) -> None:
    for text, expected in HOSTILE:
        body = {**bodies(town)[path], "name": text}
        status, found = await town.admin.ask("POST", f"/{path}", body)
        assert status == expected, (text, found)
        if status == 201:
            assert found["name"] == text
            _, listed = await town.admin.ask("GET", f"/{path}", params={"q": text})
            assert [item["name"] for item in listed["items"]] == [text]
        else:
            assert "name" in found["fields"]


BROKEN = [
    b'{"name": "' + b"x" * 10_000_000 + b'"}',
    b'{"name": "\xff\xfe"}',
    b'{"name": "\\ud800"}',
    b'{"name": 7}',
    b'{"name": ["x"]}',
    b'{"name": null}',
    b'{"name": "x", "is_admin": true}',
    b'{"name"',
    b"[" * 100_000,
    b"null",
    b"",
]


async def test_a_broken_or_huge_body_is_refused_and_the_service_lives(town: Town) -> None:
    for path in ("/districts", "/series"):
        for raw in BROKEN:
            status, _ = await town.admin.ask("POST", path, data=BytesIO(raw))
            assert status == 422, raw[:40]
    assert (await town.admin.ask("GET", "/districts"))[0] == 200


async def test_prose_is_long_and_bounded(town: Town) -> None:
    long = "一二三四\n" * 700
    status, found = await town.admin.ask("POST", "/series", {"name": "a", "description": long})
    assert (status, found["description"]) == (201, long.strip())
    for text in ("x" * 4001, "a\x00"):
        body = {"name": "b", "description": text}
        status, found = await town.admin.ask("POST", "/series", body)
        assert (status, set(found["fields"])) == (422, {"description"})


async def test_an_id_that_is_none_is_404(town: Town) -> None:
    for key in ("x", "0" * 20 + "'", "..%2f..", "%00", "%ff%fe", "課" * 20):
        for method in ("GET", "DELETE"):
            status, found = await town.admin.ask(method, f"/schools/{key}")
            assert (status, found["status"]) == (404, 404)


BROKEN_QUERIES = [
    {"limit": "0"},
    {"limit": str(PAGE_LIMIT_ITEMS + 1)},
    {"limit": "x"},
    {"cursor": "x"},
    {"cursor": "W10"},
    {"cursor": "A" * 2000},
    {"q": "x" * 101},
    {"unknown": "1"},
    {"q": "a\x00b"},
]


async def test_a_broken_query_is_422(town: Town) -> None:
    for query in BROKEN_QUERIES:
        assert (await town.admin.ask("GET", "/schools", params=query))[0] == 422, query


async def test_bytes_that_are_no_text_do_no_harm_in_a_query(town: Town) -> None:
    for query, status in {"q=%ff%fe": 200, "q=%ed%a0%80": 200, "q=%00": 422, "district=%00": 422,
                          "district=%ff": 422, "%ff=1": 422}.items():  # fmt: skip
        assert (await town.admin.ask("GET", f"/schools?{query}"))[0] == status, query


async def test_pages_follow_each_other_without_gap_or_double(town: Town) -> None:
    names = [f"学校 {number:02}" for number in range(23)]
    for name in names:
        body = {"name": name, "district": town.pingdu, "setting": "rural"}
        await made(town.admin, "/schools", body)
    seen: list[str] = []
    query = {"limit": "5", "district": town.pingdu}
    while True:
        status, page = await town.admin.ask("GET", "/schools", params=query)
        assert status == 200
        seen += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == sorted([*names, "田野中学"])


async def test_lists_filter_by_place_and_text(town: Town) -> None:
    await made(town.admin, "/pairs", {"urban_school": town.urban, "rural_school": town.rural})
    cases = [
        ("schools", {"district": town.shinan}, 1),
        ("schools", {"setting": "rural"}, 1),
        ("schools", {"q": "中学"}, 2),
        ("schools", {"q": "%"}, 0),
        ("classrooms", {"school": town.urban}, 1),
        ("classrooms", {"district": town.pingdu}, 0),
        ("classrooms", {"q": "海滨"}, 1),
        ("pairs", {"school": town.rural}, 1),
        ("pairs", {"district": town.shinan}, 1),
        ("pairs", {"q": "田野"}, 1),
        ("series", {"programme": "x"}, 0),
    ]
    for path, query, count in cases:
        _, page = await town.admin.ask("GET", f"/{path}", params=query)
        assert len(page["items"]) == count, (path, query)
