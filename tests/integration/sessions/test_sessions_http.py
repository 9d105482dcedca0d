"""Sessions over real HTTP: booking, who sees and who runs them, and the way to the end."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.db.pool import Pool
from catalog.http.listing import write_cursor
from catalog.ids import new_id
from catalog.live import FeedName, RoomRole
from catalog.session import OPENS_BEFORE_S
from catalog.tokens import Keyring, SigningKey
from tests.integration.sessions.conftest import City
from tests.support.api import Caller
from tests.support.lessons import insert
from tests.support.sessions import LESSON_S, START_UTC, state_of

RING = Keyring([SigningKey("k1", bytes(32), 0.0)], START_UTC)


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


async def test_a_teacher_books_and_gets_all_that_going_live_needs(city: City) -> None:
    found = await city.booked(city.teacher, grade="三年级", subject="数学")
    assert (found["state"], found["duration_s"], found["grade"]) == ("scheduled", LESSON_S, "g3")
    assert (found["can_run"], found["role"], found["visibility"]) == (True, "teacher", "school")
    assert [room["part"] for room in found["rooms"]] == ["listening", "main"]
    assert [(p["id"], p["part"]) for p in found["people"]] == [(city.teacher.person, "teacher")]
    ingest, key = found["ingest"], found["ingest"]["rtmp"]["key"]
    assert ingest["rtmp"]["server"] == "rtmp://127.0.0.1:1935/live"
    assert key.startswith(f"{found['id']}?key=")
    assert ingest["browser"].startswith(f"/live/{found['id']}/publish?feed=main&key=")
    secret = key.partition("=")[2]
    assert ingest["srt"] == (
        f"srt://127.0.0.1:9000?mode=caller&passphrase={secret}&pbkeylen=16&latency=120000"
    )
    assert found["urls"]["hls"].startswith(f"/live/{found['id']}/multivariant.m3u8?token=")
    city.clock.now_utc = START_UTC - OPENS_BEFORE_S
    assert await city.sessions.publishes(found["id"], FeedName.MAIN, secret)


async def test_a_token_says_as_whom_one_joins(city: City) -> None:
    session = (await city.booked(city.teacher))["id"]
    roles = {}
    for name in ("teacher", "board", "main_board", "rural", "colleague"):
        who: Caller = getattr(city, name)
        _, found = await who.ask("GET", f"/sessions/{session}")
        grant = RING.verify_session(token_of(found["urls"]["room"]), session, city.clock())
        roles[name] = grant.role
        assert grant.person == who.person
        if name == "board":
            assert (grant.classroom, grant.name) == (city.town.far, "田野小学 一号教室")
    assert roles == {
        "teacher": RoomRole.TEACHER, "board": RoomRole.CLASSROOM, "main_board": RoomRole.TEACHER,
        "rural": RoomRole.VIEWER, "colleague": RoomRole.VIEWER,
    }  # fmt: skip


async def test_keys_are_shown_to_those_who_run_it_alone(city: City) -> None:
    session = (await city.booked(city.teacher))["id"]
    for who, runs in (
        (city.teacher, True), (city.officer, True), (city.admin, True), (city.main_board, True),
        (city.board, False), (city.rural, False), (city.colleague, False),
        (city.researcher, False), (city.district, False),
    ):  # fmt: skip
        status, found = await who.ask("GET", f"/sessions/{session}")
        assert status == 200, found
        assert (found["can_run"], found.get("ingest") is not None) == (runs, runs)


async def test_one_who_is_not_invited_sees_nothing(city: City) -> None:
    session = (await city.booked(city.teacher))["id"]
    path = f"/sessions/{session}"
    assert (await city.stranger.ask("GET", path))[0] == 403
    assert (await city.desk.guest.ask("GET", path))[0] == 401
    assert (await city.desk.guest.ask("GET", f"/sessions/{new_id()}"))[0] == 404
    for who in (city.stranger, city.desk.guest):
        assert (await who.ask("GET", "/sessions"))[1]["items"] == []


async def test_an_open_class_is_for_guests_with_a_token(city: City) -> None:
    made = await city.booked(
        city.teacher, kind="open_class", listening_classrooms=[], main_classroom=None
    )
    assert (made["open_to_all"], made["visibility"]) == (True, "public")
    assert made["school"]["id"] == city.town.urban
    _, found = await city.desk.guest.ask("GET", f"/sessions/{made['id']}")
    assert (found["role"], found["can_run"], found["ingest"]) == ("viewer", False, None)
    grant = RING.verify_session(token_of(found["urls"]["stream"]), made["id"], city.clock())
    assert (grant.role, grant.person) == (RoomRole.VIEWER, "")
    listed = (await city.desk.guest.ask("GET", "/sessions"))[1]["items"]
    assert [item["id"] for item in listed] == [made["id"]]


@pytest.mark.parametrize(
    ("who", "changes", "status"),
    [
        ("colleague", {}, 201),
        ("rural", {}, 403),
        ("teacher", {"listening_classrooms": ["foreign"]}, 403),
        ("admin", {"listening_classrooms": ["foreign"]}, 201),
        ("teacher", {"teacher": "colleague"}, 403),
        ("officer", {"teacher": "colleague"}, 201),
        ("teacher", {"listening_classrooms": []}, 422),
        ("teacher", {"kind": "open_class", "second_classroom": "far_2"}, 422),
        ("teacher", {"listening_classrooms": ["main"]}, 422),
        ("teacher", {"title": " "}, 422),
        ("teacher", {"title": "a\u202eb"}, 422),
        ("teacher", {"duration_s": 59}, 422),
        ("teacher", {"duration_s": 6 * 3600 + 1}, 422),
        ("teacher", {"starts_at": "2026-11-25T10:00:00"}, 422),
        ("teacher", {"starts_at": "2026-11-23T10:00:00+08:00"}, 422),
        ("teacher", {"kind": "party"}, 422),
        ("teacher", {"school": "other"}, 422),
        ("teacher", {"subject": "炼金术"}, 422),
        ("teacher", {"color": "red"}, 422),
        ("board", {}, 403),
        ("researcher", {"kind": "research", "main_classroom": None,
                        "listening_classrooms": []}, 201),
        ("researcher", {"kind": "open_class", "main_classroom": None,
                        "listening_classrooms": []}, 403),
    ],
)  # fmt: skip
async def test_who_may_book_what(
    who: str, changes: dict[str, Any], status: int, city: City
) -> None:
    changes = {name: _ids(city, name, value) for name, value in changes.items()}
    asker: Caller = getattr(city, who)
    found = await asker.ask("POST", "/sessions", city.lesson(**changes))
    assert found[0] == status, found


def _ids(city: City, name: str, value: Any) -> Any:
    if name == "teacher":
        return getattr(city, value).person
    if name in ("listening_classrooms", "second_classroom", "school"):
        names = value if isinstance(value, list) else [value]
        ids = [getattr(city.town, one) for one in names]
        return ids if isinstance(value, list) else ids[0]
    return value


async def test_a_guest_cannot_book(city: City) -> None:
    assert (await city.desk.guest.ask("POST", "/sessions", city.lesson()))[0] == 401


async def test_a_clash_is_told_with_the_other_session(city: City) -> None:
    first = await city.booked(city.teacher)
    status, found = await city.colleague.ask("POST", "/sessions", city.lesson(600))
    assert status == 409
    assert first["id"] in found["detail"]
    assert "海滨小学 一号教室 is taken on 2026-11-25 at 10:00" in found["detail"]


async def test_a_paired_lesson_has_two_of_all(city: City) -> None:
    found = await city.booked(
        city.teacher, kind="paired_lesson", listening_classrooms=[],
        second_classroom=city.town.far, second_teacher=city.rural.person,
    )  # fmt: skip
    assert "second?key=" in found["second_ingest"]["rtmp"]["key"].replace("/second?", "second?")
    assert found["second_ingest"]["srt"] is None
    assert found["urls"]["second_hls"].startswith(f"/live/{found['id']}/second/multivariant.m3u8")
    _, theirs = await city.rural.ask("GET", f"/sessions/{found['id']}")
    assert theirs["can_run"]
    assert theirs["second_ingest"]["browser"].startswith(
        f"/live/{found['id']}/publish?feed=second&key="
    )


async def test_a_session_is_changed_while_it_is_scheduled(city: City) -> None:
    made = await city.booked(city.teacher)
    path = f"/sessions/{made['id']}"
    change = {"title": "三位数乘法", "listening_classrooms": [city.town.far_2], "duration_s": 1200}
    status, found = await city.teacher.ask("PATCH", path, change)
    assert (status, found["title"], found["duration_s"]) == (200, "三位数乘法", 1200)
    assert {room["id"] for room in found["rooms"]} == {city.town.main, city.town.far_2}
    assert found["people"] == made["people"]
    bad = {"listening_classrooms": [city.town.foreign]}
    assert (await city.teacher.ask("PATCH", path, bad))[0] == 403
    assert (await city.colleague.ask("PATCH", path, {"title": "我的"}))[0] == 403
    assert (await city.officer.ask("PATCH", path, {"teacher": city.colleague.person}))[0] == 200
    _, moved = await city.teacher.ask("PATCH", path, {"main_classroom": city.town.main_2})
    assert city.town.main_2 in {room["id"] for room in moved["rooms"]}
    assert (await city.teacher.ask("POST", f"{path}/open"))[0] == 204
    assert (await city.teacher.ask("PATCH", path, {"title": "太晚"}))[0] == 409


async def test_from_open_to_end(city: City, pool: Pool) -> None:
    session = (await city.booked(city.teacher))["id"]
    path = f"/sessions/{session}"
    assert (await city.rural.ask("POST", f"{path}/open"))[0] == 403
    assert (await city.teacher.ask("POST", f"{path}/end"))[0] == 409
    assert (await city.teacher.ask("POST", f"{path}/open"))[0] == 204
    await city.sessions.went_live(session)
    assert (await city.teacher.ask("DELETE", path))[0] == 409
    assert (await city.main_board.ask("POST", f"{path}/end"))[0] == 204
    assert (await city.teacher.ask("POST", f"{path}/end"))[0] == 204
    assert await state_of(pool, session) == "ended"


@pytest.mark.parametrize(("method", "tail"), [("DELETE", ""), ("POST", "/cancel")])
async def test_a_session_is_called_off(method: str, tail: str, city: City, pool: Pool) -> None:
    session = (await city.booked(city.teacher))["id"]
    assert (await city.stranger.ask(method, f"/sessions/{session}{tail}"))[0] == 403
    assert (await city.teacher.ask(method, f"/sessions/{session}{tail}"))[0] == 204
    assert await state_of(pool, session) == "cancelled"


async def test_a_new_key_replaces_the_old(city: City) -> None:
    made = await city.booked(city.teacher)
    assert (await city.rural.ask("POST", f"/sessions/{made['id']}/key"))[0] == 403
    status, found = await city.teacher.ask("POST", f"/sessions/{made['id']}/key")
    assert status == 200
    assert found["ingest"]["rtmp"]["key"] != made["ingest"]["rtmp"]["key"]


async def test_lists_by_week_room_school_kind_and_state(city: City) -> None:
    day = 86_400.0
    first = await city.booked(city.teacher)
    second = await city.booked(
        city.colleague, day, listening_classrooms=[city.town.far_2], main_classroom=city.town.main_2
    )
    third = await city.booked(city.teacher, 7 * day, kind="open_class")
    await city.officer.ask("DELETE", f"/sessions/{second['id']}")

    async def listed(query: str, who: Caller = city.teacher) -> list[str]:
        status, found = await who.ask("GET", f"/sessions?{query}")
        assert status == 200, found
        return [item["id"] for item in found["items"]]

    assert await listed("") == [first["id"], second["id"], third["id"]]
    assert await listed("week=2026-11-29") == [first["id"], second["id"]]
    assert await listed("week=2026-11-30") == [third["id"]]
    assert await listed(f"classroom={city.town.far_2}") == [second["id"]]
    assert await listed(f"school={city.town.rural}", city.rural) == [
        first["id"], second["id"], third["id"],
    ]  # fmt: skip
    assert await listed("kind=open_class") == [third["id"]]
    assert await listed("state=cancelled&state=live") == [second["id"]]
    assert await listed("mine=true", city.colleague) == [second["id"]]
    assert await listed("since=2026-11-26T00:00:00Z&until=2026-11-27T00:00:00Z") == [second["id"]]
    assert (await city.teacher.ask("GET", "/sessions?week=2026-11-29&since=2026-11-26T00:00:00Z")
            )[0] == 422  # fmt: skip
    assert (await city.desk.guest.ask("GET", "/sessions?mine=true"))[0] == 401


async def test_pages_of_a_list_follow_each_other(city: City) -> None:
    made = [(await city.booked(city.teacher, n * LESSON_S))["id"] for n in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        _, found = await city.teacher.ask("GET", f"/sessions?limit=2&cursor={cursor}")
        seen += [item["id"] for item in found["items"]]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert seen == made
    assert (await city.teacher.ask("GET", "/sessions?cursor=bm9uc2Vuc2U"))[0] == 422


async def test_the_ends_of_the_calendar_are_refused(city: City) -> None:
    for day in ("0001-01-01", "1999-12-31", "9999-12-31"):
        status, found = await city.teacher.ask("GET", f"/sessions?week={day}")
        assert (status, found["fields"].keys()) == (422, {"week"})
    early = write_cursor("0001-01-01T00:00:00+08:00", new_id())
    assert (await city.teacher.ask("GET", f"/sessions?cursor={early}"))[0] == 422
    ends = "since=0001-01-01T00:00:00%2B23:59&until=9999-12-31T23:59:59-23:59"
    assert (await city.teacher.ask("GET", f"/sessions?{ends}"))[0] == 200
    for number in ("0", "0.5", "1e9", "nan"):  # no moment, and no seconds since 1970 either
        status, found = await city.teacher.ask("GET", f"/sessions?until={number}")
        assert (status, found["fields"].keys()) == (422, {"until"})
    for moment in ("9999-12-31T23:59:59-12:00", "2999-01-01T08:00:00+08:00"):
        status, found = await city.teacher.ask("POST", "/sessions", city.lesson(starts_at=moment))
        assert (status, found["fields"].keys()) == (422, {"starts_at"})


async def test_a_teacher_of_the_group_sees_it_and_may_be_invited(city: City, pool: Pool) -> None:
    session = (await city.booked(city.teacher))["id"]
    async with pool.connection() as connection:
        group = await insert(connection, "education_group", name="海滨教育集团")
        await connection.execute(
            "update school set group_id = %s where id = any(%s)",
            (group, [city.town.urban, city.town.other]),
        )
    assert (await city.stranger.ask("GET", f"/sessions/{session}"))[0] == 200
    later = await city.booked(
        city.teacher, LESSON_S, listening_classrooms=[city.town.far, city.town.foreign]
    )
    assert later["visibility"] == "group"
