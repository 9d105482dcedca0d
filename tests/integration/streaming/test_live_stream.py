"""The WebSocket: a viewer joins on a keyframe, its bytes are a film, a slow one hurts nobody."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import aiohttp
import av
import pytest

from catalog.live import FeedName
from streaming.live.feed import LiveFeed
from streaming.live.frame import Kind, frame_of
from streaming.live.stream import ASKED_LIMIT, ASKED_LIMIT_BYTES
from streaming.live.viewer import QUEUE_LIMIT_BYTES
from tests.support.live_origin import (
    GOP_S,
    RATE,
    RENDITIONS,
    Piece,
    Running,
    encoded_live,
    send,
    split,
)
from tests.support.live_origin import live as live
from tests.support.wait import eventually


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


async def pieces() -> tuple[Piece, ...]:
    return await asyncio.to_thread(encoded_live, 8)


async def opened(live: Running) -> tuple[str, LiveFeed]:
    session = live.sessions.add()
    feed = await live.origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    return session, feed


@dataclass
class Seen:
    """What a viewer has got."""

    said: list[dict[str, Any]] = field(default_factory=list)
    media: list[tuple[int, Kind, int, bytes]] = field(default_factory=list)
    ended: bool = False

    def types(self) -> list[str]:
        return [item["type"] for item in self.said]

    def track(self, identifier: int) -> bytes:
        """The bytes of one rendition, one behind the other."""
        return b"".join(data for number, _, _, data in self.media if number == identifier)

    def kinds(self, identifier: int) -> list[Kind]:
        return [kind for number, kind, _, _ in self.media if number == identifier]


async def read(ws: aiohttp.ClientWebSocketResponse, seen: Seen) -> None:
    async for found in ws:
        if found.type is aiohttp.WSMsgType.TEXT:
            seen.said.append(json.loads(found.data))
        elif found.type is aiohttp.WSMsgType.BINARY:
            head = found.data[:4]
            run = int.from_bytes(head[2:], "big")
            seen.media.append((head[0], Kind(head[1]), run, found.data[4:]))
    seen.ended = True


@asynccontextmanager
async def watching(
    client: aiohttp.ClientSession, url: str
) -> AsyncIterator[tuple[Seen, aiohttp.ClientWebSocketResponse]]:
    seen = Seen()
    async with client.ws_connect(url, max_msg_size=0) as ws:
        task = asyncio.create_task(read(ws, seen))
        try:
            yield seen, ws
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def frames(data: bytes) -> list[bool]:
    """Decode a film; give for each picture whether it is a keyframe."""
    with av.open(BytesIO(data)) as container:
        return [frame.key_frame for frame in container.decode(container.streams[0])]


async def test_a_viewer_joins_on_a_keyframe_and_what_it_gets_is_a_film(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    first, rest = split(await pieces(), 3.0)
    await send(feed, first)
    async with watching(client, live.at(session, "stream")) as (seen, _):
        await eventually(lambda: len(seen.media) > 10)
        await send(feed, rest)
        await feed.end()
        await eventually(lambda: seen.ended)
    hello = seen.said[0]
    assert hello["type"] == "hello"
    assert (hello["session"], hello["feed"], hello["video"]) == (session, "main", 1)
    assert hello["anchor"] == pytest.approx(feed.anchor_utc, abs=0.05)
    top = hello["renditions"][0]
    assert top == {
        "id": 1, "name": "360p", "media": "video", "codecs": "avc1.42c01e", "timescale": 15_360,
        "width": 640, "height": 360, "bandwidth": 700_000,
    }  # fmt: skip
    sound = hello["audio"]
    assert [r["media"] for r in hello["renditions"] if r["id"] == sound] == ["audio"]
    kinds = seen.kinds(1)
    assert kinds[:2] == [Kind.INIT, Kind.KEYFRAME]
    shown = frames(seen.track(1))
    assert len(shown) == (8 - 2) * RATE
    assert [n for n, key in enumerate(shown) if key] == [0, GOP_S * RATE, 2 * GOP_S * RATE]
    with av.open(BytesIO(seen.track(sound))) as container:
        starts = [p.pts for p in container.demux(audio=0) if p.size]
    assert starts[0] / 48_000 == pytest.approx(2.0, abs=0.07)
    assert seen.kinds(2) == []
    assert seen.said[-1] == {"type": "state", "state": "ended"}


async def test_the_same_bytes_object_goes_to_all_viewers(live: Running) -> None:
    _, feed = await opened(live)
    first, rest = split(await pieces(), 3.0)
    await send(feed, first)
    now = time.monotonic()
    one, two = (feed.hub.join("", now, 0.0, 0.0).viewer for _ in range(2))
    await send(feed, rest, until_s=3.5)
    while (item := one.next()) is not None:
        other = two.next()
        assert item is other or getattr(item, "text", None) == getattr(other, "text", "")


async def test_a_viewer_asks_for_another_rung_for_sound_only_and_for_itself(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    first, rest = split(await pieces(), 3.0)
    middle, last = split(rest, 6.5)
    await send(feed, first)
    async with watching(client, live.at(session, "stream?rendition=360p")) as (seen, ws):
        await eventually(lambda: len(seen.media) > 10)
        await ws.send_json({"type": "rung", "name": "180p"})
        connection = next(iter(feed.hub.viewers))
        await eventually(lambda: connection.viewer._wanted == 2)
        await send(feed, middle)
        await eventually(lambda: {"type": "rung", "video": 2, "why": "asked"} in seen.said)
        await eventually(lambda: live.figure("viewers", delivery="ws", rung="180p") == 1)
        await ws.send_json({"type": "rung", "name": "audio"})
        await eventually(lambda: {"type": "rung", "video": None, "why": "asked"} in seen.said)
        before = len(seen.kinds(2))
        await send(feed, last)
        await feed.end()
        await eventually(lambda: seen.ended)
    assert len(seen.kinds(2)) == before
    assert seen.kinds(2)[:2] == [Kind.INIT, Kind.KEYFRAME]
    assert len(frames(seen.track(2))) == before - 1
    assert live.figure("rung_changes_total", why="asked") == 2


async def test_a_viewer_with_sound_only(live: Running, client: aiohttp.ClientSession) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(), until_s=5.0)
    async with watching(client, live.at(session, "stream?feed=main&rendition=audio")) as (seen, _):
        await feed.end()
        await eventually(lambda: seen.ended)
    assert {number for number, *_ in seen.media} == {3}
    assert seen.said[0]["video"] is None


async def test_viewers_are_told_that_the_publisher_is_away_and_back(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(), until_s=3.0)
    async with watching(client, live.at(session, "stream")) as (seen, _):
        await eventually(lambda: "hello" in seen.types())
        await feed.interrupted()
        await feed.resumed()
        await eventually(lambda: seen.types().count("state") == 3)
        states = [item["state"] for item in seen.said if item["type"] == "state"]
        assert states == ["live", "reconnecting", "live"]


async def test_who_comes_before_the_first_frame_waits_for_it(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)

    async def watch() -> Seen:
        async with watching(client, live.at(session, "stream")) as (seen, _):
            await eventually(lambda: seen.ended)
            return seen

    early = asyncio.create_task(watch())
    await eventually(lambda: session in live.gate.asked)
    await send(feed, await pieces())
    await feed.end()
    seen = await early
    assert len(frames(seen.track(1))) == 8 * RATE


@pytest.mark.parametrize(
    "nonsense",
    ["{", "[]", '{"type":"rung"}', '{"type":"rung","name":"8k"}', '{"type":"grant"}', "[" * 4000],
)
async def test_nonsense_ends_the_connection(
    nonsense: str, live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(), until_s=3.0)
    async with watching(client, live.at(session, "stream")) as (seen, ws):
        await ws.send_str(nonsense)
        await eventually(lambda: seen.ended)
        assert ws.close_code == 1008
    await eventually(lambda: len(feed.hub) == 0)


async def test_too_much_ends_the_connection(live: Running, client: aiohttp.ClientSession) -> None:
    session, feed = await opened(live)
    await send(feed, await pieces(), until_s=3.0)
    async with watching(client, live.at(session, "stream")) as (seen, ws):
        for _ in range(2 * ASKED_LIMIT + 2):
            if not ws.closed:
                await ws.send_json({"type": "rung", "name": "auto"})
        await eventually(lambda: seen.ended)
    async with watching(client, live.at(session, "stream")) as (seen, ws):
        await ws.send_str("x" * (ASKED_LIMIT_BYTES + 1))
        await eventually(lambda: seen.ended)
        assert ws.close_code == 1009


async def test_a_viewer_who_reads_nothing_costs_no_memory_and_delays_nobody(
    live: Running, client: aiohttp.ClientSession
) -> None:
    session, feed = await opened(live)
    source = await pieces()
    first, rest = split(source, 3.0)
    await send(feed, first)
    host, port = live.url.removeprefix("http://").split(":")
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(stuck, (host, int(port)))
    ask = (
        f"GET /live/{session}/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await loop.sock_sendall(stuck, ask.encode())
    await eventually(lambda: len(feed.hub) == 1)
    connection = next(iter(feed.hub.viewers))
    async with watching(client, live.at(session, "stream")) as (seen, _):
        await eventually(lambda: len(seen.media) > 10)
        (quick,) = set(feed.hub.viewers) - {connection}
        for _ in range(30):
            feed.hub._spread(PADDING, time.monotonic())
            await eventually(lambda: len(quick.viewer) == 0)
        await send(feed, rest)
        assert connection.viewer.size_bytes <= QUEUE_LIMIT_BYTES + len(PADDING.wire)
        assert connection.viewer.skips > 0
        await eventually(lambda: len(seen.kinds(1)) == 1 + 30 + 6 * RATE)
        assert len(frames(whole(seen))) == 6 * RATE
        assert quick.viewer.skips == 0
    assert live.figure("queue_skips_total", rung="360p") > 0
    stuck.close()
    await feed.end()


PADDING = frame_of(1, Kind.PICTURE, 0, 0, bytes(300_000))


def whole(seen: Seen) -> bytes:
    """The film without what the test put in."""
    return b"".join(d for n, _, _, d in seen.media if n == 1 and len(d) != 300_000)
