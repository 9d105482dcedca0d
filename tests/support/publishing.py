"""Real publishers: ffmpeg that pushes a generated picture and sound."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from tests.support.children import FFMPEG
from tests.support.live_feeds import KEY, KeptFeed, KeptFeeds, OneKeyBook
from transcoder.live.feeds import LiveIngest, live_ingest
from transcoder.live.metrics import LiveMetrics
from transcoder.live.rtmp_server import RtmpServer, rtmp_server
from transcoder.live.settings import IngestSettings

STEADY = ("-readrate", "1", "-readrate_initial_burst", "0.04")
PICTURE = (*STEADY, "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30")
SOUND = (*STEADY, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30",
        "-pix_fmt", "yuv420p")  # fmt: skip
AAC = ("-c:a", "aac", "-b:a", "64k")


@dataclass(slots=True)
class Studio:
    """An ingest with its port, and what came out of it."""

    ingest: LiveIngest
    server: RtmpServer
    feeds: KeptFeeds
    book: OneKeyBook
    registry: CollectorRegistry

    def url(self, session: str, key: str = KEY, feed: str = "") -> str:
        """Where ffmpeg pushes to."""
        where = f"{session}/{feed}" if feed else session
        return f"rtmp://127.0.0.1:{self.server.port}/live/{where}?key={key}"

    async def feed(self) -> KeptFeed:
        """The first feed that was opened."""
        async with asyncio.timeout(20):
            await self.feeds.opened.wait()
        return next(iter(self.feeds.feeds.values()))

    async def refusal(self, url: str, *media: str) -> str:
        """Push where that is not wanted; gives what ffmpeg said when it gave up."""
        async with publisher(url, *media) as process:
            _, said = await process.communicate()
            assert process.returncode
            return said.decode()

    def figure(self, name: str, **labels: str) -> float:
        """A metric's value."""
        return self.registry.get_sample_value(name, labels) or 0.0


@contextlib.asynccontextmanager
async def studio(
    away_s: float = 30.0,
    encode_cores: float = 8.0,
    idle_s: float = 15.0,
    silent_s: float = 5.0,
    greeting_s: float = 10.0,
    ffmpeg: Path = Path(FFMPEG),
    srt_ports: tuple[int, int] = (0, 0),
) -> AsyncIterator[Studio]:
    """Run an ingest on a free port."""
    feeds, book, registry = KeptFeeds(), OneKeyBook(), CollectorRegistry()
    settings = IngestSettings(
        ffmpeg=ffmpeg,
        greeting_s=greeting_s,
        host="127.0.0.1",
        rtmp_port=0,
        away_s=away_s,
        idle_s=idle_s,
        silent_s=silent_s,
        encode_cores=encode_cores,
        srt_ports=srt_ports,
    )
    async with (
        live_ingest(feeds, book, settings, LiveMetrics(registry)) as ingest,
        rtmp_server(ingest) as server,
    ):
        yield Studio(ingest, server, feeds, book, registry)


@contextlib.asynccontextmanager
async def publisher(url: str, *media: str, form: str = "flv") -> AsyncIterator[Process]:
    """An ffmpeg that pushes until the block is left."""
    media = media or (*PICTURE, *SOUND, *H264, *AAC)
    process = await asyncio.create_subprocess_exec(
        FFMPEG, "-v", "error", "-nostdin", *media, "-f", form, url, stderr=PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
