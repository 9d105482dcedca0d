"""tus 1.0.0 over HTTP against a real database and directory."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from catalog.db.pool import Connection, Pool
from catalog.db.uploads import OPEN_LIMIT
from catalog.ids import new_id
from catalog.people import Viewer
from catalog.uploads.settings import UploadSettings
from tests.support.lessons import add_lesson, insert, teacher
from tests.support.uploads import BODY, Desk, absolute, desk, media, meta


@pytest.fixture
async def at(pool: Pool, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(pool, tmp_path) as made:
        yield made


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


async def test_a_creation_whose_bytes_fail_leaves_nothing(at: Desk) -> None:
    more = {"Upload-Length": "50", **BODY, "Upload-Checksum": f"sha1 {_digest('sha1', b'other')}"}
    async with at.client.post(at.url, data=media(50), headers=at.headers(more)) as answer:
        assert answer.status == 460
    assert await at.parts.files.ids() == []


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


def _digest(algorithm: str, body: bytes) -> str:
    return base64.b64encode(hashlib.new(algorithm, body).digest()).decode()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_checksum_that_fits_is_taken_and_one_that_does_not_changes_nothing(
    at: Desk, algorithm: str
) -> None:
    body = media(3_000_000)
    where = await at.create(len(body))
    bad = {"Upload-Checksum": f"{algorithm} {_digest(algorithm, b'x')}"}
    refused = await at.patch(where, 0, body, bad)
    assert (refused.status, refused.headers["Tus-Resumable"]) == (460, "1.0.0")
    assert (await at.head(where)).headers["Upload-Offset"] == "0"
    good = {"Upload-Checksum": f"{algorithm} {_digest(algorithm, body)}"}
    assert (await at.patch(where, 0, body, good)).status == 204


async def test_unknown_checksums_are_refused(at: Desk) -> None:
    where = await at.create(10)
    answer = await at.patch(where, 0, b"0123456789", {"Upload-Checksum": "md5 AAAA"})
    assert answer.status == 400


async def test_a_wrong_offset_says_where_to_go_on(at: Desk) -> None:
    where = await at.create(100)
    headers = at.headers({"Upload-Offset": "7", **BODY})
    async with at.client.patch(where, data=b"x", headers=headers) as answer:
        assert answer.status == 409
        assert (await answer.json())["detail"] == "the upload stands at byte 0: go on there"


async def test_more_bytes_than_announced_are_refused(at: Desk) -> None:
    where = await at.create(10)
    assert (await at.patch(where, 0, b"x" * 11)).status == 413
    assert (await at.head(where)).headers["Upload-Offset"] == "0"


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


async def test_version_type_and_form_are_checked(at: Desk) -> None:
    where = await at.create(10)
    no_version = {k: v for k, v in at.headers().items() if k != "Tus-Resumable"}
    async with at.client.head(where, headers=no_version) as answer:
        assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")
    wrong = at.headers({"Upload-Offset": "0", "Content-Type": "text/plain"})
    async with at.client.patch(where, data=b"x", headers=wrong) as answer:
        assert answer.status == 415
    for more in ({}, {"Upload-Length": "-1"}, {"Upload-Length": "1", "Upload-Defer-Length": "1"}):
        async with at.client.post(at.url, headers=at.headers(more)) as answer:
            assert answer.status == 400, more


async def parts_of(at: Desk, pieces: list[bytes]) -> list[str]:
    found = []
    for piece in pieces:
        more = {"Upload-Length": str(len(piece)), "Upload-Concat": "partial", **BODY}
        async with at.client.post(at.url, data=piece, headers=at.headers(more)) as answer:
            assert answer.status == 201
            assert "Tongbu-Lesson" not in answer.headers
            found.append(answer.headers["Location"])
    return found


async def test_parts_become_one(at: Desk) -> None:
    body = media(300_000)
    parts = await parts_of(at, [body[:100_000], body[100_000:250_000], body[250_000:]])
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


async def test_parts_that_are_not_whole_or_not_ours(at: Desk) -> None:
    where = await at.create(10)
    [whole] = await parts_of(at, [b"0123456789"])
    foreign = f"/api/v1/uploads/{new_id()}"
    for parts, status in ((where, 409), (f"{whole} {foreign}", 404), (f"{whole} {whole}", 400),
                          ("/etc/passwd", 400), ("", 400)):  # fmt: skip
        more = {"Upload-Concat": f"final;{parts}"}
        async with at.client.post(at.url, headers=at.headers(more)) as answer:
            assert answer.status == status, parts


async def test_rights(at: Desk) -> None:
    where = await at.create(10)
    async with at.client.post(at.url, headers={"Tus-Resumable": "1.0.0"}) as answer:
        assert answer.status == 401
    at.viewers["pupil"] = Viewer("pupil", "学生")
    more = {"Upload-Length": "10", **meta({"filename": "a.mp4"})}
    async with at.client.post(at.url, headers=at.headers(more, "pupil")) as answer:
        assert answer.status == 403
        assert "may not add lessons" in (await answer.json())["detail"]
    for method in ("HEAD", "PATCH", "DELETE"):
        headers = at.headers({"Upload-Offset": "0", **BODY}, "pupil")
        async with at.client.request(method, where, headers=headers) as answer:
            assert answer.status == 404


async def test_over_quota(at: Desk, pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("update person set quota_bytes = 1500")
    first = await at.create(1000)
    headers = at.headers({"Upload-Length": "1000", **meta({"filename": "a.mp4"})})
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 413
        assert "your space is used up" in (await answer.json())["detail"]
    await at.patch(first, 0, media(1000))
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 413
    async with at.client.post(at.url, headers=at.headers({"Upload-Defer-Length": "1"})) as answer:
        where = absolute(at.url, answer.headers["Location"])
    assert (await at.patch(where, 0, media(501))).status == 413
    assert (await at.patch(where, 0, media(400))).status == 204
    assert (await at.patch(where, 400, b"", {"Upload-Length": "501"})).status == 413


async def test_over_the_size_limit_and_disk(pool: Pool, tmp_path: Path) -> None:
    settings = UploadSettings(limit_bytes=1000, min_free_bytes=0)
    async with desk(pool, tmp_path, settings) as at:
        headers = at.headers({"Upload-Length": "1001"})
        async with at.client.post(at.url, headers=headers) as answer:
            assert answer.status == 413
    async with desk(pool, tmp_path, UploadSettings(min_free_bytes=1 << 60)) as at:
        headers = at.headers({"Upload-Length": "10"})
        async with at.client.post(at.url, headers=headers) as answer:
            assert answer.status == 507
            assert "no room" in (await answer.json())["detail"]


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"title": "长" * 201}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "a\u202eb"}, "title"),
        ({"filename": "a\nb.mp4"}, "filename"),
        ({"subject": "占星术"}, "subject"),
        ({"series": "没有的系列"}, "series"),
        ({"visibility": "everyone"}, "visibility"),
        ({"tags": "，".join(f"标签{n}" for n in range(31))}, "tags"),
        ({"lesson": "../../etc/passwd"}, "lesson"),
    ],
)
async def test_metadata_that_breaks_a_rule_names_its_field(
    at: Desk, metadata: dict[str, str], field: str
) -> None:
    headers = at.headers({"Upload-Length": "10", **meta(metadata)})
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 422
        assert list((await answer.json())["fields"]) == [field]


async def test_hostile_words_are_kept_as_words(at: Desk) -> None:
    title = "'); drop table lesson;-- <script>alert(1)</script>"
    where = await at.create(100, {"title": title, "filename": "../../../etc/cron.d/x.mp4"})
    lesson = (await at.patch(where, 0, media(100))).headers["Tongbu-Lesson"]
    row = await at.one("select l.title, s.filename, s.key from lesson l join source s"
                       " on s.lesson_id = l.id where l.id = %s", lesson)  # fmt: skip
    assert row == {"title": title, "filename": "x.mp4", "key": f"source/{lesson}/1"}


async def test_a_word_that_postgresql_cannot_keep_is_refused(at: Desk) -> None:
    headers = at.headers({"Upload-Length": "10", **meta({"unknown": "a\x00b"})})
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 422
        assert list((await answer.json())["fields"]) == ["unknown"]


@pytest.mark.parametrize("name", ["Upload-Metadata", "Upload-Checksum", "Upload-Concat"])
async def test_headers_outside_ascii_are_refused(at: Desk, name: str) -> None:
    headers = at.headers({"Upload-Length": "10", **BODY, name: "sha1 课课课课"})
    async with at.client.post(at.url, data=media(10), headers=headers) as answer:
        assert answer.status == 400, await answer.text()


@pytest.mark.parametrize("value", ["%%%", "w4M=w4M="])
async def test_metadata_that_is_no_base64(at: Desk, value: str) -> None:
    headers = at.headers({"Upload-Length": "10", "Upload-Metadata": f"title {value}"})
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 400


async def test_metadata_that_is_no_utf_8(at: Desk) -> None:
    headers = at.headers({"Upload-Length": "10", "Upload-Metadata": "title /w=="})
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 422


async def test_a_title_of_ten_megabytes_does_not_hurt(at: Desk) -> None:
    headers = at.headers({"Upload-Length": "10", "Upload-Metadata": "title " + "A" * 10_000_000})
    # The server answers before it has read all, so the client may see a cut connection instead.
    with suppress(aiohttp.ClientConnectionError):
        async with at.client.post(at.url, headers=headers) as answer:
            assert answer.status == 400
    await at.create(10)


async def test_files_that_are_no_media_are_refused_at_the_first_bytes(at: Desk) -> None:
    where = await at.create(1000, {"filename": "课件.pptx"})
    answer = await at.patch(where, 0, b"PK\x03\x04" + b"\x01" * 500)
    assert answer.status == 422
    assert (await at.head(where)).status == 410
    async with at.client.post(at.url, headers=at.headers({"Upload-Length": "0"})) as empty:
        assert empty.status == 422
        assert "empty" in (await empty.json())["detail"]
    text = "这是一段文字，不是视频。".encode()
    parts = await parts_of(at, [text])
    more = {"Upload-Concat": f"final;{' '.join(parts)}"}
    async with at.client.post(at.url, headers=at.headers(more)) as final:
        assert final.status == 422
    assert await at.parts.files.ids() == []


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


async def test_a_new_version_of_anothers_lesson(at: Desk, pool: Pool) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection)
    headers = at.headers({"Upload-Length": "10", **meta({"lesson": lesson})})
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 403


async def test_a_lesson_deleted_while_its_new_version_comes(at: Desk, pool: Pool) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, owner_id=at.person)
    where = await at.create(100, {"lesson": lesson})
    async with pool.connection() as connection:
        await connection.execute("update lesson set deleted_at = now()")
    assert (await at.patch(where, 0, media(100))).status == 410
    assert await at.parts.files.ids() == []


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


async def test_a_person_has_a_bounded_number_of_open_uploads(at: Desk, pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute(
            "insert into upload (id, owner_id, state, expires_at)"
            " select 'u' || n, %s, 'open', now() from generate_series(1, %s) n",
            (at.person, OPEN_LIMIT),
        )
    headers = at.headers({"Upload-Length": "10"})
    async with at.client.post(at.url, headers=headers) as answer:
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "60"
