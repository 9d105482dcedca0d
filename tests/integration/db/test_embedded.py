"""The embedded PostgreSQL and the pool on it, for real."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from catalog.db.embedded import PostgresError, embedded_postgres, running_server
from catalog.db.migrate import catalog_migrations, migrate
from catalog.db.pool import Pool
from tests.support.database import PostgresServer


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


def test_a_running_server_is_found_by_its_directory(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    home = Path(postgres.dsn.split("host=")[1].split("/postgres/socket")[0])
    assert running_server(home) == postgres.dsn
    assert running_server(tmp_path) is None
    with pytest.raises(PostgresError, match="another Tongbu runs on"), embedded_postgres(home):
        pass


def test_what_a_killed_server_left_is_not_running(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    for left in ("", "1\n/x\n0\n5432\n/nonexistent\n"):
        (cluster / "postmaster.pid").write_text(left)
        assert running_server(tmp_path) is None
