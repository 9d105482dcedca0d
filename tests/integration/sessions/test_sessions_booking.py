"""Booking on a real database: clashes, capacity, and two who book at the same moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from catalog.db.pool import Pool
from catalog.db.sessions import read_session
from catalog.db.sessions_booking import (
    FixedCapacity,
    book,
    read_pair_schools,
    read_school,
    read_schools,
    rebook,
)
from catalog.db.sessions_life import advance
from catalog.errors import Conflict, Invalid
from catalog.ids import new_id
from catalog.session import SessionInput, SessionKind
from tests.support.sessions import LESSON_S, ROOMY, START, START_UTC, Town, book_one


async def test_what_is_booked_is_read_back(pool: Pool, town: Town) -> None:
    session = await book_one(pool, town, speakers=(town.colleague,))
    async with pool.connection() as connection:
        found = await read_session(connection, session)
    assert found is not None
    assert (found.title, found.state, found.duration_s) == ("两位数乘法", "scheduled", LESSON_S)
    assert [(r["id"], r["part"], r["school_name"]) for r in found.rooms] == [
        (town.far, "listening", "田野小学"), (town.main, "main", "海滨小学"),
    ]  # fmt: skip
    assert [(p["name"], p["part"]) for p in found.people] == [
        ("李强", "speaker"), ("王芳", "teacher"),
    ]  # fmt: skip
    assert found.live.starts_utc == START_UTC
    assert found.place.school is not None
    assert found.place.school.id == town.urban


@pytest.mark.parametrize(
    "changes",
    [
        {"main_classroom": "main", "listening": ("far_2",), "teacher_id": "colleague"},
        {"main_classroom": "main_2", "listening": ("far",), "teacher_id": "colleague"},
        {"main_classroom": "main_2", "listening": ("main",), "teacher_id": "colleague"},
        {"main_classroom": "main_2", "listening": ("far_2",), "teacher_id": "teacher"},
    ],
)
async def test_a_room_or_teacher_in_two_sessions_is_a_clash(
    changes: dict[str, Any], pool: Pool, town: Town
) -> None:
    first = await book_one(pool, town)
    for name, value in changes.items():
        ids = [getattr(town, v) for v in ((value,) if isinstance(value, str) else value)]
        changes[name] = ids[0] if isinstance(value, str) else tuple(ids)
    with pytest.raises(Conflict, match=f"2026-11-25 at 10:00 by “两位数乘法” .{first}"):
        await book_one(pool, town, LESSON_S - 1, **changes)
    await book_one(pool, town, LESSON_S, **changes)


async def test_a_speaker_may_be_asked_twice_and_one_called_off_is_no_clash(
    pool: Pool, town: Town
) -> None:
    first = await book_one(pool, town)
    free: dict[str, Any] = {"main_classroom": town.main_2, "listening": (town.far_2,)}
    await book_one(pool, town, teacher_id=town.colleague, speakers=(town.teacher,), **free)
    async with pool.connection() as connection:
        await advance(connection, first, SessionInput.CANCELLED, START_UTC)
    await book_one(pool, town, teacher_id=town.rural_teacher)


async def test_of_two_at_once_one_is_told_of_the_other(pool: Pool, town: Town) -> None:
    found = await asyncio.gather(
        *(book_one(pool, town, after_s=60.0 * n) for n in range(6)), return_exceptions=True
    )
    booked = [item for item in found if isinstance(item, str)]
    told = [str(item) for item in found if isinstance(item, Conflict)]
    assert (len(booked), len(told)) == (1, 5)
    assert all(booked[0] in words for words in told)


async def test_capacity_counts_feeds_at_the_same_moment(pool: Pool, town: Town) -> None:
    three = FixedCapacity(3)
    async with pool.connection() as connection:
        await book(
            connection,
            town.booking(kind=SessionKind.PAIRED_LESSON, second_classroom=town.far, listening=()),
            town.teacher,
            three,
        )
    open_class: dict[str, Any] = {
        "kind": SessionKind.OPEN_CLASS,
        "main_classroom": None,
        "listening": (),
    }
    async with pool.connection() as connection:
        await book(connection, town.booking(teacher_id=town.colleague, **open_class),
                   town.teacher, three)  # fmt: skip
    with pytest.raises(Conflict, match="carries 3 pictures at once"):
        async with pool.connection() as connection:
            await book(connection, town.booking(teacher_id=town.rural_teacher, **open_class),
                       town.teacher, three)  # fmt: skip
    async with pool.connection() as connection:
        await book(
            connection, town.booking(LESSON_S, teacher_id=town.rural_teacher, **open_class),
            town.teacher, three,
        )  # fmt: skip


async def test_a_session_moves_within_its_own_time(pool: Pool, town: Town) -> None:
    session = await book_one(pool, town)
    async with pool.connection() as connection:
        await rebook(
            connection, session, town.booking(600, listening=(town.far_2,), title="复习"), ROOMY
        )
    async with pool.connection() as connection:
        found = await read_session(connection, session)
    assert found is not None
    assert (found.title, found.starts_at.timestamp()) == ("复习", START_UTC + 600)
    assert {room["id"] for room in found.rooms} == {town.main, town.far_2}


async def test_unknown_ids_are_told(pool: Pool, town: Town) -> None:
    with pytest.raises(Invalid, match="no such series"):
        await book_one(pool, town, series_id=new_id())
    with pytest.raises(Invalid, match="no such person"):
        await book_one(pool, town, teacher_id=new_id())
    async with pool.connection() as connection:
        with pytest.raises(Invalid, match="no classroom"):
            await read_schools(connection, [town.main, new_id()])
        with pytest.raises(Invalid, match="no such school"):
            await read_school(connection, new_id())


async def test_pairs_are_read_from_both_sides(pool: Pool, town: Town) -> None:
    async with pool.connection() as connection:
        assert await read_pair_schools(connection, town.urban, START) == {town.rural}
        assert await read_pair_schools(connection, town.rural, START) == {town.urban}
        assert await read_pair_schools(connection, town.other, START) == set()
        early = START.replace(year=2019)
        assert await read_pair_schools(connection, town.urban, early) == set()
