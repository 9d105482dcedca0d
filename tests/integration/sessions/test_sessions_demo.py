"""The demo city has a room that is open now, and lessons this week and next."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from catalog.db.pool import Pool
from catalog.db.sessions import SessionFilter, list_sessions, read_session
from catalog.db.sessions_life import Sessions
from catalog.live import FeedName
from catalog.people import CITY_ZONE, Affiliation, Role, Viewer
from deploy.demo_sessions import SESSIONS, THIS_WEEK, book_demo_sessions, demo_term
from tests.support.lessons import SINCE, add_person
from tests.support.sessions import Town

EVERYONE = Viewer("a", "", (Affiliation(Role.ADMINISTRATOR, SINCE),))


@pytest.mark.parametrize("hour", [0, 8, 9, 19])
async def test_the_week_is_booked_whatever_the_hour(hour: int, pool: Pool, town: Town) -> None:
    now = datetime(2026, 11, 23, hour, 55, tzinfo=CITY_ZONE)
    async with pool.connection() as connection:
        for name in ("wangfang", "lina", "zhangwei"):
            await add_person(connection, name, username=name)
    schools = [(town.urban, town.rural)] * 3
    session = await book_demo_sessions(pool, schools, now.timestamp())
    async with pool.connection() as connection:
        found = await read_session(connection, session)
        listed = await list_sessions(connection, EVERYONE, SessionFilter(), 100)
    assert found is not None
    assert found.state == "waiting"
    book = Sessions(pool, bytes(32), now.timestamp)
    assert await book.publishes(session, FeedName.MAIN, book.key(found, FeedName.MAIN))
    assert len(listed) > len(SESSIONS)
    assert all(item.ends_at > now for item in listed)


def test_the_term_is_in_its_tenth_week() -> None:
    for day in (date(2026, 11, 23), date(2026, 11, 29), date(2027, 2, 1)):
        assert demo_term(day).week_of(day) == THIS_WEEK
