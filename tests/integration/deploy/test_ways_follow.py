"""Ways in follow the rows of sessions: real ports and cameras over a real catalogue."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest

from catalog.db.pool import Pool
from catalog.db.sessions_life import Sessions, advance, new_key
from catalog.live import FeedName
from catalog.session import SessionInput, SessionKind
from deploy.live_ways import Ways
from tests.integration.deploy.test_live_ways import free_ports
from tests.support.children import encoders_of
from tests.support.publishing import studio
from tests.support.sessions import START_UTC, Town, book_one, make_town
from tests.support.wait import eventually
from transcoder.live.relay import redacted
from transcoder.live.rtsp import RtspIngest
from transcoder.live.srt import SrtIngest

NO_CAMERA = "rtsp://127.0.0.1:1/"


class Here:
    """The ways in of a small city."""

    def __init__(self, pool: Pool, town: Town, srt: SrtIngest, rtsp: RtspIngest) -> None:
        self.pool, self.town, self.srt, self.rtsp = pool, town, srt, rtsp
        self.book = Sessions(pool, bytes(32), lambda: START_UTC)
        self.ways = Ways(self.book, srt, rtsp)

    async def move(self, session: str, event: SessionInput) -> None:
        """Move a session, and tell nobody."""
        async with self.pool.connection() as connection:
            await advance(connection, session, event, START_UTC)

    async def paired(self) -> str:
        """A paired lesson whose room is open."""
        town = self.town
        session = await book_one(self.pool, town, kind=SessionKind.PAIRED_LESSON, listening=(),
                                 second_classroom=town.far)  # fmt: skip
        await self.move(session, SessionInput.ROOM_OPENED)
        return session

    async def later(self) -> str:
        """Another lesson whose room is open."""
        session = await book_one(self.pool, self.town, after_s=7200)
        await self.move(session, SessionInput.ROOM_OPENED)
        return session


@pytest.fixture
async def here(pool: Pool) -> AsyncIterator[Here]:
    async with pool.connection() as connection:
        town = await make_town(connection)
    async with studio(srt_ports=free_ports()) as made:
        ways = Here(pool, town, SrtIngest(made.ingest), RtspIngest(made.ingest))
        yield ways
        await ways.ways.close()
        assert not await encoders_of(os.getpid(), "srt://")


async def test_a_paired_lesson_takes_two_ports_and_another_waits_for_one(here: Here) -> None:
    paired, later = await here.paired(), await here.later()
    await here.ways.look(paired)
    await here.ways.look(later)
    assert set(here.srt.ports) == {(paired, FeedName.MAIN), (paired, FeedName.SECOND)}
    assert here.srt.port(later, FeedName.MAIN) is None
    await here.move(paired, SessionInput.CANCELLED)
    await here.ways.look(paired)
    assert set(here.srt.ports) == {(later, FeedName.MAIN)}


async def test_what_changed_unheard_is_read_again(here: Here) -> None:
    paired = await here.paired()
    await here.ways.look_again()
    assert len(here.srt.ports) == 2
    await here.move(paired, SessionInput.ENDED)
    later = await here.later()
    here.rtsp.pull(paired, FeedName.MAIN, NO_CAMERA)
    await here.ways.look_again()
    assert set(here.srt.ports) == {(later, FeedName.MAIN)}
    assert not here.rtsp.pulled()


async def test_a_new_key_is_listened_for_on_the_same_port(here: Here) -> None:
    session = await here.later()
    await here.ways.look(session)
    port = here.srt.port(session, FeedName.MAIN)
    async with here.pool.connection() as connection:
        await new_key(connection, session)
    await here.ways.look(session)
    assert here.srt.port(session, FeedName.MAIN) == port
    record = await here.book.record(session)
    assert record is not None
    key = here.book.key(record, FeedName.MAIN)

    async def only_the_new_one() -> bool:
        listening = await encoders_of(os.getpid(), "srt://")
        return listening == await encoders_of(os.getpid(), key) and len(listening) == 1

    await eventually(only_the_new_one)


async def test_a_camera_goes_with_its_session_and_nothing_comes_after_the_close(
    here: Here,
) -> None:
    session = await here.later()
    here.rtsp.pull(session, FeedName.MAIN, NO_CAMERA)
    await here.ways.look(session)
    assert here.rtsp.pulled() == {session}
    await here.move(session, SessionInput.ENDED)
    await here.ways.look(session)
    assert not here.rtsp.pulled()
    other = await here.paired()
    await here.ways.close()
    await here.ways.look(other)
    await here.ways.look_again()
    assert not here.srt.ports


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ("Error opening rtsp://u:geheim@h/1: refused", "rtsp://u:geheim@h/1"),
        ("Error opening rtsp://h/user=u&password=geheim", "rtsp://h/user=u&password=geheim"),
        ("Error opening srt://h:1?mode=listener&passphrase=geheim&a=1", "srt://h:1"),
    ],
)
def test_what_ffmpeg_says_of_an_address_has_no_secret(said: str, way: str) -> None:
    assert "geheim" not in redacted(said, way)
    assert "Error opening" in redacted(said, way)
