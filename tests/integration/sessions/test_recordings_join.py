"""Small objects are joined into few, under the eyes of players and beside others who join."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from catalog.db import recordings_join
from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.db.recordings import Recordings
from catalog.db.recordings_join import (
    Joiner,
    clear_spool,
    groups,
    is_joined,
    joined,
    read_scattered,
    swap,
)
from catalog.db.sessions_life import Sessions
from catalog.inventory import inventory, list_objects
from catalog.live import FeedName
from catalog.media import MediaObject
from catalog.store.local import LocalStore
from tests.support.recording import garbage_of, put, rendition, segments
from tests.support.sessions import START_UTC, Town, book_one

SEGMENTS = 9


@pytest.fixture
async def lesson(pool: Pool, store: LocalStore, town: Town) -> str:
    """A finished recording of nine segments of picture and sound."""
    session = await book_one(pool, town)
    life = Sessions(pool, bytes(32), lambda: START_UTC)
    await life.went_live(session)
    book = Recordings(pool, lambda: START_UTC)
    recorded = await book.open(session, FeedName.MAIN, START_UTC)
    for name in ("720p", "aac"):
        made = await book.add_rendition(recorded, rendition(name, init=b"init of " + name.encode()))
        items = segments(recorded, name, range(SEGMENTS))
        await put(store, items)
        await book.append(recorded, made, items)
    await life.ended(session)
    return await book.finish(session)


def joiner(pool: Pool, store: LocalStore, tmp_path: Path) -> Joiner:
    return Joiner(pool, store, tmp_path / "join", lambda: START_UTC)


async def bytes_of(pool: Pool, store: LocalStore, lesson: str) -> list[bytes]:
    """Read every segment as a player would, rendition by rendition."""
    shown = await Presentations(pool).presentation(lesson)
    assert shown is not None
    found: list[bytes] = []
    for item in shown.renditions:
        for part in item.segments():
            async with store.read(part.key, part.offset, part.size_bytes) as chunks:
                found.append(b"".join([chunk async for chunk in chunks]))
    return found


async def counts(pool: Pool, lesson: str) -> list[int]:
    shown = await Presentations(pool).presentation(lesson)
    assert shown is not None
    return [len(item.objects) for item in shown.renditions]


async def test_players_find_the_same_bytes_in_one_object(
    dsn: str, pool: Pool, store: LocalStore, lesson: str, tmp_path: Path
) -> None:
    before = await bytes_of(pool, store, lesson)
    assert (len(before), await counts(pool, lesson)) == (2 * SEGMENTS, [SEGMENTS, SEGMENTS])
    assert await joiner(pool, store, tmp_path).join_all() == 1
    assert await counts(pool, lesson) == [1, 1]
    assert await bytes_of(pool, store, lesson) == before
    assert len(await garbage_of(pool)) == 2 * SEGMENTS
    assert await joiner(pool, store, tmp_path).join_all() == 0
    await list_objects(store, tmp_path / "stored")
    found = await asyncio.to_thread(inventory, dsn, tmp_path / "stored")
    assert (found.named, found.whole) == (2, True)
    assert await asyncio.to_thread(lambda: list((tmp_path / "join").iterdir())) == []


async def test_joiners_at_once_leave_one_object(
    pool: Pool, store: LocalStore, lesson: str, tmp_path: Path
) -> None:
    before = await bytes_of(pool, store, lesson)
    several = [
        Joiner(pool, store, tmp_path / str(n), lambda n=n: START_UTC + n)  # type: ignore[misc]
        for n in range(3)
    ]
    await asyncio.gather(*(one.join_all() for one in several))
    assert await counts(pool, lesson) == [1, 1]
    assert await bytes_of(pool, store, lesson) == before
    kept = [info.key async for info in store.list("media/") if is_joined(info.key)]
    assert len(kept) == 2


async def test_a_joiner_that_was_killed_goes_on(
    pool: Pool, store: LocalStore, lesson: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await bytes_of(pool, store, lesson)
    monkeypatch.setattr(recordings_join, "JOINED_BYTES", 4_500)
    async with pool.connection() as connection:
        scattered = await read_scattered(connection, lesson)
    one = joiner(pool, store, tmp_path)
    first = next(iter(groups(scattered[0].objects)))
    await one._replace(scattered[0], first)
    assert await one.join_all() == 1
    assert await counts(pool, lesson) == [3, 3]
    assert await bytes_of(pool, store, lesson) == before


async def test_a_group_that_has_gone_is_not_swapped(pool: Pool, lesson: str) -> None:
    async with pool.connection() as connection:
        item = (await read_scattered(connection, lesson))[0]
    group = item.objects[:3]
    made = joined(group, "media/x/1/y/000000-a1000000000.mp4", 4)
    async with pool.connection() as connection:
        assert await swap(connection, item, group, made)
    async with pool.connection() as connection:
        assert not await swap(connection, item, group, made)


def test_what_a_killed_joiner_left_is_cleared(tmp_path: Path) -> None:
    for name in ("join-half", "other"):
        (tmp_path / name).write_bytes(b"half")
    clear_spool(tmp_path)
    clear_spool(tmp_path / "missing")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def obj(number: int, base_ts: int, size: int = 10, key: str = "") -> MediaObject:
    key = key or f"media/l/1/720p/{number:06d}-a0.mp4"
    return MediaObject(key, number, 0, base_ts, (size,), (100,), (3,))


@pytest.mark.parametrize(
    ("objects", "found"),
    [
        ([], []),
        ([obj(0, 0)], []),
        ([obj(0, 0), obj(1, 100), obj(2, 200)], [[0, 1, 2]]),
        ([obj(0, 0), obj(1, 100), obj(2, 190), obj(3, 290)], [[0, 1], [2, 3]]),
        ([obj(0, 0), obj(2, 100)], []),
        ([obj(0, 0, 60), obj(1, 100, 60), obj(2, 200, 60)], []),
        ([obj(0, 0, 50), obj(1, 100, 50), obj(2, 200, 50)], [[0, 1]]),
        ([obj(0, 0, key="m-a1000000000.mp4"), obj(1, 100), obj(2, 200)], [[1, 2]]),
    ],
)
def test_groups(
    objects: Sequence[MediaObject], found: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings_join, "JOINED_BYTES", 100)
    assert [[one.first_number for one in group] for group in groups(objects)] == found


def test_keyframes_are_kept_only_when_all_are_known() -> None:
    whole = joined([obj(0, 0), obj(1, 100)], "k", 5)
    assert (whole.sizes, whole.durations_ts, whole.keyframe_sizes) == ((10, 10), (100, 100), (3, 3))
    bare = MediaObject("b", 1, 0, 100, (10,), (100,))
    assert joined([obj(0, 0), bare], "k", 5).keyframe_sizes == ()
