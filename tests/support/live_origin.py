"""An origin on loopback for tests: its books in memory, its store in a directory."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache

import imageio_ffmpeg
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.errors import NoRight
from catalog.http.problem import problems
from catalog.media import Media
from catalog.store.local import LocalStore
from catalog.store.port import ObjectStore
from streaming.hot.doors import doors_of
from streaming.hot.listening import listening
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init
from streaming.live.app import WAIT_LIMIT_S, Live
from streaming.live.feed import LiveFeed
from streaming.live.metrics import LiveMetrics
from streaming.live.origin import ENDED_KEPT_S, Origin
from streaming.live.port import LiveRendition
from streaming.live.retime import retime
from tests.support.live_books import MemoryRecordings, MemorySessions

RATE = 30
GOP_S = 2
DRAIN_S = 1.0
SIZES = {"360p": (640, 360, 600_000), "180p": (320, 180, 250_000)}
RENDITIONS = (
    LiveRendition("360p", Media.VIDEO, 0, 700_000, (RATE, 1)),
    LiveRendition("180p", Media.VIDEO, 1, 300_000, (RATE, 1)),
    LiveRendition("aac", Media.AUDIO, 0, 80_000),
)
_FRAGMENTED = ("-movflags", "+cmaf+frag_every_frame", "-f", "mp4")
_SOUND = ("-c:a", "aac", "-b:a", "64k", "-ac", "1", "-movflags", "+cmaf+delay_moov",
          "-frag_duration", "40000", "-f", "mp4")  # fmt: skip

VIDEO_SCALE = 15_360
SCALES = {"aac": 48_000}
Piece = tuple[str, Init | Fragment]


@dataclass
class OpenGate:
    """Lets everyone in, or only who has the right token."""

    token: str = ""
    asked: list[str] = field(default_factory=list)

    async def admit(self, request: web.Request, session: str, token: str | None) -> None:
        self.asked.append(session)
        if self.token and token != self.token:
            raise NoRight("this session is not open to you: sign in, or ask for an invitation")


@dataclass
class Running:
    """A running origin and its address."""

    url: str
    origin: Origin
    sessions: MemorySessions
    recordings: MemoryRecordings
    registry: CollectorRegistry
    gate: OpenGate
    lessons: dict[str, str]

    def at(self, session: str, path: str) -> str:
        """Address of something of a session."""
        return f"{self.url}/live/{session}/{path}"

    def figure(self, name: str, **labels: str) -> float:
        """A metric's value now."""
        return self.registry.get_sample_value(f"tongbu_live_{name}", labels) or 0.0


@asynccontextmanager
async def running(
    store: ObjectStore,
    sessions: MemorySessions | None = None,
    recordings: MemoryRecordings | None = None,
    wait_limit_s: float = WAIT_LIMIT_S,
    clock_utc: Callable[[], float] = time.time,
    ended_kept_s: float = ENDED_KEPT_S,
) -> AsyncIterator[Running]:
    """Serve /live on loopback."""
    sessions = sessions or MemorySessions()
    recordings = recordings or MemoryRecordings(sessions)
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry)
    lessons: dict[str, str] = {}
    origin = Origin(
        sessions, recordings, store, metrics, lessons.__setitem__, clock_utc, ended_kept_s
    )
    gate = OpenGate()
    app = web.Application(middlewares=[problems])
    app.add_subapp("/live", Live(origin, gate, metrics, wait_limit_s).app())
    doors, hot = doors_of(app)
    async with listening(app, doors, hot, "127.0.0.1", 0, DRAIN_S) as opened:
        host, port = opened.address[:2]
        url = f"http://{host}:{port}"
        try:
            yield Running(url, origin, sessions, recordings, registry, gate, lessons)
        finally:
            await origin.close(grace_s=5.0)


@cache
def encoded_live(duration_s: int = 8, start_s: float = 0.0) -> tuple[Piece, ...]:
    """Two rungs and AAC as the real ffmpeg writes them live, in order of time."""
    if start_s:
        return tuple(_moved(piece, start_s) for piece in encoded_live(duration_s))
    streams = {
        **{name: _video(name, duration_s) for name in SIZES},
        "aac": _read(duration_s, "sine=frequency=440:sample_rate=48000", *_SOUND),
    }
    timed = [
        (item.start_ts / init.track.timescale, name, item)
        for name, (init, items) in streams.items()
        for item in items
    ]
    inits = [(name, init) for name, (init, _) in streams.items()]
    ordered = sorted(timed, key=lambda row: (row[0], row[1]))
    return (*inits, *((name, item) for _, name, item in ordered))


def _video(name: str, duration_s: int) -> tuple[Init, list[Fragment]]:
    width, height, rate_bps = SIZES[name]
    source = f"testsrc2=size={width}x{height}:rate={RATE}"
    gop = str(GOP_S * RATE)
    return _read(
        duration_s, source, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset",
        "ultrafast", "-tune", "zerolatency", "-b:v", str(rate_bps), "-g", gop, "-keyint_min", gop,
        "-sc_threshold", "0", "-threads", "1", *_FRAGMENTED,
    )  # fmt: skip


def _moved(piece: Piece, by_s: float) -> Piece:
    """The same, later."""
    name, item = piece
    if isinstance(item, Init):
        return piece
    delta_ts = round(by_s * SCALES.get(name, VIDEO_SCALE))
    moved = retime(item.data, delta_ts)
    return name, replace(item, start_ts=item.start_ts + delta_ts, data=moved)


def _read(duration_s: int, source: str, *output: str) -> tuple[Init, list[Fragment]]:
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-f", "lavfi", "-i", source,
        "-t", str(duration_s), *output, "pipe:1",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=True)
    reader = CmafReader()
    items = reader.feed(done.stdout)
    init = items[0]
    assert isinstance(init, Init)
    return init, [item for item in items if isinstance(item, Fragment)]


async def send(feed: LiveFeed, pieces: tuple[Piece, ...], until_s: float = 1e9) -> None:
    """Push what begins before until_s, in order, as fast as it goes."""
    for name, item in pieces:
        if _start_s(feed, name, item) < until_s:
            await feed.take(name, item)
        await asyncio.sleep(0)


async def send_paced(feed: LiveFeed, pieces: tuple[Piece, ...], speed: float = 1.0) -> None:
    """Push each piece when it is due, `speed` times as fast as it plays."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    for name, item in pieces:
        due_at = began_at + _start_s(feed, name, item) / speed
        await asyncio.sleep(max(0.0, due_at - loop.time()))
        await feed.take(name, item)


def split(pieces: tuple[Piece, ...], at_s: float) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Cut a stream in two at a media time."""

    def is_early(piece: Piece) -> bool:
        name, item = piece
        if isinstance(item, Init):
            return True
        return item.start_ts / SCALES.get(name, VIDEO_SCALE) < at_s - 1e-6

    first = tuple(piece for piece in pieces if is_early(piece))
    return first, tuple(piece for piece in pieces if not is_early(piece))


def _start_s(feed: LiveFeed, name: str, item: Init | Fragment) -> float:
    if isinstance(item, Init):
        return 0.0
    coming = feed.channel.tracks[name].coming
    return item.start_ts / coming.track.timescale if coming else 0.0


@pytest.fixture
async def live(store: LocalStore) -> AsyncIterator[Running]:
    """An origin over HTTP that keeps what it records in that store."""
    async with running(store) as live:
        yield live
