"""Lessons read from a real database, and how they look as JSON."""

from __future__ import annotations

import msgspec

from catalog.db.lessons import (
    count_my_lessons,
    my_lessons,
    read_lesson,
    read_lessons,
    read_next,
    read_renditions,
    read_subtitle_names,
)
from catalog.db.pool import Pool
from catalog.http.lesson_json import card, lesson
from catalog.people import GUEST
from tests.support.lessons import add_lesson, add_person, add_school, insert, teacher


def no_token(lesson: str) -> str:
    raise AssertionError("a public lesson needs no token")


async def test_records_come_in_the_order_asked_with_names(pool: Pool) -> None:
    async with pool.connection() as connection:
        school = await add_school(connection)
        series = await insert(connection, "series", name="青快学")
        first = await add_lesson(connection, school_id=school, series_id=series)
        second = await add_lesson(connection, "古诗三首")
        gone = await add_lesson(connection, deleted_at="2026-01-01")
        found = await read_lessons(connection, [second, gone, first, "0" * 20])
    assert [item.id for item in found] == [second, first]
    assert found[1].series_name == "青快学"
    assert found[1].school_name == "实验小学"
    assert found[1].place.district_id is not None


async def test_my_lessons_are_paged_by_id(pool: Pool) -> None:
    async with pool.connection() as connection:
        owner = await add_person(connection)
        ids = [await add_lesson(connection, str(n), owner_id=owner) for n in range(3)]
        await add_lesson(connection, "another's")
        newest = await my_lessons(connection, owner, 2)
        rest = await my_lessons(connection, owner, 2, before=newest[-1].id)
        total = await count_my_lessons(connection, owner)
        failed = await count_my_lessons(connection, owner, "failed")
    assert sorted(ids, reverse=True) == [item.id for item in [*newest, *rest]]
    assert (total, failed) == (3, 0)


async def test_rates_are_measured_from_the_segments(pool: Pool) -> None:
    async with pool.connection() as connection:
        lesson_id = await add_lesson(connection)
        rendition = await insert(
            connection, "rendition", lesson_id=lesson_id, generation=1, name="720p", media="video",
            codecs="avc1.64001f", timescale=1000, init=b"i", rung=0, width_px=1280, height_px=720,
        )  # fmt: skip
        await connection.execute(
            "insert into media_object values (%s, 0, 'k', 1, 0, '{1000, 3000}', '{4000, 4000}')",
            (rendition,),
        )
        rows = await read_renditions(connection, lesson_id, 1)
    assert [(row.bandwidth_bps, row.average_bandwidth_bps) for row in rows] == [(6000, 4000)]


async def test_the_next_of_a_series_plays_and_follows(pool: Pool) -> None:
    async with pool.connection() as connection:
        series = await insert(connection, "series", name="名师空中课堂")
        ids = [
            await add_lesson(connection, str(n), series_id=series, position=n, state=state)
            for n, state in enumerate(["ready", "failed", "playable"])
        ]
        first = await read_lesson(connection, ids[0])
        last = await read_lesson(connection, ids[2])
        assert first is not None
        assert last is not None
        following = await read_next(connection, first)
        assert following is not None
        assert following.id == ids[2]
        assert await read_next(connection, last) is None


async def test_json_of_a_public_lesson(pool: Pool) -> None:
    async with pool.connection() as connection:
        owner = await add_person(connection)
        key = await add_lesson(connection, owner_id=owner)
        await insert(connection, "subtitle", lesson_id=key, language="zh-Hans", label="中文",
                     webvtt="WEBVTT\n", transcript="")  # fmt: skip
        await connection.execute(
            "insert into side_product (lesson_id, generation, kind) values (%s, 1, 'poster')",
            (key,),
        )
        record = await read_lesson(connection, key)
        subtitles = await read_subtitle_names(connection, key)
    assert record is not None
    shown = lesson(record, GUEST, no_token, subtitles=subtitles)
    assert shown.urls.hls == f"/media/{key}/multivariant.m3u8"
    assert shown.urls.subtitles[0].url == f"/media/{key}/subtitles/zh-Hans.vtt"
    assert shown.poster_url == f"/media/{key}/poster.jpg"
    assert (shown.thumbnails_url, shown.error, shown.can_edit) == (None, None, False)
    assert msgspec.json.decode(msgspec.json.encode(shown))["created_at"].endswith("Z")
    assert card(record, teacher(owner), no_token).can_edit


async def test_json_of_another_lesson_carries_one_token(pool: Pool) -> None:
    async with pool.connection() as connection:
        key = await add_lesson(connection, visibility="school")
        record = await read_lesson(connection, key)
    assert record is not None
    asked: list[str] = []

    def token(of: str) -> str:
        asked.append(of)
        return "a+b"

    shown = lesson(record, GUEST, token)
    assert shown.urls.dash == f"/media/{key}/manifest.mpd?token=a%2Bb"
    assert asked == [key]
