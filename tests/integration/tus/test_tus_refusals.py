"""What an upload is refused for, at once and with a sentence that says what to do."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from catalog.db.pool import Pool
from catalog.db.uploads import OPEN_LIMIT
from catalog.ids import new_id
from catalog.people import Viewer
from catalog.uploads.settings import UploadSettings
from tests.support.lessons import add_lesson
from tests.support.uploads import BODY, Desk, absolute, checksum, desk, media, meta


async def test_a_creation_whose_bytes_fail_leaves_nothing(at: Desk) -> None:
    more = {"Upload-Length": "50", **BODY, **checksum("sha1", b"other")}
    async with at.client.post(at.url, data=media(50), headers=at.headers(more)) as answer:
        assert answer.status == 460
    assert await at.parts.files.ids() == []


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


async def test_parts_that_are_not_whole_or_not_ours(at: Desk) -> None:
    where = await at.create(10)
    [whole] = await at.send_parts([b"0123456789"])
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
    parts = await at.send_parts([text])
    more = {"Upload-Concat": f"final;{' '.join(parts)}"}
    async with at.client.post(at.url, headers=at.headers(more)) as final:
        assert final.status == 422
    assert await at.parts.files.ids() == []


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
