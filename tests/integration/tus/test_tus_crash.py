"""kill -9 of the server at every step of an upload: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from catalog.db.pool import Pool
from catalog.uploads.settings import UploadSettings
from tests.support.crashing_uploads import upload_server
from tests.support.lessons import PERSON, add_person, teacher
from tests.support.uploads import (
    BODY,
    Parts,
    absolute,
    build,
    checksum,
    make_app,
    media,
    meta,
    serving,
)

CONTENT = media(300_000)
HALF = 150_000
STEPS = ["rows.create", "files.create", "writer.write", "writer.settle", "rows.received",
         "rows.reserve", "store.take_file", "rows.finish", "files.delete"]  # fmt: skip
JOIN_STEPS = ["rows.create", "files.join", "rows.finish", "files.delete"]


class Client:
    """A tus client that remembers where its upload is, as a browser does."""

    def __init__(self, session: aiohttp.ClientSession, person: str) -> None:
        self.session = session
        self.checked = False
        self.person = person
        self.location = ""
        self.lesson = ""

    def headers(self, **more: str) -> dict[str, str]:
        return {"Tus-Resumable": "1.0.0", PERSON: self.person} | {
            name.replace("_", "-"): value for name, value in more.items()
        }

    async def upload(self, url: str) -> None:
        """Go on from wherever the upload is, or begin."""
        offset = await self._offset(url)
        while offset is None or offset < len(CONTENT):
            if offset is None:
                headers = self.headers(Upload_Length=str(len(CONTENT))) | meta({"title": "课"})
                async with self.session.post(url, headers=headers) as answer:
                    assert answer.status == 201, await answer.text()
                    self.location, offset = answer.headers["Location"], 0
            headers = self.headers(Upload_Offset=str(offset)) | BODY
            piece = CONTENT[offset : offset + HALF]
            if self.checked:
                headers |= checksum("sha256", piece)
            where, data = absolute(url, self.location), io.BytesIO(piece)
            async with self.session.patch(where, data=data, headers=headers) as answer:
                assert answer.status == 204, await answer.text()
                offset = int(answer.headers["Upload-Offset"])
                self.lesson = answer.headers.get("Tongbu-Lesson", "")

    async def _offset(self, url: str) -> int | None:
        if not self.location:
            return None
        where = absolute(url, self.location)
        async with self.session.head(where, headers=self.headers()) as answer:
            if answer.status in (404, 410):
                return None
            assert answer.status == 200
            self.lesson = answer.headers.get("Tongbu-Lesson", "")
            return int(answer.headers["Upload-Offset"])

    async def part(self, url: str, body: bytes) -> str:
        """Send one part whole."""
        headers = self.headers(Upload_Length=str(len(body)), Upload_Concat="partial") | BODY
        async with self.session.post(url, data=io.BytesIO(body), headers=headers) as answer:
            assert answer.status == 201
            return answer.headers["Location"]

    async def join(self, url: str, parts: list[str]) -> None:
        """Make one of the parts."""
        headers = self.headers(Upload_Concat=f"final;{' '.join(parts)}")
        async with self.session.post(url, headers=headers) as answer:
            assert answer.status == 201
            self.lesson = answer.headers["Tongbu-Lesson"]


@asynccontextmanager
async def doomed(
    dsn: str, directory: Path, person: str, point: str, when: str
) -> AsyncIterator[str]:
    """Run the server that kills itself; it must have done so at the end of the block."""
    async with upload_server(dsn, directory, person, point, when) as (process, url):
        yield url
        assert await asyncio.wait_for(process.wait(), 20) == -signal.SIGKILL


@pytest.fixture
async def client(pool: Pool) -> AsyncIterator[Client]:
    """A client of a teacher."""
    async with pool.connection() as connection:
        person = await add_person(connection)
    async with aiohttp.ClientSession() as session:
        yield Client(session, person)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", ["writer.expect", "writer.write", "writer.settle"])
async def test_bytes_that_were_not_checked_before_a_kill_do_not_count(
    dsn: str, pool: Pool, client: Client, tmp_path: Path, point: str, when: str
) -> None:
    client.checked = True
    async with doomed(dsn, tmp_path, client.person, point, when) as url:
        with suppress(aiohttp.ClientConnectionError):
            await client.upload(url)
    async with recovered(pool, tmp_path, client.person) as (parts, url):
        settled = HALF if (point, when) == ("writer.settle", "after") else 0
        assert await parts.files.offset(client.location.rpartition("/")[2]) == settled
        await client.upload(url)
        await assert_one_lesson(parts, client.lesson)


@asynccontextmanager
async def recovered(pool: Pool, directory: Path, person: str) -> AsyncIterator[tuple[Parts, str]]:
    """Run the server that comes after."""
    settings = UploadSettings(min_free_bytes=0)
    parts = await asyncio.to_thread(build, pool, directory, settings)
    async with serving(make_app(parts, {person: teacher(person)})) as (_, url):
        yield parts, url
    await parts.files.close()
    await parts.store.close()


async def assert_one_lesson(parts: Parts, lesson: str) -> None:
    """Exactly one lesson with its source, work and bytes; nothing is left over."""
    async with parts.pool.connection() as connection:
        cursor = await connection.execute(
            "select l.id, l.state, s.key, w.unit from lesson l join source s on s.lesson_id = l.id"
            " join work w on w.lesson_id = l.id"
        )
        [row] = await cursor.fetchall()
    assert (row["id"], row["state"], row["unit"]) == (lesson, "queued", "prepare")
    async with parts.store.read(row["key"], 0, 1 << 30) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == CONTENT
    assert [item.key async for item in parts.store.list("")] == [row["key"]]
    parts.clock.move(parts.uploads.settings.expiry_s + 1)
    await parts.sweeper.sweep()
    assert await parts.files.ids() == []
    async with parts.pool.connection() as connection:
        cursor = await connection.execute("select state from upload where state = 'open'")
        assert await cursor.fetchall() == []
        cursor = await connection.execute("select count(*) as n from lesson")
        assert await cursor.fetchall() == [{"n": 1}]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", STEPS)
async def test_an_upload_survives_a_kill(
    dsn: str, pool: Pool, client: Client, tmp_path: Path, point: str, when: str
) -> None:
    async with doomed(dsn, tmp_path, client.person, point, when) as url:
        with suppress(aiohttp.ClientConnectionError):
            await client.upload(url)
    async with recovered(pool, tmp_path, client.person) as (parts, url):
        await client.upload(url)
        await assert_one_lesson(parts, client.lesson)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", ["rows.reserve", "store.take_file", "rows.finish"])
async def test_the_sweeper_completes_what_no_client_asks_for(
    dsn: str, pool: Pool, client: Client, tmp_path: Path, point: str, when: str
) -> None:
    async with doomed(dsn, tmp_path, client.person, point, when) as url:
        with suppress(aiohttp.ClientConnectionError):
            await client.upload(url)
    async with recovered(pool, tmp_path, client.person) as (parts, url):
        await parts.sweeper.sweep()
        await client.upload(url)
        await assert_one_lesson(parts, client.lesson)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", JOIN_STEPS)
async def test_parts_survive_a_kill_while_they_are_joined(
    dsn: str, pool: Pool, client: Client, tmp_path: Path, point: str, when: str
) -> None:
    async with recovered(pool, tmp_path, client.person) as (_, url):
        sent = [await client.part(url, CONTENT[:HALF]), await client.part(url, CONTENT[HALF:])]
    async with doomed(dsn, tmp_path, client.person, point, when) as url:
        with suppress(aiohttp.ClientConnectionError):
            await client.join(url, sent)
    async with recovered(pool, tmp_path, client.person) as (parts, url):
        await client.join(url, sent)
        await assert_one_lesson(parts, client.lesson)
