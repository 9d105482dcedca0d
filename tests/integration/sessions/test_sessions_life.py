"""Sessions move through their states: by the teacher, the data plane and the clock."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from catalog.db.listen import listening
from catalog.db.pool import Pool
from catalog.db.sessions import read_session
from catalog.db.sessions_life import Sessions, TimeKeeper, advance, new_key, open_secret
from catalog.errors import Conflict, NotFound
from catalog.ids import new_id
from catalog.live import FeedName
from catalog.session import GRACE_S, OPENS_BEFORE_S, UNFINISHED_S, SessionInput, SessionKind
from tests.support.sessions import LESSON_S, START_UTC, Town, book_one, state_of

SECRET = bytes(32)
MAIN, SECOND, FLOOR = FeedName.MAIN, FeedName.SECOND, FeedName.FLOOR


class Clock:
    def __init__(self, now_utc: float = START_UTC) -> None:
        self.now_utc = now_utc

    def __call__(self) -> float:
        return self.now_utc


def sessions(pool: Pool, clock: Clock) -> Sessions:
    return Sessions(pool, SECRET, clock)


async def key_of(book: Sessions, session: str, feed: FeedName = MAIN) -> str:
    record = await book.record(session)
    assert record is not None
    return book.key(record, feed)


async def test_the_data_plane_finds_sessions(pool: Pool, town: Town) -> None:
    book = sessions(pool, Clock())
    session = await book_one(pool, town)
    found = await book.find(session)
    assert found is not None
    assert (found.kind, found.starts_utc, found.duration_s) == (
        SessionKind.SYNC_CLASS, START_UTC, LESSON_S,
    )  # fmt: skip
    assert await book.find(new_id()) is None
    assert await book.find("../etc/passwd") is None


async def test_a_key_publishes_its_own_feed_when_the_room_is_open(pool: Pool, town: Town) -> None:
    clock = Clock(START_UTC - OPENS_BEFORE_S)
    book = sessions(pool, clock)
    session, other = await book_one(pool, town), await book_one(pool, town, LESSON_S)
    key = await key_of(book, session)
    assert await book.publishes(session, MAIN, key)
    assert await book.publishes(session, FLOOR, await key_of(book, session, FLOOR))
    assert not await book.publishes(session, FLOOR, key)
    assert not await book.publishes(session, SECOND, await key_of(book, session, SECOND))
    assert not await book.publishes(session, MAIN, await key_of(book, other))
    assert not await book.publishes(session, MAIN, "错误的密钥")
    assert not await book.publishes(new_id(), MAIN, key)
    clock.now_utc -= 1
    assert not await book.publishes(session, MAIN, key)


async def test_the_other_lesson_of_two_has_a_key(pool: Pool, town: Town) -> None:
    book = sessions(pool, Clock())
    session = await book_one(
        pool, town, kind=SessionKind.PAIRED_LESSON, second_classroom=town.far, listening=()
    )
    assert await book.publishes(session, SECOND, await key_of(book, session, SECOND))


async def test_a_new_key_ends_the_old_one(pool: Pool, town: Town) -> None:
    book = sessions(pool, Clock())
    session = await book_one(pool, town)
    old = await key_of(book, session)
    async with pool.connection() as connection:
        await new_key(connection, session)
    assert not await book.publishes(session, MAIN, old)
    assert await book.publishes(session, MAIN, await key_of(book, session))


async def test_all_origins_have_one_secret(pool: Pool) -> None:
    found = await asyncio.gather(*(open_secret(pool) for _ in range(4)))
    assert len(set(found)) == 1
    assert len(found[0]) == 32


async def test_from_booked_to_ended(pool: Pool, town: Town) -> None:
    book = sessions(pool, Clock())
    session = await book_one(pool, town)
    await book.went_live(session)
    await book.went_live(session)
    await book.ended(session)
    await book.ended(session)
    assert await state_of(pool, session) == "ended"
    with pytest.raises(Conflict):
        await book.went_live(session)
    with pytest.raises(NotFound):
        await book.ended(new_id())
    assert not await book.publishes(session, MAIN, await key_of(book, session))


async def test_what_was_not_begun_cannot_end_and_what_is_over_has_ended(
    pool: Pool, town: Town
) -> None:
    book = sessions(pool, Clock())
    session = await book_one(pool, town)
    with pytest.raises(Conflict):
        await book.ended(session)
    await book.went_live(session)
    await book.ended(session)
    async with pool.connection() as connection:
        await advance(connection, session, SessionInput.NOTHING_RECORDED, START_UTC)
    await book.ended(session)
    assert await state_of(pool, session) == "failed"


async def test_the_clock_opens_and_ends(pool: Pool, town: Town) -> None:
    finished: list[str] = []

    async def finish(session: str) -> None:
        finished.append(session)
        raise Conflict("nothing of this session was recorded")

    clock = Clock(START_UTC - OPENS_BEFORE_S - 1)
    keeper = TimeKeeper(pool, finish, clock)
    session = await book_one(pool, town)
    assert await keeper.tick() == 0
    clock.now_utc += 1
    assert (await keeper.tick(), await state_of(pool, session)) == (1, "waiting")
    assert await keeper.tick() == 0
    clock.now_utc = START_UTC + LESSON_S + GRACE_S
    assert (await keeper.tick(), await state_of(pool, session)) == (1, "ended")
    assert finished == []
    clock.now_utc += UNFINISHED_S
    await keeper.tick()
    assert finished == [session]


async def test_two_clocks_move_a_session_once(pool: Pool, town: Town) -> None:
    clock = Clock()
    keepers = [TimeKeeper(pool, _nothing, clock) for _ in range(4)]
    for n in range(20):
        await book_one(pool, town, LESSON_S * n)
    moved = await asyncio.gather(*(keeper.tick() for keeper in keepers))
    assert sum(moved) <= 20
    while await keepers[0].tick():
        pass
    async with pool.connection() as connection:
        cursor = await connection.execute("select count(*) as n from session where state='waiting'")
        row = await cursor.fetchone()
    assert row is not None
    assert row["n"] == 1


async def _nothing(session: str) -> None:
    """Finish nothing."""


async def test_a_start_is_heard_at_once_by_origins_and_classrooms(
    dsn: str, pool: Pool, town: Town
) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    session = await book_one(pool, town)
    async with listening(dsn) as listener:
        for channel in ("session", "classroom"):
            listener.subscribe(channel, partial(_put, heard, channel), _quiet)
        await listener.listening()
        await sessions(pool, Clock()).went_live(session)
        found = {await asyncio.wait_for(heard.get(), 5) for _ in range(3)}
    assert found == {("session", session), ("classroom", town.main), ("classroom", town.far)}


def _put(heard: asyncio.Queue[tuple[str, str]], channel: str, text: str) -> None:
    heard.put_nowait((channel, text))


def _quiet() -> None:
    """Nothing was missed."""


async def test_two_ends_at_once_are_one(pool: Pool, town: Town) -> None:
    book = sessions(pool, Clock())
    session = await book_one(pool, town)
    await book.went_live(session)
    await asyncio.gather(*(book.ended(session) for _ in range(5)))
    async with pool.connection() as connection:
        found = await read_session(connection, session)
    assert found is not None
    assert found.ended_at is not None
