"""Who comes in: keys, turns, races at the door, and origins that cannot open now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from catalog.errors import Conflict, NotFound, Unavailable
from catalog.live import FeedName
from streaming.live.port import Feed
from tests.support.children import FFMPEG
from tests.support.live_feeds import KEY, KeptFeeds, OneKeyBook
from tests.support.publishing import studio
from tests.support.rtmp import SESSION
from tests.support.wait import eventually
from transcoder.live.address import Address
from transcoder.live.errors import Refusal, Refused
from transcoder.live.feeds import LiveIngest, live_ingest
from transcoder.live.live_feed import Publisher
from transcoder.live.metrics import LiveMetrics
from transcoder.live.settings import IngestSettings
from transcoder.live.tries import TRIES_LIMIT, TRIES_WINDOW_S

MAIN = Address(SESSION, FeedName.MAIN, KEY)
WRONG = replace(MAIN, key="wrong")


class Door(KeptFeeds):
    """Feeds that open when they are let, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()
        self.free.set()
        self.asked = 0
        self.error: Exception | None = None

    async def open(self, session: str, feed: FeedName) -> Feed:  # type: ignore[override]
        self.asked += 1
        await self.free.wait()
        if self.error is not None:
            raise self.error
        return await super().open(session, feed)


@asynccontextmanager
async def ingest_on(door: Door) -> AsyncIterator[LiveIngest]:
    """An ingest with that door."""
    settings = IngestSettings(ffmpeg=Path(FFMPEG), encode_cores=4)
    metrics = LiveMetrics(CollectorRegistry())
    async with live_ingest(door, OneKeyBook(), settings, metrics) as ingest:
        yield ingest


async def why(ingest: LiveIngest, address: Address, peer: str = "10.0.0.1") -> Refusal:
    """Why somebody is turned away."""
    with pytest.raises(Refused) as refused:
        await ingest.admit(lambda: address, peer)
    assert str(refused.value)
    return refused.value.why


async def test_two_who_come_at_once_are_one_who_is_let_in() -> None:
    door = Door()
    door.free.clear()
    async with ingest_on(door) as ingest:
        coming = [asyncio.create_task(ingest.admit(lambda: MAIN, f"10.0.0.{n}")) for n in range(10)]
        await eventually(lambda: door.asked > 0 and sum(task.done() for task in coming) == 9)
        door.free.set()
        found = await asyncio.gather(*coming, return_exceptions=True)
        assert sum(isinstance(one, Publisher) for one in found) == 1
        assert [one.why for one in found if isinstance(one, Refused)] == [Refusal.BUSY] * 9
        assert door.asked == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Conflict("it has ended"), Refusal.ENDED),
        (NotFound("there is no such session"), Refusal.ENDED),
        (Unavailable("the database is away"), Refusal.AWAY),
        (Refused(Refusal.BUSY, "another service"), Refusal.BUSY),
    ],
)
async def test_a_door_that_does_not_open_says_why_and_stays_usable(
    error: Exception, reason: Refusal
) -> None:
    door = Door()
    async with ingest_on(door) as ingest:
        door.error = error
        assert await why(ingest, MAIN) is reason
        assert ingest.sessions() == set()
        door.error = None
        (await ingest.admit(lambda: MAIN, "10.0.0.1")).leave()
        assert ingest.sessions() == {SESSION}


async def test_who_gives_up_at_the_door_leaves_it_free() -> None:
    door = Door()
    door.free.clear()
    async with ingest_on(door) as ingest:
        waiting = asyncio.create_task(ingest.admit(lambda: MAIN, "10.0.0.1"))
        await eventually(lambda: door.asked == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        door.free.set()
        await ingest.admit(lambda: MAIN, "10.0.0.2")


async def test_wrong_keys_shut_out_their_own_address_only() -> None:
    async with studio() as here:
        for _ in range(TRIES_LIMIT):
            assert await why(here.ingest, WRONG) is Refusal.KEY
        asked = here.book.asked
        assert await why(here.ingest, MAIN) is Refusal.TRIES
        assert here.book.asked == asked, "its key is not looked at"
        assert here.figure("tongbu_ingest_refused_total", why="tries") == 1
        with pytest.raises(Refused, match=rf"try again in {TRIES_WINDOW_S:.0f} s"):
            await here.ingest.admit(lambda: MAIN, "10.0.0.1")
        await here.ingest.admit(lambda: MAIN, "10.0.0.2")


async def test_an_address_that_cannot_be_read_is_a_wrong_key() -> None:
    def read() -> Address:
        raise Refused(Refusal.KEY, "no such session or key")

    async with studio() as here:
        for _ in range(TRIES_LIMIT):
            with pytest.raises(Refused, match="no such session"):
                await here.ingest.admit(read, "10.0.0.1")
        assert await why(here.ingest, MAIN) is Refusal.TRIES
        assert here.book.asked == 0


async def test_a_signed_in_right_is_not_shut_out_by_others_behind_its_address() -> None:
    async with studio() as here:
        for _ in range(TRIES_LIMIT):
            await why(here.ingest, WRONG)
        await here.ingest.admit(lambda: replace(MAIN, key=""), "10.0.0.1", trusted=True)


async def test_a_busy_or_full_house_is_no_wrong_key() -> None:
    async with studio(encode_cores=0.03) as here:
        publisher = await here.ingest.admit(lambda: MAIN, "10.0.0.1")
        here.ingest.admission.reserve("others", 0.02)
        for _ in range(TRIES_LIMIT):
            assert await why(here.ingest, MAIN) is Refusal.BUSY
            assert await why(here.ingest, replace(MAIN, feed=FeedName.SECOND)) is Refusal.CAPACITY
        publisher.leave()
        await here.ingest.admit(lambda: MAIN, "10.0.0.1")


async def test_feeds_of_a_session_end_alone_or_together() -> None:
    feeds = [FeedName.MAIN, FeedName.SECOND, FeedName.FLOOR]
    async with studio() as here:
        for feed in feeds:
            await here.ingest.admit(lambda feed=feed: replace(MAIN, feed=feed), "10.0.0.1")  # type: ignore[misc]
        await here.ingest.end(SESSION, FeedName.FLOOR)
        assert here.ingest.find(SESSION, FeedName.FLOOR) is None
        assert here.ingest.find(SESSION, FeedName.MAIN) is not None
        await here.ingest.end("another")
        assert here.figure("tongbu_live_feeds", state="probing") == 2
        await here.ingest.end(SESSION)
        assert here.ingest.sessions() == set()
        assert here.figure("tongbu_live_feeds", state="probing") == 0
        assert [feed.states for feed in here.feeds.feeds.values()] == [["ended"]] * 3


async def test_a_machine_says_how_many_lessons_it_carries() -> None:
    async with studio(encode_cores=8) as large, studio(encode_cores=0.01) as tiny:
        assert large.ingest.feeds_at_once() > 20
        assert tiny.ingest.feeds_at_once() == 1, "at least one can be booked"
