"""The table of work and what is published: only the newest attempt writes; figures of it all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from catalog.db import publication, work
from catalog.db.pool import Pool
from catalog.db.publication import InitChanged
from catalog.db.tally import tally
from catalog.db.work import Claim, Superseded, Unit
from catalog.lesson import LessonState
from catalog.media import Media, MediaObject, Rendition
from catalog.store.keys import media_key
from catalog.store.local import LocalStore
from tests.support import worker as w
from transcoder.metrics import WorkMetrics


@pytest.fixture
async def lesson(pool: Pool, store: LocalStore) -> str:
    """A lesson whose plan is made: sound and one chunk of video are wanted."""
    lesson = await w.add_waiting(pool, store, b"a source")
    claim = await begin(pool, lesson, "prepare")
    async with pool.connection() as connection:
        await work.finish_prepare(
            connection, claim, probe={}, plan={"duration_s": 8, "kind": "camera"}, duration_s=8,
            kind="camera", names=["audio", "video/0"],
        )  # fmt: skip
    return lesson


async def begin(pool: Pool, lesson: str, name: str) -> Claim:
    """Take a unit."""
    async with pool.connection() as connection:
        taken = await work.take(connection, Unit(lesson, 1, name), "a worker")
    assert taken is not None
    return taken.claim


async def lose(pool: Pool, claim: Claim) -> None:
    """Let the lease of an attempt run out."""
    async with pool.connection() as connection:
        lost = await work.lost_claims(connection, -1)
        assert claim in [found for found, _ in lost]
        await work.try_again(connection, claim, "worker_lost", "gone", 0)


def rendition(claim: Claim, name: str, number: int = 0, init: bytes = b"init") -> Rendition:
    """A rendition with one object of one segment."""
    key = media_key(claim.unit.lesson, 1, name, number, claim.attempt)
    item = MediaObject(key, number, len(init), number * 4, (10,), (4,), (5,))
    media = Media.AUDIO if name == "aac" else Media.VIDEO
    return Rendition("", name, media, "avc1.64001e", 1, init, 0, False, (item,))


async def publish(pool: Pool, claim: Claim, *renditions: Rendition) -> None:
    """Publish a cut; the lesson plays once video and sound have begun."""
    async with pool.connection() as connection:
        await publication.publish_cut(connection, claim, renditions, ["180p", "aac"])


async def finish(pool: Pool, claim: Claim, *names: str) -> bool:
    """End a unit well."""
    async with pool.connection() as connection:
        await work.hold(connection, claim)
        return await publication.finish(connection, claim, names, [])


async def state(pool: Pool, lesson: str) -> LessonState:
    return LessonState((await w.lesson_row(pool, lesson))["state"])


async def test_a_lesson_plays_when_all_have_begun_and_is_ready_when_all_is_done(
    pool: Pool, lesson: str
) -> None:
    video, sound = await begin(pool, lesson, "video/0"), await begin(pool, lesson, "audio")
    await publish(pool, video, rendition(video, "180p"))
    assert await state(pool, lesson) is LessonState.TRANSCODING
    await publish(pool, sound, rendition(sound, "aac"))
    assert await state(pool, lesson) is LessonState.PLAYABLE
    assert not await finish(pool, sound, "aac")
    assert await finish(pool, video, "180p")
    assert await state(pool, lesson) is LessonState.READY
    found = await w.objects(pool, lesson)
    assert all(o["complete"] for published in found.values() for o in published)
    assert found["180p"][0]["keyframe_sizes"] == [5]


async def test_an_attempt_that_lost_its_lease_writes_nothing(pool: Pool, lesson: str) -> None:
    old = await begin(pool, lesson, "video/0")
    await lose(pool, old)
    with pytest.raises(Superseded):
        await publish(pool, old, rendition(old, "180p"))
    new = await begin(pool, lesson, "video/0")
    assert new.attempt == 2
    with pytest.raises(Superseded):
        await publish(pool, old, rendition(old, "180p"))
    with pytest.raises(Superseded):
        await finish(pool, old, "180p")
    async with pool.connection() as connection:
        with pytest.raises(Superseded):
            await work.beat(connection, old, 0.5, 1.0)
        with pytest.raises(Superseded):
            await work.hand_back(connection, old)
        with pytest.raises(Superseded):
            await work.give_up(connection, old, "code", "a sentence")
    assert await w.objects(pool, lesson) == {}


async def test_a_unit_is_taken_once(pool: Pool, lesson: str) -> None:
    await begin(pool, lesson, "audio")
    async with pool.connection() as connection:
        assert await work.take(connection, Unit(lesson, 1, "audio"), "b") is None
        assert await work.take(connection, Unit(lesson, 1, "nothing"), "b") is None


async def test_a_unit_waits_after_a_failure(pool: Pool, lesson: str) -> None:
    claim = await begin(pool, lesson, "audio")
    async with pool.connection() as connection:
        await work.try_again(connection, claim, "store_full", "no room", 60)
        assert await work.take(connection, claim.unit, "b") is None
    row = (await w.units(pool, lesson))["audio"]
    assert (row["state"], row["failures"], row["error_code"]) == ("wanted", 1, "store_full")


async def test_the_same_cut_twice_is_one_but_another_in_its_place_is_refused(
    pool: Pool, lesson: str
) -> None:
    claim = await begin(pool, lesson, "video/0")
    cut = rendition(claim, "180p")
    await publish(pool, claim, cut)
    await publish(pool, claim, cut)
    other = replace(cut, objects=(replace(cut.objects[0], key="media/other"),))
    with pytest.raises(Superseded):
        await publish(pool, claim, other)
    assert len((await w.objects(pool, lesson))["180p"]) == 1


async def test_a_rendition_keeps_its_init(pool: Pool, lesson: str) -> None:
    claim = await begin(pool, lesson, "video/0")
    await publish(pool, claim, rendition(claim, "180p"))
    with pytest.raises(InitChanged):
        await publish(pool, claim, rendition(claim, "180p", 1, b"another"))


async def test_giving_up_cancels_the_rest_and_says_why(pool: Pool, lesson: str) -> None:
    claim = await begin(pool, lesson, "audio")
    async with pool.connection() as connection:
        await work.give_up(connection, claim, "store_full", "No room.")
    row = await w.lesson_row(pool, lesson)
    assert (row["state"], row["error_code"], row["error_detail"]) == (
        "failed", "store_full", "No room.",
    )  # fmt: skip
    assert (await w.units(pool, lesson))["video/0"]["state"] == "cancelled"


async def test_a_deleted_lesson_is_left_alone(pool: Pool, lesson: str) -> None:
    claim = await begin(pool, lesson, "audio")
    async with pool.connection() as connection:
        await connection.execute("update lesson set deleted_at = now()")
    with pytest.raises(Superseded, match="gone"):
        await publish(pool, claim, rendition(claim, "aac"))


async def test_the_figures(pool: Pool, lesson: str) -> None:
    await begin(pool, lesson, "audio")
    async with pool.connection() as connection:
        await tally(connection, "video", "done", 60.0, 20.0)
        await tally(connection, "video", "done", 30.0, 10.0)
    registry = CollectorRegistry()
    metrics = WorkMetrics(registry)
    await metrics.read(pool)
    text = generate_latest(registry).decode()
    assert 'tongbu_lessons{state="transcoding"} 1.0' in text
    assert 'tongbu_work_queue_depth{class="fresh"} 1.0' in text
    assert 'tongbu_work_queue_running{class="fresh"} 1.0' in text
    assert 'tongbu_work_attempts_total{kind="video",outcome="done"} 2.0' in text
    assert 'tongbu_work_media_seconds_total{kind="video",outcome="done"} 90.0' in text
