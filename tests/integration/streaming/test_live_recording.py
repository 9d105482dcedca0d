"""A live session's recording: whole segments in the store, in order, and what survives what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from itertools import pairwise

import aiohttp
import av
import pytest

from catalog.errors import Conflict, NotFound
from catalog.ids import new_id
from catalog.live import FeedName
from catalog.media import Rendition
from catalog.session import SessionState
from catalog.store.local import LocalStore
from catalog.store.port import ObjectStore, StoreAway
from streaming.errors import Ended
from streaming.hls.parse import parse_media
from streaming.live.feed import LiveFeed
from streaming.live.metrics import LiveMetrics
from streaming.live.recorder import Recorder
from streaming.live.rows import Whole
from streaming.live.segments import Segment
from tests.support.live import HIGH, video_init
from tests.support.live_books import MemoryRecordings, MemorySessions
from tests.support.live_origin import (
    RATE,
    RENDITIONS,
    Piece,
    Running,
    encoded_live,
    running,
    send,
    split,
)
from tests.support.objects import content
from tests.support.paced_store import PacedStore
from tests.support.wait import eventually


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


async def pieces(duration_s: int = 8, start_s: float = 0.0) -> tuple[Piece, ...]:
    return await asyncio.to_thread(encoded_live, duration_s, start_s)


async def opened(live: Running, session: str | None = None) -> tuple[str, LiveFeed]:
    session = session or live.sessions.add()
    feed = await live.origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    return session, feed


async def film(store: ObjectStore, rendition: Rendition) -> list[float]:
    """Read a recording as a player would; give the times of its packets in seconds."""
    data = rendition.init
    for item in rendition.objects:
        data += await content(store, item.key)
    with av.open(BytesIO(data)) as container:
        stream = container.streams[0]
        assert stream.time_base is not None
        return [float(p.dts * stream.time_base) for p in container.demux(stream) if p.size]


async def test_at_the_end_the_lesson_is_there_and_begins_at_zero(store: LocalStore) -> None:
    async with running(store) as live:
        session, feed = await opened(live)
        await send(feed, await pieces(8, 3.2))
        assert live.lessons == {}
        await feed.end()
        await eventually(lambda: session in live.lessons)
        assert live.lessons[session] == live.recordings.finished[session]
        assert live.sessions.sessions[session].state is SessionState.RECORDED
        for name in ("360p", "180p"):
            rendition = live.recordings.rendition(session, name)
            assert len(rendition.segments()) == 4
            assert all(s.keyframe_bytes for s in rendition.segments())
            times = await film(store, rendition)
            assert times == pytest.approx([n / RATE for n in range(8 * RATE)], abs=0.001)
        sound = live.recordings.rendition(session, "aac")
        times = await film(store, sound)
        assert times[0] == pytest.approx(0, abs=0.05)
        assert max(b - a for a, b in pairwise(times)) < 0.022
        ends = [s.start_ts + s.duration_ts for s in sound.segments()]
        assert ends[:-1] == [s.start_ts for s in sound.segments()][1:]
        assert live.figure("recorded_segments_total") == 12
        assert live.figure("recording_held_bytes") == 0


async def test_where_the_publisher_was_away_the_recording_has_no_hole(store: LocalStore) -> None:
    async with running(store) as live:
        session, feed = await opened(live)
        await send(feed, await pieces(8))
        await feed.interrupted()
        later = [piece for piece in await pieces(8, 20.0) if hasattr(piece[1], "samples")]
        await send(feed, tuple(later))
        await feed.end()
        await eventually(lambda: session in live.lessons)
        times = await film(store, live.recordings.rendition(session, "360p"))
        assert len(times) == 16 * RATE
        assert max(b - a for a, b in pairwise(times)) < 0.15
        assert times[-1] == pytest.approx(16, abs=0.2)
        sound = await film(store, live.recordings.rendition(session, "aac"))
        assert max(b - a for a, b in pairwise(sound)) < 0.15


async def test_an_origin_that_was_killed_goes_on_and_viewers_can_rewind(
    store: LocalStore, client: aiohttp.ClientSession
) -> None:
    sessions = MemorySessions()
    recordings = MemoryRecordings(sessions)
    source = await pieces(24, 3.2)
    first, rest = split(source, 20.0)
    async with running(store, sessions, recordings) as live:
        session, feed = await opened(live)
        await send(feed, first)
        await eventually(lambda: live.figure("recorded_segments_total") >= 24)
        anchor_utc = recordings.kept[session, FeedName.MAIN].anchor_utc
    inits = tuple(piece for piece in source if not hasattr(piece[1], "samples"))
    async with running(store, sessions, recordings) as live:
        _, feed = await opened(live, session)
        assert feed.anchor_utc == anchor_utc
        assert feed.channel.tracks["360p"].next_number == 8
        await send(feed, inits + rest)
        async with client.get(live.at(session, "360p.m3u8")) as answer:
            playlist = parse_media(await answer.text())
        assert [s.uri for s in playlist.segments] == [f"360p/{n}.m4s" for n in range(11)]
        assert [s.gap for s in playlist.segments].index(True) == 8
        assert not any(s.discontinuity or s.gap for s in playlist.segments[9:])
        data = b"".join(item.data for n, item in source if n == "360p" and hasattr(item, "samples"))
        async with client.get(live.at(session, "360p/1.m4s")) as answer:
            assert await answer.read() in data
        await feed.end()
        await eventually(lambda: session in live.lessons)
    times = await film(store, recordings.rendition(session, "360p"))
    assert max(b - a for a, b in pairwise(times)) < 0.15
    assert 22 * RATE <= len(times) <= 24 * RATE


async def test_other_codec_parameters_go_on_beside(store: LocalStore) -> None:
    async with running(store) as live:
        session = live.sessions.add()
        feed = await live.origin.open(session, FeedName.MAIN)
        high = RENDITIONS[:1]
        await feed.begin(high)
        for name, item in await pieces(8):
            if name == "360p":
                await feed.take(name, item)
        await feed.begin(high)
        for name, item in await pieces(24, 3.2):
            if name == "180p":
                await feed.take("360p", item)
        await feed.end()
        await eventually(lambda: session in live.lessons)
        kept = live.recordings.kept[session, FeedName.MAIN].renditions
        assert list(kept) == ["360p", "360p-r2"]
        assert [item.first_number for item in kept["360p-r2"].objects][:1] == [5]


async def test_a_store_that_is_away_holds_up_nobody(store: LocalStore) -> None:
    away = Away(store)
    async with running(away) as live:
        session, feed = await opened(live)
        await send(feed, await pieces(24, 3.2))
        assert len(feed.channel.tracks["360p"].segments) == 11
        assert feed.recorder.waiting == 11
        assert live.figure("recording_held_bytes") > 0
        assert isinstance(feed.recorder.find("360p", 0), bytes)
        away.error = None
        await feed.end()
        await eventually(lambda: session in live.lessons)
        assert len(live.recordings.rendition(session, "360p").segments()) == 12


class Away(PacedStore):
    """A store that is away from the start."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.error: StoreAway | None = StoreAway("the store does not answer")

    async def put_bytes(self, key: str, body: bytes, content_type: str) -> None:
        if self.error is not None:
            raise self.error
        await super().put_bytes(key, body, content_type)


