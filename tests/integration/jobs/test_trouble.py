"""What goes wrong around a worker: store, database, cancel, drain, a queue full of other work."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.db.embedded import embedded_postgres
from catalog.db.migrate import migrate
from catalog.db.pool import Pool, make_pool
from catalog.store.local import LocalStore
from catalog.store.port import StoreAway, StoreError, StoreFull
from tests.support import worker as w
from tests.support.children import gone
from tests.support.full_disk import file_size_limit
from tests.support.paced_store import PacedStore
from tests.support.playing import check_lesson
from tests.support.wait import eventually
from transcoder.errors import BadSource, Fault
from transcoder.jobs import ensure_schema
from transcoder.prepare import Prepared
from transcoder.service import run_worker
from transcoder.settings import Slots

START_LIMIT_S = 2.0


async def source(seconds: int = 12) -> bytes:
    """A video of some seconds."""
    return await asyncio.to_thread(w.source_bytes, seconds)


@pytest.fixture
def database_home() -> Iterator[Path]:
    """A directory that the database's account can reach."""
    with tempfile.TemporaryDirectory(prefix="tongbu-test-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        yield Path(home)


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreFull("no room"), "store_full"), (StoreAway("no answer"), "store_away")],
)
async def test_a_store_that_stays_broken_fails_the_lesson_and_retry_finishes_it(
    queue_dsn: str,
    pool: Pool,
    store: LocalStore,
    tmp_path: Path,
    error: StoreError,
    code: str,
) -> None:
    lesson = await w.add_waiting(pool, store, await source())
    paced = PacedStore(store)
    paced.error = error
    options = w.settings(tmp_path, patience_s=0.3)
    async with w.worker(options, queue_dsn, pool, paced, w.plan()):
        await eventually(lambda: w.in_state(pool, lesson, "failed"))
        row = await w.lesson_row(pool, lesson)
        assert row["error_code"] == code
        assert row["error_detail"].endswith("then try again.")
        assert paced.refused >= options.tries
        paced.error = None
        await w.try_again(pool, lesson)
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    await check_lesson(pool, store, lesson, 12)


async def test_a_worker_whose_disk_is_full_says_so_and_retry_finishes_the_lesson(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source())
    made = replace(w.plan(), side=None)
    async with w.worker(w.settings(tmp_path), queue_dsn, pool, store, made):
        with file_size_limit(512):
            await eventually(lambda: w.in_state(pool, lesson, "failed"))
        row = await w.lesson_row(pool, lesson)
        assert row["error_code"] == "store_full"
        assert row["error_detail"].startswith("The disk of a worker has no room")
        await w.try_again(pool, lesson)
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    await check_lesson(pool, store, lesson, 12)


async def test_a_store_that_comes_back_costs_nothing(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source())
    paced = PacedStore(store)
    paced.error = StoreAway("no answer")

    async def refused() -> bool:
        return paced.refused > 3

    async with w.worker(w.settings(tmp_path), queue_dsn, pool, paced, w.plan()):
        await eventually(refused)
        paced.error = None
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    assert {u["attempt"] for u in (await w.units(pool, lesson)).values()} == {1}


async def test_a_bad_source_is_never_tried_again(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, b"no video")

    async def refuse(path: Path) -> Prepared:
        raise BadSource(Fault.NOT_MEDIA, "This is no video. Upload another file.")

    task = asyncio.create_task(run_worker(w.settings(tmp_path), queue_dsn, pool, store, refuse))
    try:
        await eventually(lambda: w.in_state(pool, lesson, "failed"))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    row = await w.lesson_row(pool, lesson)
    assert (row["error_code"], row["error_detail"]) == (
        "source_not_media", "This is no video. Upload another file.",
    )  # fmt: skip
    assert (await w.units(pool, lesson))["prepare"]["attempt"] == 1


async def test_a_cancel_ends_the_encoder(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source(60))
    paced = PacedStore(store, 4)
    async with w.worker(w.settings(tmp_path), queue_dsn, pool, paced, w.plan(60)):
        pid = await w.video_encoder(pool, lesson)
        async with pool.connection() as connection:
            await connection.execute("update work set state = 'cancelled'")
        await eventually(lambda: gone([pid]))
        paced.open_up()
        before = await w.objects(pool, lesson)
    assert await w.objects(pool, lesson) == before
    assert {u["state"] for u in (await w.units(pool, lesson)).values()} == {"cancelled"}


async def test_a_worker_that_is_stopped_hands_its_units_back(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source(60))
    paced = PacedStore(store, 4)
    began_at = 0.0
    async with w.worker(w.settings(tmp_path), queue_dsn, pool, paced, w.plan(60)):
        pid = await w.video_encoder(pool, lesson)
        began_at = time.monotonic()
    assert time.monotonic() - began_at < 5
    assert await gone([pid])
    video = (await w.units(pool, lesson))["video/0"]
    assert (video["state"], video["failures"]) == ("wanted", 0)
    async with w.worker(w.settings(tmp_path), queue_dsn, pool, store, w.plan(60)):
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    await check_lesson(pool, store, lesson, 60)


async def test_a_database_that_restarts_in_mid_job(
    store: LocalStore, tmp_path: Path, database_home: Path
) -> None:
    server = ExitStack()

    def start() -> str:
        return server.enter_context(embedded_postgres(database_home))

    dsn = await asyncio.to_thread(start)
    try:
        await asyncio.to_thread(migrate, dsn)
        await asyncio.to_thread(ensure_schema, dsn)
        async with make_pool(dsn) as pool:
            lesson = await w.add_waiting(pool, store, await source(60))
            paced = PacedStore(store, 4)
            async with w.worker(w.settings(tmp_path), dsn, pool, paced, w.plan(60)):
                await w.video_encoder(pool, lesson)
                await asyncio.to_thread(server.close)
                paced.allow(4)
                assert await asyncio.to_thread(start) == dsn
                paced.open_up()
                await eventually(lambda: w.in_state(pool, lesson, "ready"))
            await check_lesson(pool, store, lesson, 60)
    finally:
        await asyncio.to_thread(server.close)


async def test_a_fresh_upload_starts_at_once_behind_a_backlog(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    body = await source(60)
    backlog = [await w.add_waiting(pool, store, body, "backlog") for _ in range(40)]
    paced = PacedStore(store, 2)

    async def busy() -> bool:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "select count(*) as n from work where state = 'running' and unit <> 'prepare'"
            )
            row = await cursor.fetchone()
        return row is not None and row["n"] >= 1

    options = w.settings(tmp_path, slots=Slots(1, 1, 1, 1), poll_s=1.0)
    async with w.worker(options, queue_dsn, pool, paced, w.plan(60)):
        await eventually(busy)
        began_at = time.monotonic()
        fresh = await w.add_waiting(pool, store, body)
        await eventually(lambda: w.in_state(pool, fresh, "transcoding"))
        assert time.monotonic() - began_at < START_LIMIT_S
        paced.open_up()
        await eventually(lambda: w.in_state(pool, fresh, "ready"))
    waiting = [(await w.lesson_row(pool, lesson))["state"] for lesson in backlog]
    assert "queued" in waiting
