"""The sweeper over a real catalogue and a real store: what goes, what stays, who wins a race."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from catalog.db.pool import Connection, Pool
from catalog.db.sources import next_generation
from catalog.garbage import Sweeper, SweepSettings, sweeping
from catalog.ids import new_id
from catalog.store.keys import media_key, side_key, source_key
from catalog.store.local import LocalStore
from catalog.store.port import StoreAway
from tests.support.lessons import add_lesson, add_person, insert
from tests.support.objects import keys_below
from tests.support.wait import eventually

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
SETTINGS = SweepSettings(grace_s=DAY.total_seconds())


async def add_source(connection: Connection, lesson: str, generation: int) -> str:
    key = source_key(lesson, generation)
    await connection.execute(
        "insert into source (lesson_id, generation, key, filename, size_bytes)"
        " values (%s, %s, %s, 'a.mp4', 1)",
        (lesson, generation, key),
    )
    return key


async def add_media(
    connection: Connection, lesson: str, generation: int, numbers: Sequence[int] = (0,)
) -> list[str]:
    rendition = new_id()
    await connection.execute(
        "insert into rendition (id, lesson_id, generation, name, media, codecs, timescale, init,"
        " rung) values (%s, %s, %s, 'v720', 'video', 'avc1', 1000, '', 0)",
        (rendition, lesson, generation),
    )
    keys = [media_key(lesson, generation, "v720", number, 1) for number in numbers]
    for number, key in zip(numbers, keys, strict=True):
        await publish(connection, rendition, number, key)
    return keys


async def publish(connection: Connection, rendition: str, number: int, key: str) -> None:
    await connection.execute(
        "insert into media_object (rendition_id, first_number, key, init_bytes, base_ts, sizes,"
        " durations_ts) values (%s, %s, %s, 1, 0, '{1}', '{1}')",
        (rendition, number, key),
    )


async def add_poster(connection: Connection, lesson: str, generation: int) -> str:
    key = side_key(lesson, generation, "poster", 1, 0)
    await connection.execute(
        "insert into side_product (lesson_id, generation, kind, key) values (%s, %s, 'poster', %s)",
        (lesson, generation, key),
    )
    return key


async def add_version(connection: Connection, lesson: str, generation: int) -> list[str]:
    """Add a source, a media object and a poster; give their keys."""
    return [
        await add_source(connection, lesson, generation),
        *await add_media(connection, lesson, generation),
        await add_poster(connection, lesson, generation),
    ]


async def throw(connection: Connection, keys: Sequence[str], since: datetime) -> None:
    for key in keys:
        await connection.execute("insert into garbage (key, since) values (%s, %s)", (key, since))


async def store_all(store: LocalStore, *keys: str) -> None:
    for key in keys:
        await store.put_bytes(key, key.encode(), "video/mp4")


async def count(pool: Pool, table: str) -> int:
    async with pool.connection() as connection:
        cursor = await connection.execute(f"select count(*) as n from {table}".encode())
        row = await cursor.fetchone()
    assert row
    return int(row["n"])


@pytest.fixture
def sweeper(pool: Pool, local_store: LocalStore) -> Sweeper:
    return Sweeper(pool, local_store, SETTINGS)


async def age(root: Path, *keys: str) -> None:
    """Make objects two days old."""
    old = (NOW - 2 * DAY).timestamp()
    for key in keys:
        await asyncio.to_thread(os.utime, root / key, (old, old))


async def test_what_a_newer_version_replaced_goes_after_the_grace_time(
    pool: Pool, local_store: LocalStore, sweeper: Sweeper
) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, generation=2)
        old = [*await add_media(connection, lesson, 1, (0, 1)),
               await add_poster(connection, lesson, 1)]  # fmt: skip
        kept = [await add_source(connection, lesson, 1), *await add_version(connection, lesson, 2)]
        await throw(connection, old[:2], NOW - 2 * DAY)
        await throw(connection, old[2:], NOW - DAY / 2)
    await store_all(local_store, *old, *kept)
    assert await sweeper.sweep(NOW) == 2
    assert await keys_below(local_store, "") == sorted([*kept, old[2]])
    assert (await count(pool, "rendition"), await count(pool, "media_object")) == (1, 1)
    assert await sweeper.sweep(NOW + DAY) == 1
    assert await keys_below(local_store, "") == sorted(kept)
    assert await count(pool, "side_product") == 1


async def test_what_is_in_use_is_never_taken_even_from_the_garbage(
    pool: Pool, local_store: LocalStore, sweeper: Sweeper
) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, generation=1)
        keys = [*await add_version(connection, lesson, 1), *await add_media(connection, lesson, 2)]
        await throw(connection, keys, NOW - 9 * DAY)
    await store_all(local_store, *keys)
    assert await sweeper.sweep(NOW) == 0
    assert await keys_below(local_store, "") == sorted(keys)
    assert await count(pool, "garbage") == 0


async def test_orphans_wait_twice(
    pool: Pool, local_store: LocalStore, local_root: Path, sweeper: Sweeper
) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection)
        known = [*await add_media(connection, lesson, 1), await add_poster(connection, lesson, 1)]
    orphan, young = (media_key(lesson, 1, "v720", number, 7) for number in (4, 5))
    source = source_key(lesson, 9)
    await store_all(local_store, *known, orphan, young, source)
    await age(local_root, *known, orphan, source)
    assert await sweeper.find_orphans(NOW) == 1
    assert await sweeper.find_orphans(NOW) == 0
    assert await sweeper.sweep(NOW) == 0
    assert await sweeper.sweep(NOW + 2 * DAY) == 1
    assert await keys_below(local_store, "") == sorted([*known, young, source])


async def test_a_key_published_while_it_waits_is_in_use_again(
    pool: Pool, local_store: LocalStore, sweeper: Sweeper
) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection)
        key = media_key(lesson, 1, "v720", 0, 1)
        await throw(connection, [key], NOW - 2 * DAY)
        await add_media(connection, lesson, 1)
    await store_all(local_store, key)
    assert await sweeper.sweep(NOW) == 0
    assert await keys_below(local_store, "") == [key]


async def test_a_swept_key_cannot_be_published(
    pool: Pool, local_store: LocalStore, sweeper: Sweeper
) -> None:
    """A worker that slept for days with its object stored and unpublished."""
    async with pool.connection() as connection:
        lesson = await add_lesson(connection)
        await throw(connection, [media_key(lesson, 1, "v720", 0, 1)], NOW - 2 * DAY)
    assert await sweeper.sweep(NOW) == 1
    with pytest.raises(psycopg.errors.RaiseException, match="swept before it was published"):
        async with pool.connection() as connection:
            await add_media(connection, lesson, 1)
    await sweeper.sweep(NOW + timedelta(days=91))
    assert await count(pool, "garbage") == 0


async def test_a_source_without_a_lesson_stays_long_and_that_of_an_open_upload_stays(
    pool: Pool, local_store: LocalStore, local_root: Path, sweeper: Sweeper
) -> None:
    async with pool.connection() as connection:
        lesson = await add_lesson(connection)
        kept = [await add_source(connection, lesson, 1), source_key(lesson, 2)]
        person = await add_person(connection)
        await insert(connection, "upload", owner_id=person, target_id=lesson, generation=2,
                     state="open", expires_at=NOW + DAY)  # fmt: skip
    orphan = source_key(new_id(), 1)
    await store_all(local_store, *kept, orphan)
    assert await sweeper.find_orphans(NOW + 29 * DAY) == 0
    assert await sweeper.find_orphans(NOW + 31 * DAY) == 1
    assert await sweeper.sweep(NOW + 33 * DAY) == 1
    assert await keys_below(local_store, "") == kept


async def test_a_generation_whose_source_was_swept_is_not_taken_again(
    pool: Pool, sweeper: Sweeper
) -> None:
    """The upload that had it may be forgotten long before the tombstone is."""
    async with pool.connection() as connection:
        lesson = await add_lesson(connection, generation=1)
        await throw(connection, [source_key(lesson, 4)], NOW - 2 * DAY)
    assert await sweeper.sweep(NOW) == 1
    async with pool.connection() as connection:
        generation = await next_generation(connection, lesson)
        await add_source(connection, lesson, generation)
    assert generation == 5


class Held(LocalStore):
    """A store whose deletes wait for the test."""

    def hold(self) -> None:
        self.deleting = asyncio.Event()
        self.go_on = asyncio.Event()

    async def delete(self, key: str) -> None:
        self.deleting.set()
        await self.go_on.wait()
        await super().delete(key)


@pytest.fixture
def held(prepared: LocalStore) -> LocalStore:
    prepared.__class__ = Held
    return prepared


async def test_a_publisher_waits_for_a_sweep_in_progress_and_is_refused(
    pool: Pool, held: LocalStore
) -> None:
    assert isinstance(held, Held)
    held.hold()
    async with pool.connection() as connection:
        lesson = await add_lesson(connection)
        key = media_key(lesson, 1, "v720", 0, 1)
        await throw(connection, [key], NOW - 2 * DAY)
    await store_all(held, key)
    sweep = asyncio.create_task(Sweeper(pool, held, SETTINGS).sweep(NOW))
    await held.deleting.wait()

    async def publish_it() -> None:
        async with pool.connection() as connection:
            await add_media(connection, lesson, 1)

    publication = asyncio.create_task(publish_it())
    await eventually(lambda: one_waits(pool))
    held.go_on.set()
    assert await sweep == 1
    with pytest.raises(psycopg.errors.RaiseException):
        await publication
    await held.close()


async def one_waits(pool: Pool) -> bool:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select count(*) as n from pg_locks l join pg_stat_activity a using (pid)"
            " where not l.granted and a.datname = current_database()"
        )
        row = await cursor.fetchone()
    return row is not None and row["n"] > 0


async def test_two_sweepers_take_different_keys(pool: Pool, local_store: LocalStore) -> None:
    keys = [media_key(new_id(), 1, "v720", number, 1) for number in range(100)]
    async with pool.connection() as connection:
        await throw(connection, keys, NOW - 2 * DAY)
    await store_all(local_store, *keys)
    sweepers = [Sweeper(pool, local_store, SETTINGS) for _ in range(2)]
    assert sum(await asyncio.gather(*(one.sweep(NOW) for one in sweepers))) == 100
    assert await keys_below(local_store, "") == []


class Away(LocalStore):
    async def delete(self, key: str) -> None:
        raise StoreAway("unplugged")


async def test_a_store_that_is_away_loses_no_key(
    pool: Pool, prepared: LocalStore, sweeper: Sweeper
) -> None:
    async with pool.connection() as connection:
        await throw(connection, [media_key(new_id(), 1, "v720", 0, 1)], NOW - 2 * DAY)
    prepared.__class__ = Away
    with pytest.raises(StoreAway):
        await sweeper.sweep(NOW)
    prepared.__class__ = LocalStore
    assert await sweeper.sweep(NOW) == 1


async def test_a_lesson_deleted_long_ago_leaves_with_all_its_objects(
    pool: Pool, local_store: LocalStore, sweeper: Sweeper
) -> None:
    async with pool.connection() as connection:
        gone = await add_lesson(connection, deleted_at=NOW - 31 * DAY)
        undone = await add_lesson(connection, deleted_at=NOW - 29 * DAY)
        keys = {}
        for lesson in (gone, undone):
            keys[lesson] = await add_version(connection, lesson, 1)
            await store_all(local_store, *keys[lesson])
    assert await sweeper.drop_lessons(NOW) == 1
    assert await sweeper.sweep(NOW) == 0
    assert await sweeper.sweep(NOW + 2 * DAY) == 3
    assert await keys_below(local_store, "") == sorted(keys[undone])
    assert await count(pool, "lesson") == 1


async def test_runs_beside_the_service(
    pool: Pool, local_store: LocalStore, local_root: Path
) -> None:
    orphan = media_key(new_id(), 1, "v720", 0, 1)
    await store_all(local_store, orphan)
    await age(local_root, orphan)
    times = iter([NOW, NOW])
    quick = SweepSettings(every_s=0.01, grace_s=DAY.total_seconds())

    async def empty() -> bool:
        return await keys_below(local_store, "media/") == []

    async with sweeping(pool, local_store, quick, clock=lambda: next(times, NOW + 9 * DAY)):
        await eventually(empty)
