"""What a caller sees of a database that goes away and comes back."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from blockbuster import BlockBuster

from catalog.db.embedded import embedded_postgres
from catalog.db.pool import Pool, make_pool
from catalog.errors import Conflict, Invalid, Unavailable
from catalog.http.problem import status_of
from tests.support.wait import eventually


async def answers(pool: Pool) -> bool:
    try:
        async with pool.connection(timeout=1.0) as connection:
            await connection.execute("select 1")
    except Unavailable:
        return False
    return True


async def cut_in_mid_transaction(pool: Pool, dsn: str) -> None:
    async with pool.connection() as connection:
        pid = connection.info.backend_pid
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as other:
            await other.execute("select pg_terminate_backend(%s)", (pid,))
        await connection.execute("select 1")


async def insert_and_refuse(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("insert into district (id, name) values ('d', 'd')")
        raise Conflict("no")


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tongbu-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


async def test_a_connection_cut_in_mid_transaction_is_unavailable_and_the_next_works(
    pool: Pool, dsn: str
) -> None:
    with pytest.raises(Unavailable, match="try again") as caught:
        await cut_in_mid_transaction(pool, dsn)
    assert status_of(caught.value) == 503
    assert await answers(pool)


async def test_a_pool_without_a_free_connection_is_unavailable(dsn: str) -> None:
    async with make_pool(dsn, size=1) as pool, pool.connection():
        with pytest.raises(Unavailable):
            async with pool.connection(timeout=0.05):
                pass


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
async def test_text_that_cannot_be_kept_is_invalid(pool: Pool, text: str) -> None:
    async def ask() -> None:
        async with pool.connection() as connection:
            await connection.execute("select 1 from district where name = %s", (text,))

    with pytest.raises(Invalid, match="cannot be kept"):
        await ask()


async def idle_too_long(pool: Pool) -> None:
    async with pool.connection() as connection, pool.connection() as other:
        await connection.execute("set idle_in_transaction_session_timeout = '10ms'")
        await other.set_autocommit(True)
        pid = connection.info.backend_pid

        async def ended() -> bool:
            query = "select 1 from pg_stat_activity where pid = %s"
            return await (await other.execute(query, (pid,))).fetchone() is None

        await eventually(ended)
        await connection.execute("select 1")


async def test_a_transaction_that_was_idle_too_long_may_be_tried_again(pool: Pool) -> None:
    with pytest.raises(Unavailable):
        await idle_too_long(pool)


async def test_our_own_errors_pass_through_and_roll_back(pool: Pool) -> None:
    with pytest.raises(Conflict):
        await insert_and_refuse(pool)
    async with pool.connection() as connection:
        cursor = await connection.execute("select count(*) as n from district")
        assert await cursor.fetchone() == {"n": 0}


async def test_the_pool_outlives_a_restart_of_the_database(
    home: Path, blockbuster: BlockBuster
) -> None:
    blockbuster.deactivate()
    with embedded_postgres(home) as dsn:
        pool = make_pool(dsn, size=3)
        await pool.open(wait=True)
        assert await answers(pool)
    assert not await answers(pool)
    with embedded_postgres(home):
        await eventually(lambda: answers(pool))
        await pool.close()


async def turns(count: int) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_is_cancelled_at_any_moment_of_being_lent_a_connection_ends(dsn: str) -> None:
    async def use(pool: Pool) -> None:
        async with pool.connection():
            pass
        await asyncio.Event().wait()

    async with make_pool(dsn, size=1) as pool:
        for moment in range(20):
            async with pool.connection():
                task = asyncio.create_task(use(pool))
                await eventually(lambda: pool.get_stats()["requests_waiting"] == 1)
            await turns(moment)
            task.cancel()
            done, _ = await asyncio.wait((task,), timeout=1)
            assert done, f"lost at turn {moment}"
            assert task.cancelled()
        assert await answers(pool)


async def test_a_connection_has_transactions_whenever_who_was_lent_it_is_cancelled(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool looks at a connection without one; where psycopg gives way it may not go back."""
    monkeypatch.setattr(psycopg.waiting, "MAX_BUSY_TIME", 0)

    async def use(pool: Pool) -> None:
        async with pool.connection():
            await asyncio.Event().wait()

    async with make_pool(dsn, size=1) as pool:
        for moment in range(20):
            task = asyncio.create_task(use(pool))
            await turns(moment)
            task.cancel()
            await asyncio.wait((task,))
            async with pool.connection() as connection:
                assert not connection.autocommit, f"cancelled at turn {moment}"
