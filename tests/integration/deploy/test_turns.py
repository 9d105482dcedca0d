"""A lesson whose publisher is gone: it waits, and ends with its session, heard of or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from catalog.db.pool import Pool
from catalog.db.recordings import Recordings
from catalog.db.room_log import RoomEvents
from catalog.db.sessions_life import Sessions, TimeKeeper, advance
from catalog.live import FeedName
from catalog.session import GRACE_S, SessionInput
from catalog.store.local import LocalSettings, LocalStore
from deploy.live_parts import Turns
from deploy.live_ways import Ways
from deploy.session_parts import SessionPorts
from streaming.live.metrics import LiveMetrics
from streaming.live.origin import Origin
from tests.support.children import FFMPEG
from tests.support.live_origin import RENDITIONS, encoded_live, send
from tests.support.sessions import LESSON_S, START_UTC, book_one, make_town, state_of
from tests.support.wait import eventually
from transcoder.live.address import Address
from transcoder.live.feed_state import FeedState
from transcoder.live.feeds import LiveIngest, live_ingest
from transcoder.live.metrics import LiveMetrics as IngestMetrics
from transcoder.live.rtsp import RtspIngest
from transcoder.live.settings import IngestSettings
from transcoder.live.srt import SrtIngest

AWAY_S = 0.05
TAUGHT_S = 6


@dataclass(slots=True)
class House:
    """Origin, ingest and catalogue of one lesson that has begun."""

    pool: Pool
    turns: Turns
    origin: Origin
    ingest: LiveIngest
    session: str
    lessons: dict[str, str]
    now_utc: float = START_UTC

    async def keep_time(self) -> None:
        """Let the catalogue's clock act once."""
        recordings = Recordings(self.pool, lambda: self.now_utc)
        await TimeKeeper(self.pool, recordings.finish, lambda: self.now_utc).tick()

    async def leaves(self) -> None:
        """Let the publisher come, teach by other means, and go for good."""
        at = Address(self.session, FeedName.MAIN, "")
        publisher = await self.ingest.admit(lambda: at, "here", trusted=True)
        feed = self.origin.find(self.session, FeedName.MAIN)
        assert feed is not None
        await feed.begin(RENDITIONS)
        await send(feed, encoded_live(TAUGHT_S))
        publisher.leave()
        live = self.ingest.find(self.session, FeedName.MAIN)
        assert live is not None
        await eventually(lambda: live.state is FeedState.RESTING)

    async def is_in(self, state: str) -> bool:
        """Tell whether the session is in a state."""
        return await state_of(self.pool, self.session) == state


@pytest.fixture(autouse=True)
def media() -> None:
    """Make it before a loop runs."""
    encoded_live(TAUGHT_S)


@pytest.fixture
async def house(pool: Pool, tmp_path: Path) -> AsyncIterator[House]:
    store = await asyncio.to_thread(LocalStore, LocalSettings(tmp_path / "store", 0))
    async with pool.connection() as connection:
        town = await make_town(connection)
    session = await book_one(pool, town)
    async with _house(pool, store, session) as made:
        yield made
    await store.close()


@asynccontextmanager
async def _house(pool: Pool, store: LocalStore, session: str) -> AsyncIterator[House]:
    def clock() -> float:
        return START_UTC

    lessons: dict[str, str] = {}
    ports = SessionPorts(Sessions(pool, bytes(32), clock), Recordings(pool, clock),
                         RoomEvents(pool))  # fmt: skip
    turns = Turns(ports)
    turns.origin = Origin(
        ports.book, ports.recordings, store, LiveMetrics(CollectorRegistry()), lessons.__setitem__
    )
    settings = IngestSettings(ffmpeg=Path(FFMPEG), away_s=AWAY_S, encode_cores=4)
    metrics = IngestMetrics(CollectorRegistry())
    async with live_ingest(turns.origin, ports.book, settings, metrics) as turns.ingest:
        turns.ways = Ways(ports.book, SrtIngest(turns.ingest), RtspIngest(turns.ingest))
        house = House(pool, turns, turns.origin, turns.ingest, session, lessons)
        await house.keep_time()
        yield house
        await turns.close()
    await turns.origin.close()


async def test_a_lesson_nobody_ends_is_ended_by_the_clock_and_recorded(house: House) -> None:
    await house.leaves()
    await eventually(lambda: house.is_in("live"))
    house.now_utc = START_UTC + LESSON_S + GRACE_S - 1
    await house.keep_time()
    house.turns.on_session(house.session)
    assert await house.is_in("live"), "the teacher may still come back"
    house.now_utc += 1
    await house.keep_time()
    assert await house.is_in("ended")
    house.turns.on_session(house.session)
    await eventually(lambda: house.is_in("recorded"))
    assert house.session in house.lessons
    assert house.ingest.sessions() == set()


async def test_an_end_that_was_not_heard_is_found_when_the_catalogue_is_back(house: House) -> None:
    await house.leaves()
    async with house.pool.connection() as connection:
        await advance(connection, house.session, SessionInput.ENDED, START_UTC)
    assert house.ingest.sessions() == {house.session}
    house.turns.on_gap()
    await eventually(lambda: house.is_in("recorded"))
    assert house.ingest.sessions() == set()


async def test_a_gap_ends_nothing_that_goes_on(house: House) -> None:
    await house.leaves()
    await house.turns._look_again()
    assert house.ingest.sessions() == {house.session}
    at = Address(house.session, FeedName.MAIN, "")
    (await house.ingest.admit(lambda: at, "here", trusted=True)).leave()