async def test_beyond_its_bound_memory_gives_way_and_it_is_told(store: LocalStore) -> None:
    from prometheus_client import CollectorRegistry

    sessions = MemorySessions()
    book = MemoryRecordings(sessions)
    session = sessions.add()
    recorded = await book.open(session, FeedName.MAIN, 0.0)
    registry = CollectorRegistry()
    recorder = Recorder(book, store, recorded, LiveMetrics(registry), limit_bytes=2500)
    recorder.announce({"720p"})
    lost: list[int] = []
    for number in range(5):
        segment = Segment(number, 0, False, 0.0, 30_720 * number, 30_720, 1000, 5, bytes(1000))
        lost += recorder.take(Whole(HIGH, video_init(), segment))
    assert lost == [0, 1, 2]
    assert registry.get_sample_value("tongbu_live_recording_lost_segments_total") == 3
    assert registry.get_sample_value("tongbu_live_recording_held_bytes") == 2000


async def test_a_catalogue_that_is_away_is_waited_for(store: LocalStore) -> None:
    async with running(store) as live:
        session, feed = await opened(live)
        live.recordings.away = True
        await send(feed, await pieces(8))
        await feed.end()
        live.recordings.away = False
        await eventually(lambda: session in live.lessons)
        assert len(live.recordings.rendition(session, "aac").segments()) == 4


async def test_who_may_open_a_feed(store: LocalStore) -> None:
    async with running(store) as live:
        with pytest.raises(NotFound):
            await live.origin.open(new_id(), FeedName.MAIN)
        over = live.sessions.add(SessionState.CANCELLED)
        with pytest.raises(Conflict, match="over"):
            await live.origin.open(over, FeedName.MAIN)
        session, feed = await opened(live)
        with pytest.raises(Conflict, match="an encoder already"):
            await live.origin.open(session, FeedName.MAIN)
        await live.origin.open(session, FeedName.FLOOR)
        await send(feed, await pieces(8))
        await eventually(lambda: live.sessions.sessions[session].state is SessionState.LIVE)
        await live.origin.end(session)
        await eventually(lambda: session in live.lessons)
        with pytest.raises(Conflict):
            await live.origin.open(session, FeedName.MAIN)
        with pytest.raises(Ended):
            await feed.take("360p", (await pieces(8))[-1][1])
        await feed.end()
        assert live.figure("channels", feed="main") == 0


async def test_a_session_without_a_picture_has_no_lesson(store: LocalStore) -> None:
    async with running(store) as live:
        session, feed = await opened(live)
        await feed.end()
        await eventually(lambda: live.sessions.sessions[session].state is SessionState.FAILED)
        assert live.lessons == {}
