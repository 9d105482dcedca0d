"""Who may come in is kept in memory: what was not heard is read again, and nothing is undone."""

from __future__ import annotations

import asyncio
import time

import pytest

from catalog.db import edges_known
from catalog.db.edges import enrolled_edges, revoke
from catalog.db.edges_known import ASKED_AGAIN, KnownEdges
from catalog.db.listen import listening
from catalog.db.pool import Connection, Pool
from catalog.edge_credential import CredentialWrong, sign
from catalog.edges import KnownEdge
from deploy.tasks import running
from tests.support.edges import Box, Bureau
from tests.support.sessions import Town
from tests.support.wait import eventually

DROP = "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'"


async def test_what_was_missed_while_nobody_listened_is_read_again(
    bureau: Bureau, dsn: str, pool: Pool, town: Town
) -> None:
    box = await bureau.box(town.rural)
    async with listening(dsn) as listener:
        known = KnownEdges(pool)
        known.attach(listener)
        await listener.listening()
        async with running(known.run(), "edges"):
            credential = sign(box.id, box.key, time.time())
            assert (await known.enter(credential)).id == box.id
            async with pool.connection() as connection:
                await connection.execute(DROP)
                await revoke(connection, box.id)

            async def out() -> bool:
                return not known.holds(credential)

            await eventually(out)


async def test_strangers_do_not_make_the_database_work(
    bureau: Bureau, pool: Pool, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def counted(connection: Connection, ids: list[str] | None) -> list[KnownEdge]:
        asked.append(ids)
        return await enrolled_edges(connection, ids)

    monkeypatch.setattr(edges_known, "enrolled_edges", counted)
    known, stranger = KnownEdges(pool), Box(bureau.desk.client)
    for number in range(3 * ASKED_AGAIN.burst):
        with pytest.raises(CredentialWrong):
            await known.enter(sign(f"{number:020}", stranger.key, time.time()))
    assert ASKED_AGAIN.burst <= len(asked) < 2 * ASKED_AGAIN.burst


async def test_an_older_answer_does_not_undo_a_newer_one(
    bureau: Bureau, dsn: str, pool: Pool, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = await bureau.box(town.rural)
    read, go_on = asyncio.Event(), asyncio.Event()

    async def slow_at_first(connection: Connection, ids: list[str] | None) -> list[KnownEdge]:
        found = await enrolled_edges(connection, ids)
        if not read.is_set():
            read.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(edges_known, "enrolled_edges", slow_at_first)
    async with listening(dsn) as listener:
        known = KnownEdges(pool)
        known.attach(listener)
        await listener.listening()
        async with running(known.run(), "edges"):
            await read.wait()  # the edge as it was: enrolled
            async with bureau.desk.pool.connection() as connection:
                await revoke(connection, box.id)
            go_on.set()

            async def out() -> bool:
                try:
                    await known.enter(sign(box.id, box.key, time.time()))
                except CredentialWrong:
                    return True
                return False

            await eventually(out)


async def test_no_more_is_remembered_than_the_limit(
    bureau: Bureau, pool: Pool, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges_known, "REMEMBERED_LIMIT", 3)
    box, known, now = await bureau.box(town.rural), KnownEdges(pool), time.time()
    credentials = [sign(box.id, box.key, now - late_s) for late_s in range(6)]
    for text in credentials:
        await known.enter(text)
    assert [known.holds(text) for text in credentials] == [False] * 3 + [True] * 3
