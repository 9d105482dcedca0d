"""A whole registry is written at once, and only into an empty one."""

from __future__ import annotations

from datetime import date

import pytest

from catalog.db.city import insert_city
from catalog.db.pool import Pool
from catalog.errors import Conflict
from deploy.demo_city import demo_city


async def test_the_city_is_written_once(pool: Pool) -> None:
    city = demo_city(date(2026, 9, 1))
    ids = await insert_city(pool, city)
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "select (select count(*) from classroom) as rooms, (select count(*) from school_pair)"
            " as pairs, (select count(*) from school where group_id is not null) as schools"
        )
        assert await cursor.fetchone() == {"rooms": 1400, "pairs": 270, "schools": len(ids)}
    with pytest.raises(Conflict, match="not empty"):
        await insert_city(pool, city)
