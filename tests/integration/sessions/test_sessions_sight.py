"""The list's condition in SQL and the rule in catalog/session_rights.py are one rule."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.db.pool import Pool
from catalog.db.sessions import SessionFilter, list_sessions, read_session
from catalog.people import GUEST, Affiliation, Role, Viewer
from catalog.session import SessionKind
from catalog.session_rights import may_join
from tests.support.lessons import SINCE, insert
from tests.support.sessions import LESSON_S, Town, book_one

HELD: list[tuple[Role, str]] = [
    *[(role, place) for role in (Role.SCHOOL, Role.TEACHER, Role.RESEARCHER, Role.PUPIL)
      for place in ("urban", "rural", "other")],
    (Role.CLASSROOM, "urban"), (Role.CLASSROOM, "other"),
    *[(role, district) for role in (Role.DISTRICT, Role.RESEARCHER)
      for district in ("shinan", "pingdu", "jimo")],
    *[(role, "") for role in (Role.ADMINISTRATOR, Role.RESEARCHER, Role.PUPIL)],
]  # fmt: skip


def held_at(town: Town, role: Role, place: str, group: str) -> Affiliation:
    schools = {"urban": (town.urban, town.districts[0], group),
               "rural": (town.rural, town.districts[1], None),
               "other": (town.other, town.districts[1], group)}  # fmt: skip
    districts = {"shinan": town.districts[0], "pingdu": town.districts[1], "jimo": "nowhere"}
    fields: dict[str, Any] = {}
    if place in schools:
        school, district, of_group = schools[place]
        fields = {"school_id": school, "district_id": district, "group_id": of_group}
    elif place:
        fields = {"district_id": districts[place]}
    if role is Role.CLASSROOM:
        fields["classroom_id"] = town.main if place == "urban" else town.foreign
    return Affiliation(role, SINCE, **fields)


@pytest.fixture
async def group(pool: Pool, town: Town) -> str:
    """A group of the city school and the stranger."""
    async with pool.connection() as connection:
        key = await insert(connection, "education_group", name="海滨教育集团")
        await connection.execute(
            "update school set group_id = %s where id = any(%s)", (key, [town.urban, town.other])
        )
    return key


async def test_lists_show_what_may_be_joined_and_nothing_else(
    pool: Pool, town: Town, group: str
) -> None:
    booked = [
        await book_one(pool, town),
        await book_one(pool, town, LESSON_S, speakers=(town.colleague,)),
        await book_one(pool, town, 2 * LESSON_S, open_to_all=True),
        await book_one(pool, town, 3 * LESSON_S, school_id=None, main_classroom=None,
                       kind=SessionKind.RESEARCH, listening=()),
        await book_one(pool, town, 4 * LESSON_S, school_id=town.rural, main_classroom=town.far,
                       listening=(town.far_2,), teacher_id=town.rural_teacher),
    ]  # fmt: skip
    viewers = [GUEST, *(Viewer(person) for person in (town.teacher, town.colleague, "x"))]
    viewers += [Viewer("x", "", (held_at(town, role, place, group),)) for role, place in HELD]
    viewers.append(
        Viewer("x", "", tuple(held_at(town, *one, group) for one in (HELD[0], HELD[-1])))
    )
    async with pool.connection() as connection:
        records = [await read_session(connection, key) for key in booked]
        for viewer in viewers:
            shown = await list_sessions(connection, viewer, SessionFilter(), 50)
            wanted = [r.id for r in records if r and may_join(viewer, r.place)]
            assert [item.id for item in shown] == wanted, viewer
