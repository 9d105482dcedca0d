"""A worker on real video, a real database and a real store: the ways that work goes well."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.store.local import LocalStore
from tests.support import worker as w
from tests.support.children import encoders_of
from tests.support.objects import content, keys_below
from tests.support.paced_store import PacedStore
from tests.support.playing import check_lesson
from tests.support.wait import eventually
from transcoder.service import run_worker


async def source(seconds: int = 12) -> bytes:
    """A video of some seconds."""
    return await asyncio.to_thread(w.source_bytes, seconds)


async def test_a_source_becomes_a_lesson(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source())
    async with w.worker(w.settings(tmp_path), queue_dsn, pool, store, w.plan()):
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    row = await w.lesson_row(pool, lesson)
    assert (row["duration_s"], row["content_kind"], row["progress"]) == (12, "camera", 1)
    assert row["published_at"] is not None
    await check_lesson(pool, store, lesson, 12)
    shown = await Presentations(pool).presentation(lesson)
    assert shown is not None
    assert shown.complete
    assert [sprite.times_s[0] for sprite in shown.sprites] == [0, 9]
    for key in (shown.poster_key, *(sprite.key for sprite in shown.sprites)):
        assert (await content(store, key)).startswith(b"\xff\xd8")
    named = {o["key"] for published in (await w.objects(pool, lesson)).values() for o in published}
    assert set(await keys_below(store, f"media/{lesson}/")) == named
    scratch = await asyncio.to_thread(lambda: list((tmp_path / "scratch").iterdir()))
    assert scratch == []


async def test_it_plays_while_the_encoder_still_runs(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source(60))
    paced = PacedStore(store, each=2)
    async with w.worker(w.settings(tmp_path), queue_dsn, pool, paced, w.plan(60)):
        await eventually(lambda: w.in_state(pool, lesson, "playable"))
        assert await encoders_of(os.getpid(), "libx264")
        shown = await Presentations(pool).presentation(lesson)
        assert shown is not None
        assert not shown.complete
        assert all(r.segments() for r in shown.renditions)
        row = await w.lesson_row(pool, lesson)
        assert row["progress"] < 1
        paced.open_up()
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    await check_lesson(pool, store, lesson, 60)


async def test_chunks_are_encoded_side_by_side_and_join(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source(60))
    paced = PacedStore(store, 0)
    made = w.plan(60, chunks=3)

    async def both_run() -> bool:
        units = await w.units(pool, lesson)
        states = [unit["state"] for name, unit in units.items() if "video" in name]
        return states.count("running") >= 2

    options = w.settings(tmp_path)
    async with (
        w.worker(options, queue_dsn, pool, paced, made),
        w.worker(options, queue_dsn, pool, paced, made),
    ):
        await eventually(both_run)
        paced.open_up()
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    await check_lesson(pool, store, lesson, 60)
    shown = await Presentations(pool).presentation(lesson)
    assert shown is not None
    assert [t for s in shown.sprites for t in s.times_s] == list(range(60))


async def test_av1_follows_when_the_lesson_is_ready(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source())
    paced = PacedStore(store, 1000)

    async def renditions() -> set[str]:
        shown = await Presentations(pool).presentation(lesson)
        return {r.name for r in shown.renditions} if shown else set()

    async def with_av1() -> bool:
        """It is shown from the moment that it is complete."""
        shown = "90p-av1" in await renditions()
        kept = (await w.objects(pool, lesson)).get("90p-av1", [])
        assert not shown or all(item["complete"] for item in kept)
        return shown

    async with w.worker(w.settings(tmp_path), queue_dsn, pool, paced, w.plan(late=True)):
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
        await eventually(with_av1)
    await check_lesson(pool, store, lesson, 12)
    assert (await w.lesson_row(pool, lesson))["state"] == "ready"


async def test_a_new_version_replaces_the_old_one_when_it_is_ready(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source())
    paced = PacedStore(store, 1000)
    async with w.worker(w.settings(tmp_path), queue_dsn, pool, paced, w.plan()):
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
        old = list(paced.media)
        await w.add_source(pool, store, lesson, await source(), generation=2)

        async def replaced() -> bool:
            row = await w.lesson_row(pool, lesson)
            assert row["state"] == "ready"
            return bool(row["generation"] == 2)

        await eventually(replaced)
    async with pool.connection() as connection:
        cursor = await connection.execute("select key from garbage where starts_with(key, 'media')")
        assert {row["key"] for row in await cursor.fetchall()} == set(old)
    shown = await Presentations(pool).presentation(lesson)
    assert shown is not None
    assert shown.generation == 2
    assert {o.key for r in shown.renditions for o in r.objects} == set(paced.media) - set(old)


async def test_the_real_plan_of_a_real_source(
    queue_dsn: str, pool: Pool, store: LocalStore, tmp_path: Path
) -> None:
    lesson = await w.add_waiting(pool, store, await source())
    options = w.settings(tmp_path)
    task = asyncio.create_task(run_worker(options, queue_dsn, pool, store))
    try:
        await eventually(lambda: w.in_state(pool, lesson, "ready"))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    found = await w.objects(pool, lesson)
    assert {name for name in found if name.startswith("1")}
    assert abs((await w.lesson_row(pool, lesson))["duration_s"] - 12) < 0.2
