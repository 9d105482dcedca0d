"""Uploads in trouble: two writers, cut lines, full disk, store or database away, time over."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from blockbuster import BlockBuster
from yarl import URL

from catalog.db.embedded import embedded_postgres
from catalog.db.migrate import migrate
from catalog.db.pool import Pool, make_pool
from catalog.store.local import LocalSettings, LocalStore
from catalog.store.port import StoreAway, StoreError, StoreFull
from catalog.uploads.files import UploadFiles
from catalog.uploads.settings import UploadSettings
from catalog.uploads.sweep import ROWS_KEPT
from tests.support.full_disk import file_size_limit
from tests.support.uploads import BODY, Desk, checksum, desk, media
from tests.support.wait import eventually

PATIENT = UploadSettings(min_free_bytes=0, stale_after_s=3600.0)


class TroubledStore(LocalStore):
    """A store that refuses while it has a reason to."""

    trouble: StoreError | None = None

    async def take_file(self, key: str, path: Path, content_type: str) -> None:
        """Store, or refuse."""
        if self.trouble:
            raise self.trouble
        await super().take_file(key, path, content_type)


@pytest.fixture
async def at(pool: Pool, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(pool, tmp_path, PATIENT) as made:
        yield made


class Sender:
    """A raw connection that sends a PATCH's head and then what and when the test says."""

    def __init__(self, at: Desk, where: str, length: int, more: dict[str, str] | None = None):
        self._at = at
        self._url = URL(where)
        self._headers = at.headers({"Upload-Offset": "0", "Content-Length": str(length), **BODY,
                                    **(more or {})})  # fmt: skip

    async def __aenter__(self) -> Sender:
        self.reader, self.writer = await asyncio.open_connection(self._url.host, self._url.port)
        lines = [f"PATCH {self._url.path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def has_turn(self) -> None:
        """Wait until the server reads this connection."""
        await eventually(lambda: bool(self._at.parts.uploads._turns))

    async def heard(self, count: int) -> None:
        """Wait until the server has taken that many bytes."""
        turns = self._at.parts.uploads._turns
        await eventually(lambda: any(t.pour.received_bytes >= count for t in turns.values()))


async def offset(at: Desk, where: str) -> int:
    return int((await at.head(where)).headers["Upload-Offset"])


async def test_a_second_writer_has_to_wait(at: Desk) -> None:
    where = await at.create(1000)
    async with Sender(at, where, 1000) as first:
        await first.has_turn()
        second = await at.patch(where, 0, media(1000))
        assert (second.status, second.reason) == (423, "Locked")
        await first.send(media(1000))
        assert b"204" in await first.reader.readline()


async def test_a_silent_writer_gives_way(pool: Pool, tmp_path: Path) -> None:
    settings = UploadSettings(min_free_bytes=0, stale_after_s=0.0)
    async with desk(pool, tmp_path, settings) as at:
        where = await at.create(1000)
        async with Sender(at, where, 1000) as first:
            await first.send(b"\xff" * 300)
            await first.heard(300)
            second = await at.patch(where, 0, media(1000))
            assert second.status == 204
            source = await at.one("select key from source")
            assert await at.stored(str(source["key"])) == media(1000)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await first.reader.readexactly(1)


async def test_another_process_has_the_file(at: Desk) -> None:
    where = await at.create(1000)
    other = await asyncio.to_thread(UploadFiles, at.directory / "uploads")
    async with other.writing(where.rpartition("/")[2]):
        assert (await at.patch(where, 0, media(1000))).status == 423
        async with at.client.delete(where, headers=at.headers()) as answer:
            assert answer.status == 423
    await other.close()
    assert (await at.patch(where, 0, media(1000))).status == 204


async def test_what_came_before_the_line_broke_is_kept(at: Desk) -> None:
    where = await at.create(1000)
    async with Sender(at, where, 1000) as sender:
        await sender.send(media(1000)[:400])
        await sender.heard(400)
    await eventually(lambda: not at.parts.uploads._turns)
    assert await offset(at, where) in (0, 400)
    body = media(1000)[await offset(at, where) :]
    last = await at.patch(where, 1000 - len(body), body)
    source = await at.one("select key from source where lesson_id = %s",
                          last.headers["Tongbu-Lesson"])  # fmt: skip
    assert await at.stored(str(source["key"])) == media(1000)


async def test_unchecked_bytes_are_taken_back_when_the_line_breaks(at: Desk) -> None:
    content = media(3_000_000)
    where = await at.create(len(content))
    checked = checksum("sha1", content)
    async with Sender(at, where, len(content), checked) as sender:
        await sender.send(content[:2_000_000])
        await sender.heard(2_000_000)
        assert await offset(at, where) == 0
    await eventually(lambda: not at.parts.uploads._turns)
    assert await offset(at, where) == 0
    assert (await at.patch(where, 0, content, checked)).status == 204


async def test_a_connection_that_says_nothing_is_ended(pool: Pool, tmp_path: Path) -> None:
    settings = UploadSettings(min_free_bytes=0, idle_limit_s=0.1)
    async with desk(pool, tmp_path, settings) as at:
        where = await at.create(1000)
        async with Sender(at, where, 1000) as sender:
            await sender.send(media(1000)[:400])
            assert b"400" in await sender.reader.readline()
        assert await offset(at, where) == 400


async def test_draining_cuts_senders_and_keeps_what_came(at: Desk) -> None:
    where = await at.create(1000)
    async with Sender(at, where, 1000) as sender:
        await sender.has_turn()
        await at.parts.uploads.drain()
        await eventually(lambda: not at.parts.uploads._turns)
    assert (await at.patch(where, 0, media(1000))).status == 503
    assert await offset(at, where) == 0


async def test_taking_back_cuts_the_sender(at: Desk) -> None:
    where = await at.create(1000)
    async with Sender(at, where, 1000) as sender:
        await sender.has_turn()
        async with at.client.delete(where, headers=at.headers()) as answer:
            assert answer.status == 204
    assert (await at.head(where)).status == 410


async def test_a_full_disk_keeps_what_fitted(at: Desk) -> None:
    content = media(3_000_000)
    where = await at.create(len(content))
    with file_size_limit(2_000_000):
        headers = at.headers({"Upload-Offset": "0", **BODY})
        data = io.BytesIO(content)
        async with at.client.patch(where, data=data, headers=headers) as answer:
            assert answer.status == 507
            assert "disk is full" in (await answer.json())["detail"]
    kept = await offset(at, where)
    assert 1_000_000 <= kept <= 2_000_000
    assert (await at.patch(where, kept, content[kept:])).headers["Tongbu-Lesson"]


@pytest.mark.parametrize(
    ("trouble", "status"), [(StoreAway("away: soon back"), 503), (StoreFull("no room"), 507)]
)
async def test_a_store_in_trouble_loses_nothing(
    pool: Pool, tmp_path: Path, trouble: StoreError, status: int
) -> None:
    local = LocalSettings(tmp_path / "objects", min_free_bytes=0)
    store = await asyncio.to_thread(TroubledStore, local)
    async with desk(pool, tmp_path, PATIENT, store) as at:
        where = await at.create(1000)
        store.trouble = trouble
        assert (await at.patch(where, 0, media(1000))).status == status
        assert (await at.head(where)).status == status
        await at.parts.sweeper.sweep()
        at.parts.clock.move(PATIENT.expiry_s * 2)
        await at.parts.sweeper.sweep()
        store.trouble = None
        await at.parts.sweeper.sweep()
        assert (await at.one("select count(*) as n from lesson"))["n"] == 1
        assert (await at.head(where)).headers["Tongbu-Lesson"]


async def test_an_abandoned_upload_expires(at: Desk) -> None:
    where = await at.create(1000)
    await at.patch(where, 0, media(400))
    at.parts.clock.move(PATIENT.expiry_s - 60)
    await at.parts.sweeper.sweep()
    assert await offset(at, where) == 400
    await at.patch(where, 400, b"")
    at.parts.clock.move(PATIENT.expiry_s - 60)
    await at.parts.sweeper.sweep()
    assert await offset(at, where) == 400
    at.parts.clock.move(120)
    await at.parts.sweeper.sweep()
    assert (await at.head(where)).status == 410
    assert await at.parts.files.ids() == []
    at.parts.clock.move(ROWS_KEPT.total_seconds())
    await at.parts.sweeper.sweep()
    assert (await at.head(where)).status == 404


async def test_files_without_an_upload_are_removed(at: Desk) -> None:
    where = await at.create(1000)
    async with at.parts.pool.connection() as connection:
        await connection.execute("delete from upload")
    await at.parts.sweeper.sweep()
    assert await at.parts.files.ids() == []
    assert (await at.head(where)).status == 404


async def test_ten_at_once_each_become_their_own_lesson(at: Desk) -> None:
    bodies = [media(200_000 + n) for n in range(10)]

    async def send(body: bytes) -> str:
        where = await at.create(len(body))
        await at.patch(where, 0, body[:99_999])
        return (await at.patch(where, 99_999, body[99_999:])).headers["Tongbu-Lesson"]

    lessons = await asyncio.gather(*map(send, bodies))
    assert len(set(lessons)) == 10
    for lesson, body in zip(lessons, bodies, strict=True):
        assert await at.stored(f"source/{lesson}/1") == body


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tongbu-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


async def test_a_database_that_restarts_in_mid_upload(
    home: Path, tmp_path: Path, blockbuster: BlockBuster
) -> None:
    blockbuster.deactivate()
    content = media(100_000)
    async with AsyncExitStack() as stack:
        with embedded_postgres(home) as dsn:
            migrate(dsn)
            pool = make_pool(dsn, size=4)
            pool.timeout = 1.0
            await pool.open()
            at = await stack.enter_async_context(desk(pool, tmp_path, PATIENT))
            where = await at.create(len(content))
            await at.patch(where, 0, content[:40_000])
            sender = Sender(at, where, 1000, {"Upload-Offset": "40000"})
            await stack.enter_async_context(sender)
            await sender.has_turn()
        await sender.send(content[40_000:41_000])
        answered = await sender.reader.readuntil(b"\r\n\r\n")
        assert b"503" in answered
        assert b"Retry-After" in answered
        assert (await at.head(where)).status == 503
        with embedded_postgres(home):
            await eventually(lambda: _back(at, where))
            assert await offset(at, where) == 41_000
            assert (await at.patch(where, 41_000, content[41_000:])).headers["Tongbu-Lesson"]
            assert (await at.one("select count(*) as n from lesson"))["n"] == 1
            await stack.aclose()
            await pool.close()


async def _back(at: Desk, where: str) -> bool:
    return (await at.head(where)).status == 200
