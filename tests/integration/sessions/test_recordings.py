"""Recordings in the catalogue: what kills and repeats leave, and what the lesson is in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from catalog.db.lessons import LessonRecord, read_lesson
from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.db.recordings import Recordings
from catalog.db.room_log import RoomEvents
from catalog.db.sessions import read_session
from catalog.db.sessions_life import Sessions, advance
from catalog.db.sources import StoredSource, add_version
from catalog.errors import Conflict, NotFound
from catalog.ids import new_id
from catalog.live import FeedName, Recorded
from catalog.media import Chapter
from catalog.session import SessionInput, SessionKind
from tests.support.recording import (
    VIDEO_SCALE,
    garbage_of,
    key_of,
    objects_of,
    rendition,
    segment,
    segments,
)
from tests.support.sessions import START_UTC, Town, book_one, state_of

MAIN = FeedName.MAIN
ANCHOR = START_UTC + 0.25


@pytest.fixture
async def session(pool: Pool, town: Town) -> str:
    """A session that is live."""
    session = await book_one(pool, town)
    await life(pool).went_live(session)
    return session


@pytest.fixture
def book(pool: Pool) -> Recordings:
    return Recordings(pool, lambda: START_UTC, chapters)


def chapters(log: Sequence[Mapping[str, Any]]) -> list[Chapter]:
    return [Chapter(0.0, "开始"), *(Chapter(entry["at"], entry["text"]) for entry in log)]


def life(pool: Pool) -> Sessions:
    return Sessions(pool, bytes(32), lambda: START_UTC)


async def lesson_of(pool: Pool, lesson: str) -> LessonRecord:
    async with pool.connection() as connection:
        found = await read_lesson(connection, lesson)
    assert found is not None
    return found


async def recorded_two(book: Recordings, session: str) -> tuple[Recorded, str, str]:
    """Record three segments of picture and sound."""
    recorded = await book.open(session, MAIN, ANCHOR)
    video = await book.add_rendition(recorded, rendition())
    audio = await book.add_rendition(recorded, rendition("aac", 0))
    await book.append(recorded, video, segments(recorded, "720p", range(3)))
    await book.append(recorded, audio, segments(recorded, "aac", range(3)))
    return recorded, video, audio


async def test_a_recording_is_a_lesson_that_nobody_finds_until_its_end(
    pool: Pool, book: Recordings, session: str, town: Town
) -> None:
    recorded, video, _ = await recorded_two(book, session)
    before = await lesson_of(pool, recorded.lesson)
    assert (before.state, before.title, before.owner_id, before.teacher_name) == (
        "uploading", "两位数乘法", town.teacher, "王芳",
    )  # fmt: skip
    assert (before.school_id, before.grade, before.visibility) == (town.urban, "g3", "group")
    assert await Presentations(pool).presentation(recorded.lesson) is None
    await life(pool).ended(session)
    assert await book.finish(session) == recorded.lesson
    after = await lesson_of(pool, recorded.lesson)
    assert (after.state, after.duration_s, after.published_at is not None) == ("ready", 6.0, True)
    assert await state_of(pool, session) == "recorded"
    shown = await Presentations(pool).presentation(recorded.lesson)
    assert shown is not None
    assert shown.complete
    assert [len(item.segments()) for item in shown.renditions] == [3, 3]
    found = next(item for item in shown.renditions if item.id == video)
    assert [s.keyframe_bytes for s in found.segments()] == [100, 100, 100]


async def test_finish_may_be_said_again_and_at_once(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded, *_ = await recorded_two(book, session)
    await life(pool).ended(session)
    found = await asyncio.gather(*(book.finish(session) for _ in range(4)))
    assert set(found) == {recorded.lesson}


async def test_a_session_that_goes_on_is_not_finished(book: Recordings, session: str) -> None:
    await recorded_two(book, session)
    with pytest.raises(Conflict, match="end it first"):
        await book.finish(session)
    with pytest.raises(NotFound):
        await book.finish(new_id())


async def test_without_a_segment_the_session_has_failed(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded = await book.open(session, MAIN, ANCHOR)
    await book.add_rendition(recorded, rendition())
    await life(pool).ended(session)
    for _ in range(2):
        with pytest.raises(Conflict, match="nothing of this session was recorded"):
            await book.finish(session)
    assert await state_of(pool, session) == "failed"
    with pytest.raises(AssertionError):
        await lesson_of(pool, recorded.lesson)
    with pytest.raises(Conflict):
        await book.open(session, MAIN, ANCHOR)


async def test_what_was_begun_of_a_session_that_is_called_off_goes(
    pool: Pool, book: Recordings, town: Town
) -> None:
    session = await book_one(pool, town, 86_400)
    recorded, video, _ = await recorded_two(book, session)
    async with pool.connection() as connection:
        await advance(connection, session, SessionInput.CANCELLED, START_UTC)
    with pytest.raises(NotFound):
        await book.append(recorded, video, segments(recorded, "720p", [3]))
    with pytest.raises(AssertionError):
        await lesson_of(pool, recorded.lesson)


async def test_an_append_that_is_repeated_counts_once(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded, video, _ = await recorded_two(book, session)
    await book.append(recorded, video, segments(recorded, "720p", range(1, 3)))
    await book.append(recorded, video, segments(recorded, "720p", range(2, 5)))
    await book.append(recorded, video, [])
    assert [number for number, _ in await objects_of(pool, video)] == [0, 1, 2, 3, 4]


async def test_appends_at_once_count_once(pool: Pool, book: Recordings, session: str) -> None:
    recorded = await book.open(session, MAIN, ANCHOR)
    video = await book.add_rendition(recorded, rendition())
    items = segments(recorded, "720p", range(4))
    await asyncio.gather(*(book.append(recorded, video, items) for _ in range(4)))
    assert len(await objects_of(pool, video)) == 4


async def test_another_origin_that_records_the_same_number_is_refused(
    book: Recordings, session: str
) -> None:
    recorded, video, _ = await recorded_two(book, session)
    with pytest.raises(Conflict, match="another origin"):
        await book.append(recorded, video, [segment(recorded, "720p", 2, attempt=1)])


async def test_an_unknown_recording_or_rendition_is_told(book: Recordings, session: str) -> None:
    recorded = await book.open(session, MAIN, ANCHOR)
    with pytest.raises(NotFound, match="add it first"):
        await book.append(recorded, new_id(), segments(recorded, "720p", [0]))
    strange = Recorded(new_id(), 1, 0.0, {}, 0)
    with pytest.raises(NotFound):
        await book.append(strange, new_id(), segments(strange, "720p", [0]))
    with pytest.raises(NotFound):
        await book.open(new_id(), MAIN, ANCHOR)


async def test_after_a_kill_it_goes_on_where_all_renditions_are(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded, video, audio = await recorded_two(book, session)
    await book.append(recorded, video, segments(recorded, "720p", [3, 4]))
    again = await book.open(session, MAIN, ANCHOR + 99)
    assert (again.lesson, again.anchor_utc, again.next_number) == (recorded.lesson, ANCHOR, 3)
    assert set(again.renditions) == {"720p", "aac"}
    assert again.renditions["aac"].id == audio
    assert await garbage_of(pool) == {key_of(recorded, "720p", n) for n in (3, 4)}
    assert await book.add_rendition(again, rendition()) == video
    await book.append(again, video, segments(again, "720p", [3], after_s=7.0))
    assert await garbage_of(pool) == {key_of(recorded, "720p", 4)}
    assert len(await objects_of(pool, video)) == 4


@pytest.mark.parametrize("order", [("720p", "aac"), ("aac", "720p")])
async def test_killed_at_every_commit_nothing_is_lost_but_the_last_segment(
    order: tuple[str, str], pool: Pool, book: Recordings, session: str
) -> None:
    number = 0
    for killed_after in (1, 0, 2, 1, 2):
        recorded = await book.open(session, MAIN, ANCHOR)
        assert recorded.next_number in (number, number - 1)
        number = recorded.next_number
        ids = {n: await book.add_rendition(recorded, rendition(n)) for n in order}
        for name in order:
            await book.append(recorded, ids[name], segments(recorded, name, [number]))
        number += 1
        for name in order[:killed_after]:
            await book.append(recorded, ids[name], segments(recorded, name, [number]))
        number += killed_after > 0
    await life(pool).ended(session)
    shown = await Presentations(pool).presentation(await book.finish(session))
    assert shown is not None
    counts = [len(item.segments()) for item in shown.renditions]
    assert sorted(counts) in ([7, 8], [8, 8], [7, 7])
    assert all(item.complete for item in shown.renditions)


async def test_a_publisher_that_was_away_leaves_no_hole_in_time(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded, video, _ = await recorded_two(book, session)
    later = segments(recorded, "720p", [3, 4], after_s=10.0)
    await book.append(recorded, video, later)
    found = await Presentations(pool).rendition(video)
    assert found is not None
    seen = [(s.start_ts // VIDEO_SCALE, s.duration_ts // VIDEO_SCALE) for s in found[1].segments()]
    assert seen == [(0, 2), (2, 2), (4, 12), (16, 2), (18, 2)]


async def test_what_was_missed_in_one_append_is_covered_too(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded = await book.open(session, MAIN, ANCHOR)
    video = await book.add_rendition(recorded, rendition())
    await book.append(recorded, video, segments(recorded, "720p", [0, 3]))
    await life(pool).ended(session)
    await book.finish(session)
    found = await Presentations(pool).rendition(video)
    assert found is not None
    assert [(s.number, s.start_ts // VIDEO_SCALE, s.duration_ts // VIDEO_SCALE)
            for s in found[1].segments()] == [(0, 0, 6), (1, 6, 2)]  # fmt: skip


async def test_a_rung_that_was_dropped_is_not_shown(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded = await book.open(session, MAIN, ANCHOR)
    top = await book.add_rendition(recorded, rendition("720p"))
    low = await book.add_rendition(recorded, rendition("360p", 1))
    late = await book.add_rendition(recorded, rendition("240p", 2))
    await book.append(recorded, top, segments(recorded, "720p", range(8)))
    await book.append(recorded, low, segments(recorded, "360p", range(3)))
    await book.append(recorded, late, segments(recorded, "240p", range(4, 8)))
    again = await book.open(session, MAIN, ANCHOR)
    assert again.next_number == 8
    await life(pool).ended(session)
    shown = await Presentations(pool).presentation(await book.finish(session))
    assert shown is not None
    assert [item.name for item in shown.renditions] == ["720p"]
    assert key_of(recorded, "240p", 4) in await garbage_of(pool)


async def test_an_encoder_that_was_set_up_anew_is_kept_beside_and_the_longest_shown(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded = await book.open(session, MAIN, ANCHOR)
    first = await book.add_rendition(recorded, rendition(init=b"first"))
    await book.append(recorded, first, segments(recorded, "720p", range(2)))
    second = await book.add_rendition(recorded, rendition(init=b"second"))
    assert second != first
    assert await book.add_rendition(recorded, rendition(init=b"second")) == second
    await book.append(recorded, second, segments(recorded, "720p-r2", range(2, 9)))
    await life(pool).ended(session)
    shown = await Presentations(pool).presentation(await book.finish(session))
    assert shown is not None
    assert [(item.name, len(item.segments())) for item in shown.renditions] == [("720p-r2", 7)]


async def test_nothing_is_added_after_the_end_but_repeats_are_heard(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded, video, _ = await recorded_two(book, session)
    await life(pool).ended(session)
    await book.finish(session)
    await book.append(recorded, video, segments(recorded, "720p", [2]))
    with pytest.raises(Conflict, match="takes no more"):
        await book.append(recorded, video, segments(recorded, "720p", [3]))
    with pytest.raises(Conflict):
        await book.open(session, MAIN, ANCHOR)
    with pytest.raises(Conflict):
        await book.add_rendition(recorded, rendition("360p"))


async def test_chapters_come_from_the_room_and_feeds_have_lessons_of_their_own(
    pool: Pool, book: Recordings, town: Town
) -> None:
    session = await book_one(
        pool, town, kind=SessionKind.PAIRED_LESSON, second_classroom=town.far, listening=(),
        second_teacher=town.rural_teacher,
    )  # fmt: skip
    await life(pool).went_live(session)
    log = RoomEvents(pool)
    await log.append(session, [{"kind": "asked", "text": "为什么要进位？", "at": 7.0}])
    lessons: dict[FeedName, str] = {}
    for feed, anchor in ((MAIN, ANCHOR), (FeedName.SECOND, ANCHOR + 2), (FeedName.FLOOR, ANCHOR)):
        recorded = await book.open(session, feed, anchor)
        video = await book.add_rendition(recorded, rendition())
        await book.append(recorded, video, segments(recorded, "720p", range(6)))
        lessons[feed] = recorded.lesson
    await life(pool).ended(session)
    assert await book.finish(session) == lessons[MAIN]
    assert await chapters_of(pool, lessons[MAIN]) == (Chapter(0.0, "开始"), ASKED(7.0))
    assert await chapters_of(pool, lessons[FeedName.SECOND]) == (Chapter(0.0, "开始"), ASKED(5.0))
    assert await chapters_of(pool, lessons[FeedName.FLOOR]) == ()
    second = await lesson_of(pool, lessons[FeedName.SECOND])
    assert (second.teacher_name, second.school_id) == ("孙磊", town.rural)
    floor = await lesson_of(pool, lessons[FeedName.FLOOR])
    assert (floor.title, floor.visibility) == ("两位数乘法（发言）", "private")
    async with pool.connection() as connection:
        found = await read_session(connection, session)
    assert found is not None
    assert (found.lesson_id, found.second_lesson_id) == (
        lessons[MAIN], lessons[FeedName.SECOND],
    )  # fmt: skip


def ASKED(at_s: float) -> Chapter:  # noqa: N802 (reads as a value)
    return Chapter(at_s, "为什么要进位？")


async def chapters_of(pool: Pool, lesson: str) -> tuple[Chapter, ...]:
    shown = await Presentations(pool).presentation(lesson)
    assert shown is not None
    return shown.chapters


async def test_chapters_stay_with_their_moment_when_the_publisher_was_away(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded = await book.open(session, MAIN, ANCHOR)
    video = await book.add_rendition(recorded, rendition())
    ten_s = 10 * VIDEO_SCALE
    for item in segments(recorded, "720p", range(6)):
        shift_ts = ten_s if item.number >= 3 else 0
        key = f"media/{recorded.lesson}/1/720p/{item.number:06d}-t{shift_ts}.mp4"
        await book.append(recorded, video, [replace(item, key=key)])
    log = [{"kind": "asked", "text": "中断之后", "at": 18.0}]
    await RoomEvents(pool).append(session, log)
    await life(pool).ended(session)
    lesson = await book.finish(session)
    assert await chapters_of(pool, lesson) == (Chapter(0.0, "开始"), Chapter(8.0, "中断之后"))


async def test_a_version_that_was_uploaded_meanwhile_stands(
    pool: Pool, book: Recordings, session: str
) -> None:
    recorded, *_ = await recorded_two(book, session)
    async with pool.connection() as connection:
        source = StoredSource(recorded.lesson, 2, f"source/{recorded.lesson}/2", "a.mp4", 9)
        await add_version(connection, source)
    await life(pool).ended(session)
    assert await book.finish(session) == recorded.lesson
    assert (await lesson_of(pool, recorded.lesson)).state == "queued"


async def test_a_rooms_log_keeps_order_over_writers(pool: Pool, session: str) -> None:
    log = RoomEvents(pool)
    assert await log.read(session) == []
    await log.append(session, [{"kind": "began", "n": 0}, {"kind": "举手", "n": 1}])
    await asyncio.gather(*(log.append(session, _numbered(k)) for k in range(5)))
    found: Any = await log.read(session)
    assert [event["n"] for event in found[:2]] == [0, 1]
    groups = [tuple(event["n"] for event in found[i : i + 3]) for i in range(2, 17, 3)]
    assert sorted(groups) == [tuple(e["n"] for e in _numbered(k)) for k in range(5)]
    await log.append(session, [])
    with pytest.raises(NotFound):
        await log.append(new_id(), [{"kind": "began"}])


def _numbered(k: int) -> list[dict[str, Any]]:
    return [{"kind": "asked", "n": 10 * k + i} for i in range(3)]
