"""What sessions and timetables use is not removed from the registry, and the refusal says so."""

from __future__ import annotations

import pytest

from catalog.db.people import delete_person
from catalog.db.pool import Pool
from catalog.db.registry import CLASSROOMS, SCHOOLS, Table, delete_row
from catalog.db.timetable import add_term
from catalog.errors import Conflict
from catalog.timetable import Period, Term
from tests.support.lessons import add_school
from tests.support.sessions import START, Town, book_one


async def refusal(pool: Pool, table: Table, key: str) -> str:
    async with pool.connection() as connection:
        with pytest.raises(Conflict) as told:
            await delete_row(connection, table, key)
        await connection.rollback()
    return str(told.value)


async def test_a_classroom_a_school_and_a_person_of_a_session(pool: Pool, town: Town) -> None:
    await book_one(pool, town)
    for room in (town.main, town.far):
        assert "classroom still has sessions" in await refusal(pool, CLASSROOMS, room)
    async with pool.connection() as connection:
        await connection.execute("update session set created_by = null")
        with pytest.raises(Conflict, match="person still has sessions"):
            await delete_person(connection, town.teacher)


async def test_a_school_of_a_session_and_one_with_a_term(pool: Pool, town: Town) -> None:
    async with pool.connection() as connection:
        of_session = await add_school(connection, "会城中学")
        of_term = await add_school(connection, "滨城中学")
    session = await book_one(pool, town)
    async with pool.connection() as connection:
        await connection.execute(
            "update session set school_id = %s where id = %s", (of_session, session)
        )
        term = Term(START.date(), 2, (Period(START.time(), 2400),))
        await add_term(connection, "夏令时间", of_term, term)
    assert "school still has sessions" in await refusal(pool, SCHOOLS, of_session)
    assert "school still has terms" in await refusal(pool, SCHOOLS, of_term)
