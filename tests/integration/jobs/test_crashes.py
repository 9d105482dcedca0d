"""Workers and encoders that are killed or frozen at any moment: no lesson lost, nothing broken."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from catalog.db.pool import Pool
from catalog.store.local import LocalStore
from tests.support import worker as w
from tests.support.children import encoders_of, gone
from tests.support.paced_store import PacedStore
from tests.support.playing import check_lesson
from tests.support.wait import eventually
from tests.support.worker_process import worker_process

SECONDS = 60


async def waiting(pool: Pool, store: LocalStore) -> str:
    """A lesson of a minute that waits for a worker."""
    return await w.add_waiting(pool, store, await asyncio.to_thread(w.source_bytes, SECONDS))


async def finishes(pool: Pool, store: LocalStore, lesson: str, folder: Path, dsn: str) -> None:
    """Let a worker of this process finish the lesson, and look at all of it."""
    async with w.worker(w.settings(folder), dsn, pool, store, w.plan(SECONDS)):
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    await check_lesson(pool, store, lesson, SECONDS)


async def test_a_killed_worker_leaves_no_orphan_and_another_goes_on(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await waiting(pool, store)
    async with worker_process(queue_dsn, tmp_path, seconds=SECONDS, free=9) as process:
        await process.stored(10)
        encoders = await encoders_of(process.pid)
        before = await w.objects(pool, lesson)
        process.signal(signal.SIGKILL)
        await process.ended()
    assert encoders
    await eventually(lambda: gone(encoders))
    await finishes(pool, store, lesson, tmp_path, queue_dsn)
    after = await w.objects(pool, lesson)
    for name, published in before.items():
        assert after[name][: len(published)] == [{**o, "complete": True} for o in published]
    work = await w.units(pool, lesson)
    assert work["video/0"]["attempt"] == 2


async def test_a_worker_killed_between_store_and_catalogue(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await waiting(pool, store)
    async with worker_process(queue_dsn, tmp_path, seconds=SECONDS, free=0) as process:
        (key,) = await process.stored(1)
        process.signal(signal.SIGKILL)
        await process.ended()
    assert await w.objects(pool, lesson) == {}
    await finishes(pool, store, lesson, tmp_path, queue_dsn)
    found = await w.objects(pool, lesson)
    assert key not in [o["key"] for published in found.values() for o in published]


async def test_a_frozen_worker_that_wakes_up_breaks_nothing(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await waiting(pool, store)
    async with worker_process(queue_dsn, tmp_path, seconds=SECONDS, free=9) as process:
        await process.stored(9)
        process.signal(signal.SIGSTOP)
        await finishes(pool, store, lesson, tmp_path, queue_dsn)
        before = await w.objects(pool, lesson)
        encoders = await encoders_of(process.pid)
        process.signal(signal.SIGCONT)
        await eventually(lambda: gone(encoders))
        process.signal(signal.SIGTERM)
        await process.ended()
    assert await w.objects(pool, lesson) == before
    await check_lesson(pool, store, lesson, SECONDS)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_an_encoder_that_is_killed_or_hangs_is_started_again(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path, number: signal.Signals
) -> None:
    lesson = await waiting(pool, store)
    paced = PacedStore(store, 2)
    options = w.settings(tmp_path, stall_s=2, tries=9)
    async with w.worker(options, queue_dsn, pool, paced, w.plan(SECONDS)):
        pid = await w.video_encoder(pool, lesson)
        os.kill(pid, number)
        paced.open_up()
        await eventually(lambda: gone([pid]))
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    await check_lesson(pool, store, lesson, SECONDS)
    assert (await w.units(pool, lesson))["video/0"]["attempt"] >= 2
