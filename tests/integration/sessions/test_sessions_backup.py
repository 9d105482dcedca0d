"""Backup and restore keep sessions: timetables, keys, recordings and what was said."""

from __future__ import annotations

import asyncio
from datetime import date, time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from catalog import restore
from catalog.backup import write_backup
from catalog.db.pool import Pool, make_pool
from catalog.db.recordings import Recordings
from catalog.db.room_log import RoomEvents
from catalog.db.sessions_life import Sessions, open_secret
from catalog.db.timetable import add_term, make_timetable, read_term
from catalog.live import FeedName
from catalog.timetable import Period, Slot, Term
from tests.support.database import PostgresServer
from tests.support.recording import rendition, segments
from tests.support.sessions import ROOMY, START, START_UTC, Town, book_one

TABLES = ("session", "session_classroom", "session_person", "recording", "room_event", "term",
          "timetable", "installation_secret", "rendition", "media_object")  # fmt: skip


def rows_of(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    with psycopg.connect(dsn) as connection:
        queries = {
            name: sql.SQL("select * from {}").format(sql.Identifier(name)) for name in TABLES
        }
        return {
            name: sorted(connection.execute(query), key=repr) for name, query in queries.items()
        }


async def filled(pool: Pool, town: Town) -> tuple[str, str]:
    """Record a session and book a term; give the session and its key."""
    session = await book_one(pool, town)
    book, recordings = Sessions(pool, await open_secret(pool)), Recordings(pool)
    await book.went_live(session)
    recorded = await recordings.open(session, FeedName.MAIN, START_UTC)
    made = await recordings.add_rendition(recorded, rendition())
    await recordings.append(recorded, made, segments(recorded, "720p", range(3)))
    await RoomEvents(pool).append(session, [{"kind": "asked", "text": "为\t什么\\？\n", "at": 1}])
    async with pool.connection() as connection:
        term = Term(date(2026, 9, 1), 20, (Period(time(8, 0), 2400),), {date(2026, 12, 9): 0})
        key = await add_term(connection, "第一学期", None, term)
        record = await read_term(connection, key)
        assert record is not None
        slot = Slot(3, 1, 1, 20)
        booking = town.booking()
        await make_timetable(
            connection, record, slot, booking, town.teacher, ROOMY, START.timestamp()
        )
    found = await book.record(session)
    assert found is not None
    return session, book.key(found, FeedName.MAIN)


async def test_every_row_and_key_comes_back(
    dsn: str, pool: Pool, town: Town, postgres: PostgresServer, tmp_path: Path
) -> None:
    session, key = await filled(pool, town)
    before = await asyncio.to_thread(rows_of, dsn)
    assert all(before.values())
    archive = tmp_path / "backup.tar.gz"
    with postgres.database() as other:
        await asyncio.to_thread(write_backup, dsn, archive, START, "0.1.0")
        await asyncio.to_thread(restore.restore, other, archive)
        assert await asyncio.to_thread(rows_of, other) == before
        async with make_pool(other, 2) as restored:
            book = Sessions(restored, await open_secret(restored))
            assert await book.publishes(session, FeedName.MAIN, key)
            again = await Recordings(restored).open(session, FeedName.MAIN, 0.0)
            assert (again.anchor_utc, again.next_number) == (START_UTC, 3)
