"""A new version while the one before is still being made: whichever ends first, one is shown."""

from __future__ import annotations

import pytest

from catalog.db import publication, sources, work
from catalog.db.pool import Pool
from catalog.db.sources import StoredSource
from catalog.db.work import Claim, Superseded, Unit
from catalog.media import Media, MediaObject, Rendition
from catalog.store.keys import media_key, source_key
from catalog.store.local import LocalStore
from tests.support import worker as w


async def begin(pool: Pool, lesson: str, generation: int, name: str) -> Claim:
    """Take a unit that is wanted."""
    async with pool.connection() as connection:
        taken = await work.take(connection, Unit(lesson, generation, name), "a worker")
    assert taken is not None
    return taken.claim


async def planned(pool: Pool, lesson: str, generation: int) -> Claim:
    """Let the plan be one chunk of video; give the attempt at it."""
    claim = await begin(pool, lesson, generation, "prepare")
    async with pool.connection() as connection:
        await work.finish_prepare(
            connection, claim, probe={}, plan={"duration_s": 8 * generation, "kind": "camera"},
            duration_s=8 * generation, kind="camera", names=["video/0"],
        )  # fmt: skip
    return await begin(pool, lesson, generation, "video/0")


async def publish(pool: Pool, claim: Claim) -> None:
    """Publish the first segment, which is all that a player needs."""
    unit = claim.unit
    key = media_key(unit.lesson, unit.generation, "180p", 0, claim.attempt)
    item = MediaObject(key, 0, 4, 0, (10,), (4,), (5,))
    made = Rendition("", "180p", Media.VIDEO, "avc1", 1, b"init", 0, False, (item,))
    async with pool.connection() as connection:
        await publication.publish_cut(connection, claim, [made], ["180p"])


async def finish(pool: Pool, claim: Claim) -> bool:
    async with pool.connection() as connection:
        await work.hold(connection, claim)
        return await publication.finish(connection, claim, ["180p"], [])


async def give_up(pool: Pool, claim: Claim) -> None:
    async with pool.connection() as connection:
        await work.give_up(connection, claim, "broken", "It broke.")


async def shown(pool: Pool, lesson: str) -> tuple[str, int, str]:
    """State, generation and error as the pages show them."""
    row = await w.lesson_row(pool, lesson)
    return row["state"], row["generation"], row["error_code"]


@pytest.fixture
async def first(pool: Pool, store: LocalStore) -> Claim:
    """The chunk of a lesson's first version: it plays already and is not done."""
    lesson = await w.add_waiting(pool, store, b"a source")
    claim = await planned(pool, lesson, 1)
    await publish(pool, claim)
    return claim


async def renew(pool: Pool, lesson: str, generation: int = 2) -> None:
    """Take a new version of the lesson."""
    key = source_key(lesson, generation)
    async with pool.connection() as connection:
        await sources.add_version(connection, StoredSource(lesson, generation, key, "课.mp4", 9))


async def test_a_new_version_that_is_done_first_is_shown_and_ready(
    pool: Pool, first: Claim
) -> None:
    lesson = first.unit.lesson
    await renew(pool, lesson)
    second = await planned(pool, lesson, 2)
    await publish(pool, second)
    assert await shown(pool, lesson) == ("playable", 1, "")
    assert await finish(pool, second)
    assert await shown(pool, lesson) == ("ready", 2, "")
    with pytest.raises(Superseded):
        await finish(pool, first)


@pytest.mark.parametrize("begun", [False, True])
async def test_when_the_version_that_plays_fails_the_new_one_takes_its_place(
    begun: bool, pool: Pool, first: Claim
) -> None:
    lesson = first.unit.lesson
    await renew(pool, lesson)
    second = await planned(pool, lesson, 2) if begun else None
    await give_up(pool, first)
    assert await shown(pool, lesson) == ("transcoding" if begun else "queued", 2, "")
    second = second or await planned(pool, lesson, 2)
    await publish(pool, second)
    assert await shown(pool, lesson) == ("playable", 2, "")
    assert await finish(pool, second)
    assert await shown(pool, lesson) == ("ready", 2, "")


async def test_when_both_fail_the_lesson_has_failed(pool: Pool, first: Claim) -> None:
    lesson = first.unit.lesson
    await renew(pool, lesson)
    await give_up(pool, await planned(pool, lesson, 2))
    assert await shown(pool, lesson) == ("playable", 1, "broken")
    await give_up(pool, first)
    assert await shown(pool, lesson) == ("failed", 1, "broken")


async def test_what_was_called_off_in_two_versions_is_tried_again_in_the_newest(
    pool: Pool, first: Claim
) -> None:
    lesson = first.unit.lesson
    await renew(pool, lesson)
    async with pool.connection() as connection:
        await sources.cancel(connection, lesson)
    assert (await shown(pool, lesson))[0] == "failed"
    async with pool.connection() as connection:
        await sources.retry(connection, lesson)
        assert await work.take(connection, first.unit, "a worker") is None
    assert await shown(pool, lesson) == ("queued", 2, "")
    second = await planned(pool, lesson, 2)
    await publish(pool, second)
    assert await finish(pool, second)
    assert await shown(pool, lesson) == ("ready", 2, "")
