"""The lessons' API on a real database: rights, edits, deletion and undo, work, subtitles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from catalog.db.pool import Pool
from catalog.http.endpoint import Api
from catalog.http.lessons import LessonsApi
from catalog.http.problem import NOWHERE
from catalog.http.subtitles import SubtitlesApi
from catalog.ids import make_id, new_id
from catalog.people import Affiliation, Role, Viewer
from tests.support.lessons import (
    PERSON,
    SINCE,
    add_lesson,
    add_person,
    add_school,
    insert,
    signed_app,
    teacher,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NOBODY = make_id(1_795_000_000_000, 7)


@dataclass
class Desk:
    pool: Pool
    client: TestClient[web.Request, web.Application]
    viewers: dict[str, Viewer]
    owner: str
    school: str

    async def ask(
        self, method: str, path: str, person: str = "", **options: Any
    ) -> tuple[int, Any]:
        headers = {PERSON: person, **options.pop("headers", {})}
        path = f"/api/v1/lessons/{path}"
        async with self.client.request(method, path, headers=headers, **options) as answer:
            raw = await answer.read()
            return answer.status, await answer.json(content_type=None) if raw else None

    async def add(self, title: str = "分数", **values: Any) -> str:
        async with self.pool.connection() as connection:
            values = {"owner_id": self.owner, "school_id": self.school, **values}
            return await add_lesson(connection, title, **values)

    async def run(self, query: str, *values: object) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []


@pytest.fixture
async def at(pool: Pool) -> AsyncIterator[Desk]:
    async with pool.connection() as connection:
        school = await add_school(connection)
        owner = await add_person(connection)
    viewers = {owner: teacher(owner, school), "other": teacher("other")}
    parts: list[Api] = [
        LessonsApi(pool, lambda lesson: f"token-{lesson}", lambda: NOW),
        SubtitlesApi(pool),
    ]
    async with TestClient(TestServer(signed_app(parts, viewers))) as client:
        yield Desk(pool, client, viewers, owner, school)


async def test_a_public_lesson_is_for_everyone(at: Desk) -> None:
    lesson = await at.add()
    status, shown = await at.ask("GET", lesson)
    assert status == 200
    assert (shown["title"], shown["can_edit"], shown["school"]["name"]) == (
        "分数",
        False,
        "实验小学",
    )
    assert shown["urls"]["hls"] == f"/media/{lesson}/multivariant.m3u8"
    assert (await at.ask("GET", lesson, at.owner))[1]["can_edit"]


@pytest.mark.parametrize(
    ("visibility", "guest", "other", "colleague"),
    [("city", 401, 200, 200), ("school", 401, 403, 200), ("private", 401, 403, 403)],
)
async def test_who_may_see(
    at: Desk, visibility: str, guest: int, other: int, colleague: int
) -> None:
    at.viewers["colleague"] = teacher("colleague", at.school)
    lesson = await at.add(visibility=visibility)
    for person, expected in (("", guest), ("other", other), ("colleague", colleague)):
        status, shown = await at.ask("GET", lesson, person)
        assert status == expected, person
        if status == 200:
            assert shown["urls"]["dash"].endswith(f"manifest.mpd?token=token-{lesson}")


@pytest.mark.parametrize("key", [NOBODY, "x", "..%2f..%2fetc", "' or 1=1 --", "é" * 20])
async def test_what_is_not_there(at: Desk, key: str) -> None:
    assert (await at.ask("GET", key))[0] == 404


async def test_suggest_is_no_lesson(at: Desk) -> None:
    for method in ("PATCH", "DELETE"):
        status, found = await at.ask(method, "suggest", at.owner)
        assert (status, found["detail"]) == (404, NOWHERE)


async def test_an_edit_sets_only_what_it_names(at: Desk) -> None:
    lesson = await at.add(chapter="第一章", visibility="school")
    async with at.pool.connection() as connection:
        series = await insert(connection, "series", name="青快学")
    change = {"title": " 分数的意义 ", "series_id": series, "position": 3, "tags": ["重点", "重点"],
              "subject": "数学", "grade": "五年级", "teacher": "李老师",
              "visibility": "全市"}  # fmt: skip
    status, shown = await at.ask("PATCH", lesson, at.owner, json=change)
    assert status == 200
    assert (shown["title"], shown["chapter"], shown["tags"]) == ("分数的意义", "第一章", ["重点"])
    assert (shown["subject"], shown["grade"], shown["visibility"]) == ("mathematics", "g5", "city")
    assert (shown["series"]["name"], shown["position"], shown["teacher"]) == ("青快学", 3, "李老师")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\u0000b"}, "title"),
        ({"description": "x" * 4001}, "description"),
        ({"visibility": ""}, "visibility"),
        ({"grade": "十三年级"}, "grade"),
        ({"tags": ["x"] * 31}, "tags"),
        ({"position": -1}, "position"),
        ({"series_id": new_id()}, "series_id"),
        ({"school_id": "../x"}, "school_id"),
        ({"teacher_id": new_id()}, "teacher_id"),
        ({"tags": "x"}, "tags"),
    ],
)
async def test_an_edit_that_breaks_a_rule_names_the_field(
    at: Desk, change: dict[str, Any], field: str
) -> None:
    lesson = await at.add()
    status, told = await at.ask("PATCH", lesson, at.owner, json=change)
    assert status == 422
    assert field in told["fields"]


async def test_unknown_fields_and_no_json(at: Desk) -> None:
    lesson = await at.add()
    assert (await at.ask("PATCH", lesson, at.owner, json={"state": "ready"}))[0] == 422
    assert (await at.ask("PATCH", lesson, at.owner, data=b"{"))[0] == 422


async def test_who_may_edit(at: Desk) -> None:
    lesson = await at.add()
    at.viewers["head"] = Viewer(
        "head", "校长", (Affiliation(Role.SCHOOL, SINCE, school_id=at.school),)
    )
    for person, expected in (("", 401), ("other", 403), ("head", 200)):
        assert (await at.ask("PATCH", lesson, person, json={"title": "新"}))[0] == expected
    for method, path in (("DELETE", ""), ("POST", "/retry"), ("POST", "/cancel")):
        assert (await at.ask(method, lesson + path, "other"))[0] == 403


async def test_a_lesson_is_moved_only_to_ones_own_school(at: Desk) -> None:
    lesson = await at.add()
    async with at.pool.connection() as connection:
        other = await add_school(connection, "第二小学")
    assert (await at.ask("PATCH", lesson, at.owner, json={"school_id": other}))[0] == 403
    status, shown = await at.ask("PATCH", lesson, at.owner, json={"school_id": None})
    assert (status, shown["school"]) == (200, None)


async def test_deletion_can_be_undone(at: Desk) -> None:
    lesson = await at.add()
    assert (await at.ask("DELETE", lesson, at.owner))[0] == 204
    assert (await at.ask("GET", lesson, at.owner))[0] == 404
    assert (await at.ask("DELETE", lesson, at.owner))[0] == 404
    assert (await at.ask("POST", f"{lesson}/restore", "other"))[0] == 403
    for _ in range(2):
        assert (await at.ask("POST", f"{lesson}/restore", at.owner))[0] == 204
    assert (await at.ask("GET", lesson))[0] == 200


async def test_retry_wants_what_failed(at: Desk) -> None:
    lesson = await at.add(state="failed", error_code="broken", error_detail="x")
    await at.run(
        "insert into work (lesson_id, generation, unit, state, failures) values"
        " (%s, 1, 'prepare', 'done', 0), (%s, 1, 'audio', 'failed', 3)",
        lesson,
        lesson,
    )
    assert (await at.ask("POST", f"{lesson}/retry", at.owner))[0] == 204
    shown = (await at.ask("GET", lesson))[1]
    assert (shown["state"], shown["error"]) == ("queued", None)
    rows = await at.run("select unit, state, failures from work order by unit")
    assert [tuple(row.values()) for row in rows] == [("audio", "wanted", 0), ("prepare", "done", 0)]
    await at.run("update lesson set state = 'ready'")
    await at.run("update work set state = 'done'")
    assert (await at.ask("POST", f"{lesson}/retry", at.owner))[0] == 409


async def test_cancel_calls_work_off_and_retry_takes_it_up(at: Desk) -> None:
    lesson = await at.add(state="transcoding")
    await at.run(
        "insert into work (lesson_id, generation, unit, state) values"
        " (%s, 1, 'prepare', 'done'), (%s, 1, 'audio', 'running')",
        lesson,
        lesson,
    )
    assert (await at.ask("POST", f"{lesson}/cancel", at.owner))[0] == 204
    shown = (await at.ask("GET", lesson))[1]
    assert (shown["state"], shown["error"]["code"]) == ("failed", "cancelled")
    assert (await at.run("select state from work where unit = 'audio'"))[0]["state"] == "cancelled"
    assert (await at.ask("POST", f"{lesson}/cancel", at.owner))[0] == 409
    assert (await at.ask("POST", f"{lesson}/retry", at.owner))[0] == 204
    assert (await at.run("select state from work where unit = 'audio'"))[0]["state"] == "wanted"


async def test_a_view_is_counted(at: Desk) -> None:
    lesson = await at.add()
    for _ in range(3):
        assert (await at.ask("POST", f"{lesson}/play"))[0] == 204
    assert (await at.ask("GET", lesson))[1]["plays"] == 3


async def test_the_next_lesson_is_shown_only_to_those_who_may_watch_it(at: Desk) -> None:
    async with at.pool.connection() as connection:
        series = await insert(connection, "series", name="青快学")
    first = await at.add("1", series_id=series, position=1)
    second = await at.add("2", series_id=series, position=2, visibility="private")
    assert (await at.ask("GET", first))[1]["next"] is None
    assert (await at.ask("GET", first, at.owner))[1]["next"] == {"id": second, "title": "2"}


SRT = "1\r\n00:00:01,000 --> 00:00:02,500\r\n同学们好<script>x</script>\r\n"


async def test_subtitles_are_cleaned_kept_and_removed(at: Desk) -> None:
    lesson = await at.add()
    before = await at.run("select change_xid::text from lesson")
    path = f"{lesson}/subtitles/zh-hans"
    options: dict[str, Any] = {"headers": {"Content-Type": "application/x-subrip"}}
    assert (await at.ask("PUT", path, at.owner, data=SRT.encode("gb18030"), **options))[0] == 204
    row = (await at.run("select language, label, webvtt, transcript from subtitle"))[0]
    assert (row["language"], row["label"]) == ("zh-Hans", "简体中文")
    assert row["webvtt"] == "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n同学们好x\n"
    assert row["transcript"] == "同学们好x"
    assert await at.run("select change_xid::text from lesson") != before
    assert (await at.ask("PUT", path + "?label=字幕", at.owner, data=SRT.encode()))[0] == 204
    shown = (await at.ask("GET", lesson))[1]["urls"]["subtitles"]
    assert shown == [{"language": "zh-Hans", "label": "字幕",
                      "url": f"/media/{lesson}/subtitles/zh-Hans.vtt"}]  # fmt: skip
    assert (await at.ask("DELETE", path, at.owner))[0] == 204
    assert (await at.ask("DELETE", path, at.owner))[0] == 404


async def test_subtitles_that_are_refused(at: Desk) -> None:
    lesson = await at.add()
    html: dict[str, Any] = {"headers": {"Content-Type": "text/html"}}
    cases = [
        ("other", "zh", SRT.encode(), {}, 403),
        (at.owner, "zh", b"hello", {}, 422),
        (at.owner, "..%2F..%2Fx", SRT.encode(), {}, 422),
        (at.owner, "zh", b"x" * (2 * 1024 * 1024 + 1), {}, 422),
        (at.owner, "zh", SRT.encode(), html, 415),
        (at.owner, "zh?label=" + "x" * 61, SRT.encode(), {}, 422),
    ]
    for person, language, body, options, expected in cases:
        path = f"{lesson}/subtitles/{language}"
        if len(body) > 1_000_000:
            options = {"headers": {"Content-Type": "text/vtt"}}
        found = await at.ask("PUT", path, person, data=_streamed(body), **options)
        assert found[0] == expected, language


async def _streamed(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


async def test_at_most_twenty_languages(at: Desk) -> None:
    lesson = await at.add()
    await at.run(
        "insert into subtitle (id, lesson_id, language, label, webvtt, transcript)"
        " select 's' || n, %s, 'x' || n, '', '', '' from generate_series(1, 20) n",
        lesson,
    )
    path = f"{lesson}/subtitles/zh"
    assert (await at.ask("PUT", path, at.owner, data=SRT.encode()))[0] == 422


async def test_an_empty_list_of_chapters_is_no_address(at: Desk) -> None:
    lesson = await at.add()
    await at.run(
        "insert into side_product (lesson_id, generation, kind, detail)"
        " values (%s, 1, 'chapters', '{\"chapters\": []}')",
        lesson,
    )
    assert (await at.ask("GET", lesson))[1]["urls"]["chapters"] is None
    await at.run(
        'update side_product set detail = \'{"chapters": [{"start_s": 0, "title": "1"}]}\''
    )
    shown = (await at.ask("GET", lesson))[1]
    assert shown["urls"]["chapters"] == f"/media/{lesson}/chapters.vtt"
