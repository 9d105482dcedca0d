"""Terms and timetables over HTTP: what recurs is booked whole or not at all."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from catalog.ids import new_id
from catalog.people import CITY_ZONE
from tests.integration.sessions.conftest import City
from tests.support.api import Caller

PERIODS = [
    {"starts": "08:00:00", "duration_s": 2400},
    {"starts": "08:50:00", "duration_s": 2400},
]


def term(**changes: Any) -> dict[str, Any]:
    """The autumn term; on 7 December nobody is there, and Saturday the 12th is a Monday."""
    return {
        "name": "2026—2027学年第一学期", "first_day": "2026-09-01", "weeks": 20,
        "periods": PERIODS,
        "special_days": [{"day": "2026-12-07"}, {"day": "2026-12-12", "weekday": 1}], **changes,
    }  # fmt: skip


async def added(who: Caller, **changes: Any) -> str:
    status, found = await who.ask("POST", "/terms", term(**changes))
    assert status == 201, found
    return str(found["id"])


def recurring(city: City, term_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "title": "两位数乘法", "kind": "sync_class", "main_classroom": city.town.main,
        "listening_classrooms": [city.town.far], "term": term_id, "weekday": 1, "period": 2,
        "first_week": 1, "last_week": 16, **changes,
    }  # fmt: skip


async def test_a_term_is_shown_with_todays_week(city: City) -> None:
    key = await added(city.admin)
    status, found = await city.desk.guest.ask("GET", "/terms")
    assert status == 200
    assert [(t["id"], t["this_week"], t["school"]) for t in found["items"]] == [(key, 13, None)]
    assert found["items"][0]["periods"] == PERIODS
    assert found["items"][0]["special_days"] == [
        {"day": "2026-12-07", "weekday": 0}, {"day": "2026-12-12", "weekday": 1},
    ]  # fmt: skip


async def test_terms_belong_to_the_city_or_a_school(city: City) -> None:
    urban, rural = city.town.urban, city.town.rural
    assert (await city.officer.ask("POST", "/terms", term()))[0] == 403
    assert (await city.teacher.ask("POST", "/terms", term(school=urban)))[0] == 403
    own = await added(city.officer, school=urban, name="夏令时间")
    await added(city.district, school=rural, name="夏令时间")
    listed = (await city.desk.guest.ask("GET", f"/terms?school={urban}"))[1]["items"]
    assert [item["id"] for item in listed] == [own]
    assert (await city.officer.ask("POST", "/terms", term(school=urban, name="夏令时间")))[0] == 409
    assert (await city.officer.ask("POST", "/terms", term(school=new_id())))[0] == 422
    assert (await city.admin.ask("POST", "/terms", term(weeks=31)))[0] == 422
    overlap = [{"starts": "08:00:00", "duration_s": 3600}, PERIODS[1]]
    assert (await city.admin.ask("POST", "/terms", term(periods=overlap)))[0] == 422


@pytest.mark.parametrize(
    ("parity", "days"),
    [
        ("every", ["11-30", "12-12", "12-14"]),
        ("odd", ["12-12"]),
        ("even", ["11-30", "12-14"]),
    ],
)
async def test_what_recurs_makes_the_sessions_that_are_to_come(
    parity: str, days: list[str], city: City
) -> None:
    key = await added(city.admin)
    body = recurring(city, key, parity=parity)
    status, made = await city.teacher.ask("POST", "/timetables", body)
    assert status == 201, made
    assert (made["sessions"], made["ahead"], made["parity"]) == (len(days), len(days), parity)
    listed = (await city.teacher.ask("GET", "/sessions"))[1]["items"]
    starts = [datetime.fromisoformat(s["starts_at"]).astimezone(CITY_ZONE) for s in listed]
    assert [f"{at:%m-%d %H:%M}" for at in starts] == [f"{day} 08:50" for day in days]
    assert {(s["timetable"], s["duration_s"]) for s in listed} == {(made["id"], 2400)}


async def test_one_clash_in_the_term_books_nothing(city: City) -> None:
    key = await added(city.admin)
    day = datetime(2026, 12, 14, 9, 0, tzinfo=CITY_ZONE)
    taken = await city.booked(city.colleague, starts_at=day.isoformat())
    status, found = await city.teacher.ask("POST", "/timetables", recurring(city, key))
    assert status == 409
    assert taken["id"] in found["detail"]
    assert (await city.teacher.ask("GET", "/timetables"))[1]["items"] == []
    assert len((await city.teacher.ask("GET", "/sessions"))[1]["items"]) == 1


async def test_of_two_timetables_at_once_one_is_booked(city: City) -> None:
    key = await added(city.admin)
    found = await asyncio.gather(
        *(who.ask("POST", "/timetables", recurring(city, key))
          for who in (city.teacher, city.colleague))
    )  # fmt: skip
    assert sorted(status for status, _ in found) == [201, 409]


async def test_an_end_calls_off_what_is_still_to_come(city: City) -> None:
    key = await added(city.admin)
    _, made = await city.teacher.ask("POST", "/timetables", recurring(city, key))
    path = f"/timetables/{made['id']}"
    assert (await city.colleague.ask("DELETE", path))[0] == 403
    assert (await city.admin.ask("DELETE", f"/terms/{key}"))[0] == 409
    city.clock.now_utc = datetime(2026, 12, 1, tzinfo=CITY_ZONE).timestamp()
    assert (await city.officer.ask("DELETE", path))[0] == 204
    assert (await city.teacher.ask("GET", path))[0] == 404
    listed = (await city.teacher.ask("GET", "/sessions"))[1]["items"]
    assert [s["state"] for s in listed] == ["scheduled", "cancelled", "cancelled"]
    assert (await city.admin.ask("DELETE", f"/terms/{key}"))[0] == 204
    assert (await city.admin.ask("DELETE", f"/terms/{key}"))[0] == 404


@pytest.mark.parametrize(
    ("who", "changes", "status"),
    [
        ("rural", {}, 403),
        ("teacher", {"period": 3}, 422),
        ("teacher", {"last_week": 21}, 422),
        ("teacher", {"first_week": 5, "last_week": 4}, 422),
        ("teacher", {"last_week": 3}, 422),
        ("teacher", {"term": "0" * 20}, 422),
        ("teacher", {"weekday": 8}, 422),
        ("teacher", {"listening_classrooms": []}, 422),
    ],
)
async def test_who_may_make_what_recur(
    who: str, changes: dict[str, Any], status: int, city: City
) -> None:
    key = await added(city.admin)
    found = await getattr(city, who).ask("POST", "/timetables", recurring(city, key, **changes))
    assert found[0] == status, found


async def test_another_schools_term_is_not_mine(city: City) -> None:
    key = await added(city.district, school=city.town.rural)
    found = await city.teacher.ask("POST", "/timetables", recurring(city, key))
    assert found[0] == 422


async def test_timetables_are_listed_in_pages(city: City) -> None:
    key = await added(city.admin)
    made = []
    for weekday in (1, 2, 3):
        _, one = await city.teacher.ask(
            "POST", "/timetables", recurring(city, key, weekday=weekday)
        )
        made.append(one["id"])
    _, first = await city.teacher.ask("GET", f"/timetables?term={key}&limit=2")
    _, rest = await city.teacher.ask(
        "GET", f"/timetables?school={city.town.urban}&cursor={first['next_cursor']}"
    )
    assert [item["id"] for item in first["items"] + rest["items"]] == made
    assert (await city.teacher.ask("GET", f"/timetables?school={city.town.rural}"))[1][
        "items"
    ] == []
