"""What an edge asks with its credential: only what its school may see, once over a thin line."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientResponse

from catalog.db import edge_reports
from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.edge_reports import REPORTS_LIMIT
from catalog.people import CITY_ZONE
from catalog.presentation_json import decode
from tests.support.edges import Box, Bureau, open_bureau
from tests.support.lessons import add_lesson, insert
from tests.support.sessions import START, START_UTC, Town, book_one
from tests.support.wait import eventually

DAY_S = 86_400.0


async def add_media(pool: Pool, lesson: str) -> None:
    async with pool.connection() as connection:
        rendition = await insert(
            connection, "rendition", lesson_id=lesson, generation=1, name="360p", media="video",
            codecs="avc1.64001e", timescale=15_360, init=b"\x00\xffinit", rung=0, complete=True,
            width_px=640, height_px=360, frame_rate_num=30, frame_rate_den=1,
        )  # fmt: skip
        await connection.execute(
            "insert into media_object (rendition_id, key, first_number, init_bytes, base_ts,"
            " sizes, durations_ts, keyframe_sizes)"
            " values (%s, %s, 0, 700, 0, '{10,20}', '{61440,30720}', '{3,4}')",
            (rendition, f"media/{lesson}/1/360p/000000-a1.mp4"),
        )


async def raw(box: Box, path: str, **headers: str) -> tuple[ClientResponse, bytes]:
    async with box.client.get(f"/api/v1{path}", headers={**box.header, **headers}) as response:
        return response, await response.read()


async def test_a_presentation_comes_over_exactly(bureau: Bureau, pool: Pool, town: Town) -> None:
    async with pool.connection() as connection:
        series = await insert(connection, "series", name="分数")
        lesson = await add_lesson(
            connection, "几分之一", school_id=town.rural, visibility="school", subject="maths",
            grade="g3", series_id=series,
        )  # fmt: skip
    await add_media(pool, lesson)
    box = await bureau.box(town.rural)
    status, found = await box.ask("GET", f"/edge/presentations/{lesson}")
    assert status == 200
    own = decode(json.dumps(found["presentation"]).encode())
    assert own == await Presentations(pool).presentation(lesson)
    assert own.renditions[0].init == b"\x00\xffinit"
    assert {name: found[name] for name in ("id", "title", "subject", "grade", "school")} == {
        "id": lesson, "title": "几分之一", "subject": "maths", "grade": "g3",
        "school": {"id": town.rural, "name": "田野小学"},
    }  # fmt: skip
    assert found["series"] == {"id": series, "name": "分数"}


async def test_what_has_not_changed_is_not_sent_again(
    bureau: Bureau, pool: Pool, town: Town
) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection)
    await add_media(pool, lesson)
    box = await bureau.box(town.rural)
    for path in ("/edge/self", f"/edge/presentations/{lesson}", "/edge/plan?days=3"):
        response, body = await raw(box, path, **{"Accept-Encoding": "gzip"})
        assert (response.status, response.headers["Content-Encoding"]) == (200, "gzip"), path
        assert response.headers["Cache-Control"] == "private, no-cache"
        tag = response.headers["ETag"]
        again, nothing = await raw(box, path, **{"If-None-Match": tag})
        assert (again.status, nothing, again.headers["ETag"]) == (304, b"", tag)
        plain, whole = await raw(box, path, **{"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert json.loads(whole) == json.loads(body)
    async with pool.connection() as connection:
        await connection.execute("update lesson set title = '新' where id = %s", (lesson,))
    path = f"/edge/presentations/{lesson}"
    changed, _ = await raw(box, path, **{"If-None-Match": '"x", W/"y"'})
    assert changed.status == 200


async def test_a_school_sees_public_city_group_and_own_lessons(
    bureau: Bureau, pool: Pool, town: Town
) -> None:
    async with pool.connection() as connection:
        group = await insert(connection, "education_group", name="海滨教育集团")
        await connection.execute(
            "update school set group_id = %s where id = any(%s)", (group, [town.urban, town.rural])
        )
        lessons = {
            (visibility, school): await add_lesson(
                connection, visibility=visibility, school_id=getattr(town, school)
            )
            for visibility in ("public", "city", "group", "school", "private")
            for school in ("rural", "urban", "other")
        }
    for lesson in lessons.values():
        await add_media(pool, lesson)
    box = await bureau.box(town.rural)
    seen = {
        key for key, lesson in lessons.items()
        if (await box.ask("GET", f"/edge/presentations/{lesson}"))[0] == 200
    }  # fmt: skip
    everywhere = {(v, s) for v in ("public", "city") for s in ("rural", "urban", "other")}
    assert seen == everywhere | {("group", "rural"), ("group", "urban"), ("school", "rural")}
    async with pool.connection() as connection:
        await connection.execute("update school set group_id = null where id = %s", (town.urban,))
        await connection.execute("update school set group_id = null where id = %s", (town.rural,))

    async def left() -> bool:
        path = f"/edge/presentations/{lessons['group', 'urban']}"
        return (await box.ask("GET", path))[0] == 404

    await eventually(left, 1.0)


async def test_what_cannot_be_played_is_not_found(bureau: Bureau, pool: Pool, town: Town) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, state="transcoding")
    box = await bureau.box(town.rural)
    for key in (lesson, "0" * 20, "x"):
        assert (await box.ask("GET", f"/edge/presentations/{key}"))[0] == 404


@pytest.fixture
def evening() -> list[float]:
    """Eight in the evening before the first day of sessions, as a clock that can be moved."""
    return [(START.replace(hour=20) - timedelta(days=1)).timestamp()]


async def test_the_plan_of_the_next_school_days(
    dsn: str, pool: Pool, town: Town, tmp_path: Path, evening: list[float]
) -> None:
    now = datetime.fromtimestamp(evening[0], CITY_ZONE)
    async with pool.connection() as connection:
        series = await insert(connection, "series", name="两位数乘法")
        fresh = {"published_at": now - timedelta(days=1)}
        old = {"published_at": now - timedelta(days=90)}
        series_old = await add_lesson(connection, "复习", series_id=series, **old)
        series_new = await add_lesson(connection, "新课", series_id=series, **fresh)
        await add_lesson(connection, "未完", series_id=series, state="failed", **fresh)
        await add_lesson(connection, "别校", school_id=town.other, **fresh)
        await add_lesson(connection, "旧", school_id=town.urban, **old)
        await add_lesson(connection, "密", school_id=town.urban, visibility="private", **fresh)
        paired = await add_lesson(connection, "结对", school_id=town.urban, **fresh)
    first = await book_one(pool, town, series_id=series)
    await book_one(pool, town, DAY_S, listening=())  # without this school
    third = await book_one(pool, town, 2 * DAY_S)
    await book_one(pool, town, 3 * DAY_S)  # Saturday
    async with open_bureau(dsn, pool, tmp_path, lambda: evening[0]) as bureau:
        box = await bureau.box(town.rural)
        box.clock = lambda: evening[0]
        _, found = await box.ask("GET", "/edge/plan?days=4")
        status, _ = await box.ask("GET", "/edge/plan?days=15")
    days = [(now.date() + timedelta(days=n)).isoformat() for n in range(4)]
    assert status == 422
    assert found["days"] == days
    assert [item["id"] for item in found["sessions"]] == [first, third]
    session = dict(found["sessions"][0])
    assert datetime.fromisoformat(session.pop("starts_at")).timestamp() == START_UTC
    rooms = {room["name"] for room in session.pop("classrooms")}
    assert rooms == {"海滨小学 一号教室", "田野小学 一号教室"}
    assert session == {
        "id": first, "title": "两位数乘法", "kind": "sync_class", "state": "scheduled",
        "duration_s": 2400, "grade": "g3", "subject": "mathematics", "open_to_all": False,
    }  # fmt: skip
    assert [(entry["day"], entry["lesson"]) for entry in found["lessons"]] == [
        (days[0], paired), (days[1], series_new), (days[1], series_old),
    ]  # fmt: skip


async def test_a_trial_of_the_line_comes_as_fast_as_asked(bureau: Bureau, town: Town) -> None:
    box = await bureau.box(town.rural)
    began_at = asyncio.get_running_loop().time()
    path = "/api/v1/edge/probe?bytes=50001&bps=1000000"
    async with box.client.get(path, headers=box.header) as found:
        assert len(await found.read()) == 50_001
    passed_s = asyncio.get_running_loop().time() - began_at
    assert passed_s >= 8 * (50_001 - 2500) / 1_000_000
    async with box.client.get("/api/v1/edge/probe?bps=64000", headers=box.header) as found:
        assert found.content_length == 16_000, "two seconds of it"
    for asked in ("bps=1", "bps=2000000000", "bps=fast", "bytes=99999999"):
        status, _ = await box.ask("GET", f"/edge/probe?{asked}")
        assert status == 422, asked


def report(**changes: Any) -> dict[str, Any]:
    made = {"id": str(uuid4()), "kind": "question", "body": {"text": "为什么？"}}
    return {**made, "at": datetime.now(CITY_ZONE).isoformat(), **changes}


async def kept(pool: Pool) -> list[dict[str, Any]]:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select id::text, edge_id, school_id, kind, body from edge_report order by received_at"
        )
        return await cursor.fetchall()


async def test_a_report_counts_once_however_often_it_is_sent(
    bureau: Bureau, pool: Pool, town: Town
) -> None:
    box = await bureau.box(town.rural)
    first, second = report(), report(kind="qoe", body={"stalled_s": 1.5})
    status, found = await box.ask("POST", "/edge/reports", [first])
    assert (status, found) == (200, {"accepted": [first["id"]], "refused": []})
    answers = await asyncio.gather(
        *(box.ask("POST", "/edge/reports", [first, second, second]) for _ in range(4))
    )
    for status, found in answers:
        assert (status, set(found["accepted"])) == (200, {first["id"], second["id"]})
    assert [row["id"] for row in await kept(pool)] == [first["id"], second["id"]]
    assert (await kept(pool))[0] == {
        "id": first["id"], "edge_id": box.id, "school_id": town.rural, "kind": "question",
        "body": {"text": "为什么？"},
    }  # fmt: skip


async def test_one_edges_id_is_no_others(bureau: Bureau, pool: Pool, town: Town) -> None:
    box, other = await bureau.box(town.rural), await bureau.box(town.urban, "haibin")
    same = report()
    for one in (box, other):
        assert (await one.ask("POST", "/edge/reports", [same]))[0] == 200
    assert {row["school_id"] for row in await kept(pool)} == {town.rural, town.urban}


async def test_a_bad_report_does_not_hold_up_the_good(
    bureau: Bureau, pool: Pool, town: Town
) -> None:
    box = await bureau.box(town.rural)
    good, bad = report(), report(kind="gossip")
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    nested = report(body={"deep": deep})
    status, found = await box.ask("POST", "/edge/reports", [bad, good, nested])
    assert status == 200
    assert found["accepted"] == [good["id"], nested["id"]]
    assert [item["id"] for item in found["refused"]] == [bad["id"]]
    assert "kind must be" in found["refused"][0]["reason"]


async def test_what_is_no_list_of_reports_is_refused(bureau: Bureau, town: Town) -> None:
    box = await bureau.box(town.rural)
    many = [report() for _ in range(REPORTS_LIMIT + 1)]
    wrong: list[Any] = [
        {}, [1], [{}], [report(id="x")], [report(at="soon")], [report(body=[])],
        [report(kind="x" * 21)], many,
    ]  # fmt: skip
    for body in wrong:
        assert (await box.ask("POST", "/edge/reports", body))[0] == 422


async def test_an_edge_reports_only_so_much_a_day(
    bureau: Bureau, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_reports, "REPORTS_LIMIT_A_DAY", 3)
    box = await bureau.box(town.rural)
    assert (await box.ask("POST", "/edge/reports", [report(), report()]))[0] == 200
    status, problem = await box.ask("POST", "/edge/reports", [report(), report()])
    assert (status, problem["detail"]) == (
        429, "this edge has reported too much today: keep the rest",
    )  # fmt: skip


async def test_reports_are_kept_for_thirty_days(
    dsn: str, pool: Pool, town: Town, tmp_path: Path, evening: list[float]
) -> None:
    async with open_bureau(dsn, pool, tmp_path, lambda: evening[0]) as bureau:
        box = await bureau.box(town.rural)
        box.clock = lambda: evening[0]

        def at_now() -> str:
            return datetime.fromtimestamp(evening[0], CITY_ZONE).isoformat()

        old = report(at=at_now())
        await box.ask("POST", "/edge/reports", [old])
        evening[0] += 30 * DAY_S + 1
        new = report(at=at_now())
        await box.ask("POST", "/edge/reports", [new, old])
        assert [row["id"] for row in await kept(pool)] == [new["id"]]
