"""What is queued when: every wanted unit once, urgent ones first, never more than a queue bears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App

from catalog.db import work
from catalog.db.listen import Listener
from catalog.db.pool import Pool
from catalog.db.removal import put_aside, restore
from tests.support import worker as w
from tests.support.lessons import add_lesson
from transcoder.dispatch import CALM_S, QUEUE_LIMIT, Dispatcher, Sweeper
from transcoder.jobs import PatientConnector, ensure_schema, make_app


@pytest.fixture
async def app(queue_dsn: str) -> AsyncIterator[App]:
    """The queue's application, open."""
    app = make_app(PatientConnector(queue_dsn))
    async with app.open_async():
        yield app


async def want(pool: Pool, *names: str, priority: str = "fresh") -> str:
    """A lesson with these units."""
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, state="queued")
        await work.want(connection, lesson, 1, names, priority)
    return lesson


async def queued(pool: Pool) -> list[tuple[str, str]]:
    """(queue, unit) of all that waits, in the order of fetching."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select queue_name, args from procrastinate_jobs where status = 'todo'"
            " order by priority desc, id"
        )
        rows: list[dict[str, Any]] = await cursor.fetchall()
    return [(row["queue_name"], row["args"]["unit"]) for row in rows]


async def test_each_class_has_its_queue_and_a_unit_is_queued_once(pool: Pool, app: App) -> None:
    await want(pool, "video/1", "video/0", "audio", "side")
    await want(pool, "prepare")
    await want(pool, "prepare", priority="backlog")
    dispatcher = Dispatcher(pool, app, 1)
    await dispatcher.dispatch()
    await dispatcher.dispatch()
    assert await queued(pool) == [
        ("fresh", "audio"), ("fresh", "video/0"), ("fresh", "video/1"), ("fresh", "side"),
        ("prepare", "prepare"), ("backlog", "prepare"),
    ]  # fmt: skip


async def test_late_units_wait_until_nothing_else_is_to_be_done(pool: Pool, app: App) -> None:
    await want(pool, "av1/0")
    other = await want(pool, "prepare", priority="backlog")
    dispatcher = Dispatcher(pool, app, 1)
    await dispatcher.dispatch()
    assert await queued(pool) == [("backlog", "prepare")]
    async with pool.connection() as connection:
        await connection.execute("update work set state = 'done' where lesson_id = %s", (other,))
    await dispatcher.dispatch()
    assert ("late", "av1/0") in await queued(pool)


async def test_a_backlog_fills_its_queue_no_further_than_the_limit(pool: Pool, app: App) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, state="queued")
        names = [f"video/{number}" for number in range(QUEUE_LIMIT + 50)]
        await work.want(connection, lesson, 1, names, "backlog")
    dispatcher = Dispatcher(pool, app, 1)
    await dispatcher.dispatch()
    await want(pool, "prepare")
    await dispatcher.dispatch()
    found = [queue for queue, _ in await queued(pool)]
    assert (found.count("backlog"), found.count("prepare")) == (QUEUE_LIMIT, 1)


def test_the_schema_is_installed_once(queue_dsn: str) -> None:
    ensure_schema(queue_dsn)


async def test_a_unit_that_kills_its_workers_fails_in_the_end(
    pool: Pool, app: App, tmp_path: Path
) -> None:
    lesson = await want(pool, "video/0")
    async with pool.connection() as connection:
        await connection.execute(
            "insert into source (lesson_id, generation, key, filename, size_bytes)"
            " values (%s, 1, 'source/key', 'a.mp4', 1)",
            (lesson,),
        )
    sweeper = Sweeper(pool, app, w.settings(tmp_path, lease_s=1.0, tries=2))
    for left in ("wanted", "failed"):
        async with pool.connection() as connection:
            assert await work.take(connection, work.Unit(lesson, 1, "video/0"), "one that dies")
            await connection.execute("update work set updated_at = now() - interval '2 s'")
        await sweeper.sweep(trusted=False)
        assert (await w.units(pool, lesson))["video/0"]["state"] == "running"
        await sweeper.sweep(trusted=True)
        assert (await w.units(pool, lesson))["video/0"]["state"] == left
    row = await w.lesson_row(pool, lesson)
    assert (row["state"], row["error_code"]) == ("failed", "worker_lost")


async def test_a_deleted_lesson_takes_no_place_in_a_queue(pool: Pool, app: App) -> None:
    deleted = await want(pool, *(f"video/{n}" for n in range(QUEUE_LIMIT)), priority="backlog")
    async with pool.connection() as connection:
        await put_aside(connection, deleted, datetime.now(UTC))
    await want(pool, "prepare", priority="backlog")
    await want(pool, "av1/0")
    dispatcher = Dispatcher(pool, app, 1)
    await dispatcher.dispatch()
    assert await queued(pool) == [("backlog", "prepare")]
    async with pool.connection() as connection:
        await connection.execute("update work set state = 'done' where unit = 'prepare'")
    await dispatcher.dispatch()
    assert ("late", "av1/0") in await queued(pool)
    async with pool.connection() as connection:
        await restore(connection, deleted)
    await dispatcher.dispatch()
    assert ("backlog", "video/0") in await queued(pool)


async def test_who_is_asked_and_ended_at_the_same_moment_ends(
    queue_dsn: str, pool: Pool, app: App
) -> None:
    dispatched = asyncio.Event()

    class Told(Dispatcher):
        async def dispatch(self) -> None:
            dispatched.set()

    dispatcher = Told(pool, app, 60)
    task = asyncio.create_task(dispatcher.run(Listener(queue_dsn, ("work",))))
    await dispatched.wait()
    await asyncio.sleep(2 * CALM_S)  # then it waits to be asked
    dispatcher.ask()
    task.cancel()
    done, _ = await asyncio.wait((task,), timeout=2)
    assert done
