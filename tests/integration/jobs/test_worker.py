"""A worker on real video, a real database and a real store."""

from __future__ import annotations

import asyncio
from pathlib import Path

from catalog.db.pool import Pool
from catalog.store.local import LocalStore
from tests.support import worker as w
from tests.support.wait import eventually


async def test_a_source_becomes_a_lesson(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await asyncio.to_thread(w.source_bytes))
    async with w.worker(w.settings(tmp_path), queue_dsn, pool, store, w.plan()):
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    row = await w.lesson_row(pool, lesson)
    assert (row["duration_s"], row["content_kind"], row["progress"]) == (12, "camera", 1)
    found = await w.objects(pool, lesson)
    assert set(found) == {"180p", "90p", "aac"}
