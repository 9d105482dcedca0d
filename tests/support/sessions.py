"""A small city for sessions: two paired schools, a stranger, their classrooms and people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from catalog.db.pool import Connection, Pool
from catalog.db.sessions_booking import FixedCapacity, book
from catalog.people import CITY_ZONE, Affiliation, Role, Viewer
from catalog.session import Booking, SessionKind
from tests.support.lessons import SINCE, add_person, insert

START = datetime(2026, 11, 25, 10, 0, tzinfo=CITY_ZONE)
START_UTC = START.timestamp()
LESSON_S = 2400
ROOMY = FixedCapacity(100)


@dataclass(frozen=True, slots=True)
class Town:
    """Ids. The city school is paired with the country one; the third is a stranger to both."""

    districts: tuple[str, str]
    urban: str
    rural: str
    other: str
    main: str
    main_2: str
    far: str
    far_2: str
    foreign: str
    teacher: str
    colleague: str
    rural_teacher: str

    def booking(self, after_s: float = 0.0, **changes: Any) -> Booking:
        """A lesson of the teacher's, main classroom and the far one, `after_s` behind START."""
        made = Booking(
            "两位数乘法", SessionKind.SYNC_CLASS, self.teacher, START_UTC + after_s, LESSON_S,
            open_to_all=False, visibility="group", school_id=self.urban, main_classroom=self.main,
            listening=(self.far,), grade="g3", subject="mathematics",
        )  # fmt: skip
        return replace(made, **changes)


async def make_town(connection: Connection) -> Town:
    """Write the city."""
    shinan = await insert(connection, "district", name="市南区")
    pingdu = await insert(connection, "district", name="平度市")
    urban = await _school(connection, "海滨小学", shinan, "urban")
    rural = await _school(connection, "田野小学", pingdu, "rural")
    other = await _school(connection, "山前小学", pingdu, "rural")
    await insert(
        connection, "school_pair", urban_school_id=urban, rural_school_id=rural, since=SINCE
    )
    rooms = [
        await insert(connection, "classroom", school_id=school, name=name)
        for school, name in (
            (urban, "一号教室"), (urban, "二号教室"), (rural, "一号教室"), (rural, "二号教室"),
            (other, "一号教室"),
        )
    ]  # fmt: skip
    people = [await add_person(connection, name) for name in ("王芳", "李强", "孙磊")]
    return Town((shinan, pingdu), urban, rural, other, *rooms, *people)


async def _school(connection: Connection, name: str, district: str, setting: str) -> str:
    return await insert(connection, "school", name=name, district_id=district, setting=setting)


async def book_one(pool: Pool, town: Town, after_s: float = 0.0, **changes: Any) -> str:
    """Book a session in a transaction of its own; give its id."""
    async with pool.connection() as connection:
        return await book(connection, town.booking(after_s, **changes), town.teacher, ROOMY)


async def state_of(pool: Pool, session: str) -> str:
    """Read a session's state."""
    async with pool.connection() as connection:
        cursor = await connection.execute("select state from session where id = %s", (session,))
        row = await cursor.fetchone()
    assert row is not None
    return str(row["state"])


def viewer(person: str = "someone", **held: Any) -> Viewer:
    """Someone with one affiliation."""
    role = held.pop("role", Role.TEACHER)
    return Viewer(person, "某人", (Affiliation(role, SINCE, **held),))


def at_clock(hour: int, minute: int = 0, days: int = 0) -> datetime:
    """A city time on the day of START."""
    return START.replace(hour=hour, minute=minute) + timedelta(days=days)
