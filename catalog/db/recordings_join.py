"""After the end: the thousands of small objects of a recording are joined into a handful.

A group of neighbouring segments is written into one CMAF file and takes their place in one
transaction; the small ones stay in the store for the garbage's grace time, for players that know
their places. Every group is done for itself: a joiner that is killed goes on where it was, and of
two at work on a group one finds its rows changed and throws its file away.
"""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiofiles
import psycopg

from catalog.db.garbage import throw_away
from catalog.db.pool import Connection, Pool
from catalog.errors import TongbuError
from catalog.media import MediaObject
from catalog.store.keys import media_key
from catalog.store.port import ObjectStore

log = logging.getLogger(__name__)

JOINED_BYTES = 96 << 20
JOINED_FROM = 1_000_000_000
LOOK_EVERY_S = 30.0
CONTENT_TYPE = "video/mp4"
_ATTEMPT = re.compile(r"-a(\d+)\.mp4$")


@dataclass(frozen=True, slots=True)
class Scattered:
    """A rendition of a finished recording, and its objects in order."""

    lesson: str
    generation: int
    rendition: str
    name: str
    init: bytes
    objects: tuple[MediaObject, ...]


def groups(objects: Sequence[MediaObject]) -> Iterator[list[MediaObject]]:
    """Give runs of two and more objects to join: neighbours, at most JOINED_BYTES together."""
    runs: list[list[MediaObject]] = [[]]
    for item in objects:
        run = runs[-1]
        if is_joined(item.key):
            runs.append([])
        elif run and not (_follows(run[-1], item) and _fits(run, item)):
            runs.append([item])
        else:
            run.append(item)
    return (run for run in runs if len(run) > 1)


def joined(group: Sequence[MediaObject], key: str, init_bytes: int) -> MediaObject:
    """Give the object that takes the place of a group."""
    keyframes = [size for item in group for size in item.keyframe_sizes]
    sizes = tuple(size for item in group for size in item.sizes)
    return MediaObject(
        key, group[0].first_number, init_bytes, group[0].base_ts, sizes,
        tuple(ts for item in group for ts in item.durations_ts),
        tuple(keyframes) if len(keyframes) == len(sizes) else (),
    )  # fmt: skip


def is_joined(key: str) -> bool:
    """Tell whether an object was made by a joiner."""
    found = _ATTEMPT.search(key)
    return found is not None and int(found[1]) >= JOINED_FROM


def _follows(before: MediaObject, item: MediaObject) -> bool:
    at = before.first_number + len(before.sizes) == item.first_number
    return at and before.base_ts + sum(before.durations_ts) == item.base_ts


def _fits(group: Sequence[MediaObject], item: MediaObject) -> bool:
    return sum(sum(one.sizes) for one in (*group, item)) <= JOINED_BYTES


class Joiner:
    """Joins what finished recordings have left; `run` is its task."""

    def __init__(
        self, pool: Pool, store: ObjectStore, spool: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._pool = pool
        self._store = store
        self._spool = spool
        self._clock = clock

    async def join_all(self) -> int:
        """Join all finished recordings; tell how many. Raises: Unavailable, StoreError, OSError."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select lesson_id from recording where finished_at is not null"
                " and joined_at is null order by finished_at"
            )
            lessons = [row["lesson_id"] for row in await cursor.fetchall()]
        for lesson in lessons:
            await self._join(lesson)
        return len(lessons)

    async def _join(self, lesson: str) -> None:
        async with self._pool.connection() as connection:
            scattered = await read_scattered(connection, lesson)
        for item in scattered:
            for group in groups(item.objects):
                await self._replace(item, group)
        async with self._pool.connection() as connection:
            await connection.execute(
                "update recording set joined_at = %s where lesson_id = %s",
                (datetime.fromtimestamp(self._clock(), UTC), lesson),
            )

    async def _replace(self, item: Scattered, group: Sequence[MediaObject]) -> None:
        attempt = max(JOINED_FROM, int(self._clock() * 1000))
        key = media_key(item.lesson, item.generation, item.name, group[0].first_number, attempt)
        made = joined(group, key, len(item.init))
        await asyncio.to_thread(self._spool.mkdir, parents=True, exist_ok=True)
        file = await asyncio.to_thread(_temporary, self._spool)
        try:
            await self._write(file, item.init, group)
            await self._store.put_file(key, file, CONTENT_TYPE)
        finally:
            await asyncio.to_thread(file.unlink, missing_ok=True)
        async with self._pool.connection() as connection:
            swapped = await swap(connection, item, group, made)
        if not swapped:
            await self._store.delete(key)

    async def _write(self, path: Path, init: bytes, group: Sequence[MediaObject]) -> None:
        async with aiofiles.open(path, "wb") as file:
            await file.write(init)
            for item in group:
                async with self._store.read(item.key, item.init_bytes) as chunks:
                    async for chunk in chunks:
                        await file.write(chunk)

    async def run(self) -> None:
        """Join again and again until cancelled; trouble is told and the next round comes."""
        await asyncio.to_thread(clear_spool, self._spool)
        while True:
            try:
                await self.join_all()
            except (TongbuError, psycopg.Error, OSError) as error:
                log.warning("recordings are not joined and will be: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)


def _temporary(folder: Path) -> Path:
    with tempfile.NamedTemporaryFile(dir=folder, prefix="join-", delete=False) as file:
        return Path(file.name)


def clear_spool(folder: Path) -> None:
    """Remove what a joiner that was killed has left."""
    for left in folder.glob("join-*"):
        with suppress(OSError):
            left.unlink()


async def read_scattered(connection: Connection, lesson: str) -> list[Scattered]:
    """Give the renditions of a recording with their objects."""
    cursor = await connection.execute(
        "select r.lesson_id, r.generation, r.id, r.name, r.init, o.key, o.first_number,"
        " o.init_bytes, o.base_ts, o.sizes, o.durations_ts, o.keyframe_sizes"
        " from recording c join rendition r on r.lesson_id = c.lesson_id"
        " and r.generation = c.generation join media_object o on o.rendition_id = r.id"
        " where c.lesson_id = %s order by r.id, o.first_number",
        (lesson,),
    )
    found: dict[str, Scattered] = {}
    for row in await cursor.fetchall():
        item = MediaObject(
            row["key"], row["first_number"], row["init_bytes"], row["base_ts"],
            tuple(row["sizes"]), tuple(row["durations_ts"]), tuple(row["keyframe_sizes"]),
        )  # fmt: skip
        known = found.get(row["id"])
        found[row["id"]] = Scattered(
            lesson, row["generation"], row["id"], row["name"], row["init"],
            (*(known.objects if known else ()), item),
        )  # fmt: skip
    return list(found.values())


async def swap(
    connection: Connection, item: Scattered, group: Sequence[MediaObject], made: MediaObject
) -> bool:
    """Put one object into the place of a group; False when the group is no longer there."""
    keys = [one.key for one in group]
    held = await connection.execute(
        "select from media_object where rendition_id = %s and key = any(%s) for update",
        (item.rendition, keys),
    )
    if held.rowcount != len(keys):
        return False
    await connection.execute("delete from media_object where key = any(%s)", (keys,))
    await throw_away(connection, keys)
    await connection.execute(
        "insert into media_object (rendition_id, first_number, key, init_bytes, base_ts, sizes,"
        " durations_ts, keyframe_sizes) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (item.rendition, made.first_number, made.key, made.init_bytes, made.base_ts,
         list(made.sizes), list(made.durations_ts), list(made.keyframe_sizes)),
    )  # fmt: skip
    await connection.execute("select pg_notify('lesson', %s)", (item.lesson,))
    return True
