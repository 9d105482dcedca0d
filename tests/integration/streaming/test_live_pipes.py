"""One ffmpeg in real time, a pipe a rendition, into a feed; viewers of both kinds at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import aiohttp
import imageio_ffmpeg
import pytest

from catalog.live import FeedName
from catalog.store.local import LocalSettings, LocalStore
from streaming.hls.model import MediaPlaylist
from streaming.hls.parse import parse_media
from streaming.isobmff.reader import CmafReader
from streaming.live.feed import LiveFeed
from streaming.live.frame import Kind
from tests.support.live_origin import RATE, RENDITIONS, Running, running
from tests.support.wait import eventually

DURATION_S = 7
READ_BYTES = 65_536


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Running]:
    store = await asyncio.to_thread(LocalStore, LocalSettings(tmp_path / "store", 0))
    async with running(store) as live:
        yield live
    await store.close()


def command(high: int, low: int, sound: int) -> list[str]:
    picture = (
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(2 * RATE),
        "-sc_threshold", "0", "-threads", "1", "-flush_packets", "1",
        "-movflags", "+cmaf+frag_every_frame", "-f", "mp4",
    )  # fmt: skip
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error",
        "-re", "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={RATE},format=yuv420p",
        "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
        "-filter_complex", "[0:v]split[a][b];[b]scale=160:90[c]", "-t", str(DURATION_S),
        "-map", "[a]", "-t", str(DURATION_S), *picture, f"pipe:{high}",
        "-map", "[c]", "-t", str(DURATION_S), *picture, f"pipe:{low}",
        "-map", "1:a", "-t", str(DURATION_S), "-c:a", "aac", "-ac", "1", "-flush_packets", "1",
        "-movflags", "+cmaf+delay_moov", "-frag_duration", "40000", "-f", "mp4", f"pipe:{sound}",
    ]  # fmt: skip


async def pour(feed: LiveFeed, name: str, end: int) -> None:
    """Read one pipe to its end into the feed."""
    loop = asyncio.get_running_loop()
    stream, reader = asyncio.StreamReader(), CmafReader()
    pipe = await asyncio.to_thread(os.fdopen, end, "rb")
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
    try:
        while data := await stream.read(READ_BYTES):
            for item in reader.feed(data):
                await feed.take(name, item)
    finally:
        transport.close()


async def encode(feed: LiveFeed) -> None:
    pipes = [os.pipe() for _ in RENDITIONS]
    writers = [write for _, write in pipes]
    arguments = await asyncio.to_thread(command, *writers)
    process = await asyncio.create_subprocess_exec(*arguments, pass_fds=writers)
    for write in writers:
        os.close(write)
    async with asyncio.TaskGroup() as tasks:
        for rendition, (read, _) in zip(RENDITIONS, pipes, strict=True):
            tasks.create_task(pour(feed, rendition.name, read))
    assert await process.wait() == 0
    await feed.end()


async def follow(client: aiohttp.ClientSession, live: Running, session: str) -> list[MediaPlaylist]:
    """Reload as a low-latency player does, each time for the very next part; skip what is old."""
    seen: list[MediaPlaylist] = []
    query = ""
    while not seen or not seen[-1].ended:
        async with client.get(live.at(session, f"360p.m3u8{query}")) as answer:
            assert answer.status == 200
            found = parse_media(await answer.text())
        seen.append(found)
        parts = len(found.open.parts) if found.open else 0
        query = f"?_HLS_msn={found.open_number}&_HLS_part={parts}&_HLS_skip=YES"
    return seen


async def watch(client: aiohttp.ClientSession, live: Running, session: str) -> list[Kind]:
    kinds: list[Kind] = []
    async with client.ws_connect(live.at(session, "stream"), max_msg_size=0) as ws:
        async for found in ws:
            if found.type is aiohttp.WSMsgType.BINARY and found.data[0] == 1:
                kinds.append(Kind(found.data[1]))
    return kinds


async def test_a_session_in_real_time(live: Running) -> None:
    session = live.sessions.add()
    feed = await live.origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    async with aiohttp.ClientSession() as client, asyncio.TaskGroup() as tasks:
        tasks.create_task(encode(feed))
        hls = tasks.create_task(follow(client, live, session))
        ws = tasks.create_task(watch(client, live, session))
    await eventually(lambda: session in live.lessons)
    playlists = hls.result()
    for before, after in pairwise(playlists[:-1]):
        parts = (len(before.open.parts) if before.open else 0, before.open_number)
        now = (len(after.open.parts) if after.open else 0, after.open_number)
        assert now[::-1] > parts[::-1]
    assert len(playlists) >= 5 * (DURATION_S - 3)
    last = playlists[-1]
    assert sum(s.duration_us for s in last.segments) == pytest.approx(DURATION_S * 1e6, abs=2)
    kinds = ws.result()
    assert kinds[:2] == [Kind.INIT, Kind.KEYFRAME]
    assert len(kinds) == 1 + DURATION_S * RATE
    for rendition in RENDITIONS:
        recorded = live.recordings.rendition(session, rendition.name)
        assert len(recorded.segments()) == len(last.segments)
    assert live.figure("dropped_fragments_total", feed="main") == 0
    assert live.figure("part_age_seconds_count", feed="main") > 3 * 5 * (DURATION_S - 1)
