"""Encoder and origin together: what a viewer's playlists say while a publisher comes and goes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from catalog.live import FeedName
from catalog.session import SessionState
from catalog.store.local import LocalSettings, LocalStore
from tests.support.children import FFMPEG, encoders_of
from tests.support.live_books import MemorySessions
from tests.support.live_feeds import KEY
from tests.support.live_origin import Running, running
from tests.support.publishing import AAC, PICTURE, SOUND, publisher
from tests.support.wait import eventually
from transcoder.live.feeds import LiveIngest, live_ingest
from transcoder.live.metrics import LiveMetrics
from transcoder.live.rtmp_server import rtmp_server
from transcoder.live.settings import IngestSettings

SOUND_BEFORE_THE_FIRST_PICTURE = 2


class Classroom:
    """A session on a real origin with a real ingest."""

    def __init__(self, origin: Running, ingest: LiveIngest, port: int, session: str) -> None:
        self.origin = origin
        self.ingest = ingest
        self.session = session
        self.url = f"rtmp://127.0.0.1:{port}/live/{session}?key={KEY}"

    async def text(self, path: str) -> str:
        """A playlist as viewers get it; empty when there is none."""
        async with (
            ClientSession() as client,
            client.get(self.origin.at(self.session, path)) as answer,
        ):
            return await answer.text() if answer.status == 200 else ""

    async def has_segments(self, count: int) -> None:
        """Wait until every rendition has so many whole segments more than now."""
        names = ("360p", "180p", "aac")
        goals = {name: (await self.text(f"{name}.m3u8")).count("#EXTINF") + count for name in names}

        async def has() -> bool:
            texts = {name: await self.text(f"{name}.m3u8") for name in names}
            return all(texts[name].count("#EXTINF") >= goal for name, goal in goals.items())

        await eventually(has, 40)

    def dropped(self) -> float:
        return self.origin.figure("dropped_fragments_total", feed="main")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@asynccontextmanager
async def classroom(root: Path) -> AsyncIterator[Classroom]:
    sessions = MemorySessions()
    session = sessions.add()
    sessions.keys[session, FeedName.MAIN] = KEY
    settings = IngestSettings(
        ffmpeg=Path(FFMPEG), host="127.0.0.1", rtmp_port=0, encode_cores=8, away_s=20
    )
    store = await asyncio.to_thread(LocalStore, LocalSettings(root, 0))
    async with (
        running(store, sessions) as origin,
        live_ingest(origin.origin, sessions, settings, LiveMetrics(CollectorRegistry())) as ingest,
        rtmp_server(ingest) as server,
    ):
        yield Classroom(origin, ingest, server.port, session)
    await store.close()


async def test_a_killed_encoder_and_a_drop_leave_one_timeline(root: Path) -> None:
    async with classroom(root) as room:
        async with publisher(room.url):
            await room.has_segments(2)
            (pid,) = await encoders_of(os.getpid(), "pipe:0")
            os.kill(pid, signal.SIGKILL)
            await room.has_segments(2)
            assert room.origin.sessions.sessions[room.session].state is SessionState.LIVE
        async with publisher(room.url):
            await room.has_segments(2)
        for name in ("360p", "180p", "aac"):
            text = await room.text(f"{name}.m3u8")
            assert "#EXT-X-DISCONTINUITY\n" not in text, text
            assert text.count("#EXT-X-MAP") == 1
        assert room.dropped() <= SOUND_BEFORE_THE_FIRST_PICTURE
        await room.ingest.end(room.session)
        assert "#EXT-X-ENDLIST" in await room.text("360p.m3u8")
        await eventually(lambda: room.session in room.origin.lessons)


async def test_keyframes_as_rare_as_obs_makes_them_unasked_turn_nobody_out(root: Path) -> None:
    """OBS leaves the distance to x264: 250 frames, more than eight seconds."""
    rare = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "250", "-pix_fmt", "yuv420p")
    async with (
        classroom(root) as room,
        publisher(room.url, *PICTURE, *SOUND, *rare, *AAC) as process,
    ):
        await room.has_segments(5)
        assert process.returncode is None
        text = await room.text("360p.m3u8")
        durations_s = [float(line[8:].rstrip(",")) for line in text.splitlines()
                       if line.startswith("#EXTINF:")]  # fmt: skip
        assert durations_s[-1] == pytest.approx(2, abs=0.1)
        assert "#EXT-X-GAP" not in text
