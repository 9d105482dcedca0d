"""tus 1.0.0 over HTTP against a real database and directory."""

from __future__ import annotations

import asyncio

import pytest

from catalog.db.pool import Connection, Pool
from catalog.ids import new_id
from tests.support.lessons import add_lesson, insert, teacher
from tests.support.uploads import BODY, Desk, absolute, checksum, media, meta


async def test_a_plain_upload_becomes_a_queued_lesson(at: Desk) -> None:
    body = media(100_000)
    where = await at.create(len(body), {"filename": "分数_第一课.mp4", "subject": "数学"})
    first = await at.patch(where, 0, body[:40_000])
    assert (first.status, first.headers["Upload-Offset"]) == (204, "40000")
    assert "Tongbu-Lesson" not in first.headers
    last = await at.patch(where, 40_000, body[40_000:])
    lesson = last.headers["Tongbu-Lesson"]
    row = await at.one("select * from lesson where id = %s", lesson)
    assert (row["title"], row["subject"], row["state"]) == ("分数 第一课", "mathematics", "queued")
    assert (row["owner_id"], row["teacher_name"], row["generation"]) == (at.person, "张老师", 1)
    source = await at.one("select * from source where lesson_id = %s", lesson)
    assert (source["filename"], source["size_bytes"]) == ("分数_第一课.mp4", len(body))
    work = await at.one("select * from work where lesson_id = %s", lesson)
    assert (work["unit"], work["state"], work["priority"]) == ("prepare", "wanted", "fresh")
    assert await at.stored(str(source["key"])) == body
    assert await at.parts.files.ids() == []


async def test_head_tells_offset_length_and_metadata(at: Desk) -> None:
    where = await at.create(1000, {"filename": "a.mp4", "is_private": ""})
    await at.patch(where, 0, media(300))
    seen = await at.head(where)
    assert (seen.headers["Upload-Offset"], seen.headers["Upload-Length"]) == ("300", "1000")
    assert seen.headers["Upload-Metadata"] == "filename YS5tcDQ=,is_private"
    assert seen.headers["Cache-Control"] == "no-store"
    assert seen.headers["Tus-Resumable"] == "1.0.0"
    assert seen.headers["Upload-Expires"].endswith("GMT")


async def test_the_whole_file_with_the_creation(at: Desk) -> None:
    body = media(5000)
    headers = at.headers({"Upload-Length": "5000", **BODY, **meta({"filename": "a.mp4"})})
    async with at.client.post(at.url, data=body, headers=headers) as answer:
        assert answer.status == 201
        assert answer.headers["Upload-Offset"] == "5000"
        assert answer.headers["Tongbu-Lesson"]


async def test_a_length_told_later(at: Desk) -> None:
    body = media(900)
    headers = at.headers({"Upload-Defer-Length": "1", **meta({"filename": "a.mp4"})})
    async with at.client.post(at.url, headers=headers) as answer:
        where = absolute(at.url, answer.headers["Location"])
    await at.patch(where, 0, body[:500])
    seen = await at.head(where)
    assert seen.headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in seen.headers
    last = await at.patch(where, 500, body[500:], {"Upload-Length": "900"})
    assert last.headers["Tongbu-Lesson"]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_checksum_that_fits_is_taken_and_one_that_does_not_changes_nothing(
    at: Desk, algorithm: str
) -> None:
    body = media(3_000_000)
    where = await at.create(len(body))
    bad = checksum(algorithm, b"x")
    refused = await at.patch(where, 0, body, bad)
    assert (refused.status, refused.headers["Tus-Resumable"]) == (460, "1.0.0")
    assert (await at.head(where)).headers["Upload-Offset"] == "0"
    good = checksum(algorithm, body)
    assert (await at.patch(where, 0, body, good)).status == 204


async def test_termination_and_what_comes_after(at: Desk) -> None:
    where = await at.create(10)
    async with at.client.delete(where, headers=at.headers()) as answer:
        assert answer.status == 204
    assert (await at.head(where)).status == 410
    assert (await at.patch(where, 0, b"x")).status == 410
    assert await at.parts.files.ids() == []


async def test_a_finished_upload_stays_and_answers_again(at: Desk) -> None:
    where = await at.create(1000)
    lesson = (await at.patch(where, 0, media(1000))).headers["Tongbu-Lesson"]
    assert (await at.head(where)).headers["Tongbu-Lesson"] == lesson
    assert (await at.patch(where, 1000, b"")).headers["Tongbu-Lesson"] == lesson
    async with at.client.delete(where, headers=at.headers()) as answer:
        assert answer.status == 409
    assert (await at.one("select count(*) as n from lesson"))["n"] == 1


async def test_a_method_in_a_header(at: Desk) -> None:
    where = await at.create(10)
    headers = at.headers({"X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0", **BODY})
    async with at.client.post(where, data=b"12345", headers=headers) as answer:
        assert answer.headers["Upload-Offset"] == "5"
    headers = at.headers({"X-HTTP-Method-Override": "DELETE"})
    async with at.client.post(where, headers=headers) as answer:
        assert answer.status == 204
    async with at.client.post(where, headers=at.headers()) as answer:
        assert answer.status == 404


