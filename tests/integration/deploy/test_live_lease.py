"""Two services on one catalogue: one takes live lessons in, the other says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from catalog.errors import Unavailable
from catalog.live import FeedName
from deploy.live_lease import LEASE, LeasedFeeds, LiveLease, live_lease
from tests.support.children import FFMPEG
from tests.support.live_feeds import KEY, KeptFeeds, OneKeyBook
from tests.support.publishing import publisher
from tests.support.rtmp import SESSION
from tests.support.wait import eventually
from transcoder.live.address import Address
from transcoder.live.errors import Refusal, Refused
from transcoder.live.feeds import LiveIngest, live_ingest
from transcoder.live.metrics import LiveMetrics
from transcoder.live.rtmp_server import rtmp_server
from transcoder.live.settings import IngestSettings

MAIN = Address(SESSION, FeedName.MAIN, KEY)
NOBODY = "host=127.0.0.1 port=1 dbname=none connect_timeout=1"


@asynccontextmanager
async def service(dsn: str, feeds: KeptFeeds) -> AsyncIterator[tuple[LiveIngest, str]]:
    """Run an ingest as one service of a city has it; gives it and its RTMP address."""
    settings = IngestSettings(ffmpeg=Path(FFMPEG), host="127.0.0.1", rtmp_port=0, encode_cores=4)
    async with (
        live_lease(dsn) as lease,
        live_ingest(
            LeasedFeeds(feeds, lease), OneKeyBook(), settings, LiveMetrics(CollectorRegistry())
        ) as ingest,
        rtmp_server(ingest) as server,
    ):
        yield ingest, f"rtmp://127.0.0.1:{server.port}/live/{SESSION}?key={KEY}"


async def holders(dsn: str) -> list[int]:
    """Process ids of the database's backends that hold the lease."""
    connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    async with connection:
        cursor = await connection.execute(
            "select distinct pid from pg_locks where locktype = 'advisory' and granted"
            " and database = (select oid from pg_database where datname = current_database())"
            " and classid = %s and objid = %s",
            (LEASE >> 32, LEASE & 0xFFFF_FFFF),
        )
        return [int(row[0]) for row in await cursor.fetchall()]


async def test_a_second_service_refuses_in_a_plain_sentence_until_the_first_is_gone(
    dsn: str,
) -> None:
    first_feeds, second_feeds = KeptFeeds(), KeptFeeds()
    async with service(dsn, second_feeds) as (second, url):
        async with service(dsn, first_feeds) as (first, _):
            await first.admit(lambda: MAIN, "here")
            with pytest.raises(Refused, match="another service") as refused:
                await second.admit(lambda: MAIN, "here")
            assert refused.value.why is Refusal.BUSY
            async with publisher(url) as process:
                _, said = await process.communicate()
            assert process.returncode
            assert b"another service of this city" in said
            assert not second_feeds.feeds, "nothing was opened: no recording was touched"
        assert await holders(dsn) == []
        (await second.admit(lambda: MAIN, "here")).leave()
        assert second_feeds.feeds


async def test_one_service_holds_it_for_all_of_its_lessons(dsn: str) -> None:
    async with live_lease(dsn) as lease, live_lease(dsn) as other:
        assert await asyncio.gather(*(lease.hold() for _ in range(5))) == [True] * 5
        assert not await other.hold()
        assert len(await holders(dsn)) == 1
    assert await holders(dsn) == []


async def test_two_who_ask_at_once_do_not_both_get_it(dsn: str) -> None:
    leases = [LiveLease(dsn) for _ in range(6)]
    held = await asyncio.gather(*(lease.hold() for lease in leases))
    assert sum(held) == 1
    for lease in leases:
        await lease.close()


async def test_a_lost_connection_is_a_lost_lease_and_is_noticed(dsn: str) -> None:
    async with live_lease(dsn) as lease, live_lease(dsn) as other:
        assert await lease.hold()
        (backend,) = await holders(dsn)
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
        async with connection:
            await connection.execute("select pg_terminate_backend(%s, 5000)", (backend,))
        assert await other.hold(), "who is asked first has it"
        assert not await lease.hold()
        await other.close()
        await eventually(lease.hold)  # the server lets go a moment after


async def test_a_database_that_is_away_lets_nobody_in(dsn: str) -> None:
    async with service(NOBODY, KeptFeeds()) as (ingest, _):
        with pytest.raises(Refused, match="try again") as refused:
            await ingest.admit(lambda: MAIN, "here")
        assert refused.value.why is Refusal.AWAY
    async with live_lease(NOBODY) as lease:
        with pytest.raises(Unavailable):
            await lease.hold()
        await lease.close()
