"""The embedded PostgreSQL and the pool on it, for real."""

from __future__ import annotations

import psycopg

from catalog.db.migrate import catalog_migrations, migrate
from catalog.db.pool import Pool


async def test_a_fresh_catalogue_answers(pool: Pool) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute("select count(*) as n from lesson")
        assert await cursor.fetchone() == {"n": 0}


def test_migrating_again_changes_nothing(dsn: str) -> None:
    assert migrate(dsn) == []


def test_every_step_is_written_down(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select name from migration order by name").fetchall()
    assert [name for (name,) in rows] == [step.name for step in catalog_migrations()]