async def test_options_needs_nobody(at: Desk) -> None:
    async with at.client.options(at.url) as answer:
        assert answer.status == 204
        assert "concatenation" in answer.headers["Tus-Extension"]
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
        assert int(answer.headers["Tus-Max-Size"]) == at.parts.uploads.settings.limit_bytes


async def test_parts_become_one(at: Desk) -> None:
    body = media(300_000)
    parts = await at.send_parts([body[:100_000], body[100_000:250_000], body[250_000:]])
    more = {"Upload-Concat": f"final;{' '.join(parts)}", **meta({"filename": "a.mp4"})}
    answers = []
    for _ in range(2):
        async with at.client.post(at.url, headers=at.headers(more)) as answer:
            assert answer.status == 201
            answers.append((answer.headers["Tongbu-Lesson"], answer.headers["Location"]))
    assert answers[0] == answers[1]
    lesson, where = answers[0][0], absolute(at.url, answers[0][1])
    source = await at.one("select key from source where lesson_id = %s", lesson)
    assert await at.stored(str(source["key"])) == body
    assert await at.parts.files.ids() == []
    assert (await at.head(where)).headers["Upload-Concat"] == more["Upload-Concat"]
    assert (await at.patch(where, 0, b"x")).status == 403
    assert (await at.one("select count(*) as n from lesson"))["n"] == 1


async def test_hostile_words_are_kept_as_words(at: Desk) -> None:
    title = "'); drop table lesson;-- <script>alert(1)</script>"
    where = await at.create(100, {"title": title, "filename": "../../../etc/cron.d/x.mp4"})
    lesson = (await at.patch(where, 0, media(100))).headers["Tongbu-Lesson"]
    row = await at.one("select l.title, s.filename, s.key from lesson l join source s"
                       " on s.lesson_id = l.id where l.id = %s", lesson)  # fmt: skip
    assert row == {"title": title, "filename": "x.mp4", "key": f"source/{lesson}/1"}


async def test_a_new_version_keeps_the_old_one_playing(at: Desk, pool: Pool) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, owner_id=at.person)
        await insert_source(connection, lesson)
    where = await at.create(100, {"lesson": lesson, "filename": "第二版.mp4"})
    assert (await at.patch(where, 0, media(100))).headers["Tongbu-Lesson"] == lesson
    row = await at.one("select state, generation, version from lesson where id = %s", lesson)
    assert row == {"state": "ready", "generation": 1, "version": 2}
    work = await at.one("select generation, state from work where lesson_id = %s", lesson)
    assert work == {"generation": 2, "state": "wanted"}


async def insert_source(connection: Connection, lesson: str) -> None:
    await connection.execute(
        "insert into source (lesson_id, generation, key, filename, size_bytes)"
        " values (%s, 1, 'k', 'a.mp4', 1)", (lesson,),
    )  # fmt: skip


async def test_series_by_name_and_school_of_ones_own(at: Desk, pool: Pool) -> None:
    async with pool.connection() as connection:
        series = await insert(connection, "series", name="青快学")
    metadata = {"series": "青快学", "filename": "a.mp4", "tags": "重点，难点、重点"}
    where = await at.create(100, metadata)
    lesson = (await at.patch(where, 0, media(100))).headers["Tongbu-Lesson"]
    row = await at.one("select series_id, school_id, tags, teacher_id from lesson where id = %s",
                       lesson)  # fmt: skip
    assert row["series_id"] == series
    assert row["school_id"] == at.viewers[at.person].affiliations[0].school_id
    assert (row["tags"], row["teacher_id"]) == (["重点", "难点"], at.person)
    at.viewers[at.person] = teacher(at.person)
    headers = at.headers({"Upload-Length": "10", **meta({"school": new_id()})})
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 403


async def test_what_left_the_registry_meanwhile_costs_no_lesson(at: Desk, pool: Pool) -> None:
    async with pool.connection() as connection:
        await insert(connection, "series", name="青快学")
    where = await at.create(100, {"series": "青快学", "filename": "a.mp4"})
    async with pool.connection() as connection:
        await connection.execute("delete from series")
        await connection.execute("delete from school")
    lesson = (await at.patch(where, 0, media(100))).headers["Tongbu-Lesson"]
    row = await at.one("select series_id, school_id, owner_id from lesson where id = %s", lesson)
    assert row == {"series_id": None, "school_id": None, "owner_id": at.person}


async def test_one_file_of_the_same_parts_when_asked_twice_at_once(at: Desk) -> None:
    parts = await at.send_parts([media(1000), b"x" * 1000])
    headers = at.headers({"Upload-Concat": f"final;{' '.join(parts)}", **meta({"title": "课"})})

    async def ask() -> str:
        async with at.client.post(at.url, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            return answer.headers["Tongbu-Lesson"]

    assert len(set(await asyncio.gather(*(ask() for _ in range(6))))) == 1
    assert (await at.one("select count(*) as n from lesson"))["n"] == 1
    assert (await at.one("select count(*) as n from upload where concat = 'final'"))["n"] == 1
