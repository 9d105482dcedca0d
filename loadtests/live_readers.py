"""Connections of simulated viewers: each reads as fast as it may, counts and times, keeps nothing.

`StreamReader` reads the WebSocket `stream`, `PlaylistReader` an LL-HLS media playlist and its
parts, `FilesReader` a plain HLS playlist and its segments, `Reader` whatever comes (HTTP-FLV).
"""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from typing import cast
from urllib.parse import urljoin

from loadtests.live_wire import (
    BINARY,
    CLOSE,
    PING,
    STREAM_HEADER_BYTES,
    TEXT,
    PartName,
    decode_time,
    get_request,
    http_answer,
    parts_of,
    playlist_text,
    ws_frame,
    ws_pong,
)

FRAME_S, PART_S = 1 / 30, 0.2
TIMED_VIEWERS = 100
RETRY_S = 0.5
PLAYLIST_EVERY_S = 1.0


class Tally:
    """What all viewers of this process counted while the window was open."""

    def __init__(self, count: int) -> None:
        self.open = False
        self.bytes = [0] * count
        self.delays: list[float] = []
        self.without_media = set(range(count))
        self.all_have_media = asyncio.Event()
        self.knows_clock = asyncio.Event()
        self.errors = 0
        self.anchor_s = 0.0
        self.timescale = 90_000

    def begin(self) -> None:
        """Open the window."""
        self.errors, self.open = 0, True

    def took(self, viewer: int, size: int) -> None:
        """Count bytes."""
        self.bytes[viewer] += size * self.open

    def has_media(self, viewer: int) -> None:
        """Note that a viewer has its first media."""
        self.without_media.discard(viewer)
        if not self.without_media:
            self.all_have_media.set()

    def timed(self, time_ts: int, lasts_s: float) -> None:
        """Note how old the end of a piece of media is."""
        if self.open:
            made_s = self.anchor_s + time_ts / self.timescale + lasts_s
            self.delays.append(time.time() - made_s)


class Reader(asyncio.Protocol):
    """One connection: sends a request, takes bytes."""

    def __init__(self, tally: Tally, viewer: int, url: str) -> None:
        self.tally = tally
        self.viewer = viewer
        self.url = url
        self.timed = viewer < TIMED_VIEWERS
        self.rest = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = cast(asyncio.Transport, transport)
        self.ask(self.url)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it: nobody is to be lost while it is measured."""
        self.tally.errors += 1

    def ask(self, url: str, more: str = "") -> None:
        """Send a GET."""
        self.transport.write(get_request(url, more))

    def data_received(self, data: bytes) -> None:
        """Count; an FLV viewer looks at nothing."""
        self.tally.took(self.viewer, len(data))
        self.tally.has_media(self.viewer)


class StreamReader(Reader):
    """A viewer of the WebSocket `stream`."""

    greeted = False
    video = 0

    def ask(self, url: str, more: str = "") -> None:
        """Send the handshake."""
        key = b64encode(bytes(16)).decode()
        super().ask(url, f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                         f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n")  # fmt: skip

    def data_received(self, data: bytes) -> None:
        """Walk the frames."""
        self.tally.took(self.viewer, len(data))
        data = self.rest + data if self.rest else data
        at = 0
        if not self.greeted:
            at = data.find(b"\r\n\r\n") + 4
            self.greeted = at >= 4
        while self.greeted and (frame := ws_frame(data, at)) and frame.end <= len(data):
            self.on_frame(data, frame.opcode, frame.start, frame.end)
            at = frame.end
        self.rest = data[at:] if self.greeted else data

    def on_frame(self, data: bytes, opcode: int, start: int, end: int) -> None:
        """Take one frame."""
        if opcode == BINARY:
            self.tally.has_media(self.viewer)
            if self.timed and data[start] == self.video and data[start + 1]:
                found = decode_time(data, start + STREAM_HEADER_BYTES)
                if found is not None:
                    self.tally.timed(found, FRAME_S)
        elif opcode == TEXT:
            self.said(json.loads(data[start:end]))
        elif opcode == PING:
            self.transport.write(ws_pong(data[start:end]))
        elif opcode == CLOSE:
            self.transport.close()

    def said(self, message: dict[str, object]) -> None:
        """Learn the clock."""
        if message["type"] in ("hello", "anchor"):
            self.tally.anchor_s = float(str(message["anchor"]))
        if message["type"] == "hello":
            self.video = int(str(message["video"]))
            renditions = message["renditions"]
            assert isinstance(renditions, list)
            scales = {one["id"]: one["timescale"] for one in renditions}
            self.tally.timescale = scales[self.video]
            self.tally.knows_clock.set()


class PlaylistReader(Reader):
    """A viewer of one LL-HLS media playlist: blocking reload, then the parts that are new."""

    def __init__(self, tally: Tally, viewer: int, url: str, counts: bool) -> None:
        super().__init__(tally, viewer, url)
        self.timed = self.timed and counts
        self.newest = (-1, -1)
        self.wanted: list[PartName] = []
        self.takes_part = False

    def data_received(self, data: bytes) -> None:
        """Take answers, one at a time."""
        self.tally.took(self.viewer, len(data))
        self.rest += data
        found = http_answer(self.rest)
        if found is None:
            return
        body, self.rest = self.rest[found.start : found.end], self.rest[found.end :]
        if found.status != 200:
            self.tally.errors += 1
            asyncio.get_running_loop().call_later(RETRY_S, self.ask, self.url)
            self.wanted, self.takes_part = [], False
        elif self.takes_part:
            self.took_part(body)
        else:
            self.took_playlist(playlist_text(body))

    def ask(self, url: str, more: str = "") -> None:
        """Ask as browsers do."""
        super().ask(url, "Accept-Encoding: gzip\r\n")

    def took_playlist(self, text: str) -> None:
        """Ask for what is new in it."""
        listed = parts_of(text)
        begins = self.newest == (-1, -1)
        fresh = [one for one in listed if (one.number, one.index) > self.newest]
        self.wanted = fresh[-1:] if begins else fresh
        self.next()

    def took_part(self, body: bytes) -> None:
        """Time it, and go on."""
        self.tally.has_media(self.viewer)
        found = decode_time(body, 0) if self.timed else None
        if found is not None:
            self.tally.timed(found, PART_S)
        self.next()

    def next(self) -> None:
        """Ask for the next part, or for the playlist that has it."""
        self.takes_part = bool(self.wanted)
        if self.wanted:
            part = self.wanted.pop(0)
            self.newest = (part.number, part.index)
            self.ask(urljoin(self.url, part.uri))
        else:
            number, index = self.newest
            joint = "&" if "?" in self.url else "?"
            asked = f"_HLS_msn={number}&_HLS_part={index + 1}&_HLS_skip=YES"
            self.ask(f"{self.url}{joint}{asked}" if number >= 0 else self.url)


class FilesReader(Reader):
    """A viewer of a plain HLS playlist: the playlist once a second, each new segment."""

    def __init__(self, tally: Tally, viewer: int, url: str) -> None:
        super().__init__(tally, viewer, url)
        self.known: set[str] = set()
        self.wanted: list[str] = []
        self.takes_segment = False

    def data_received(self, data: bytes) -> None:
        """Take answers, one at a time."""
        self.tally.took(self.viewer, len(data))
        self.rest += data
        found = http_answer(self.rest)
        if found is None:
            return
        body, self.rest = self.rest[found.start : found.end], self.rest[found.end :]
        if self.takes_segment:
            self.tally.has_media(self.viewer)
        elif found.status == 200:
            lines = [line for line in body.decode().split() if not line.startswith("#")]
            fresh = [line for line in lines if line not in self.known]
            self.wanted = fresh if self.known else fresh[-1:]
            self.known.update(lines)
        self.next()

    def next(self) -> None:
        """Ask for the next segment, or in a while for the playlist."""
        self.takes_segment = bool(self.wanted)
        if self.wanted:
            self.ask(urljoin(self.url, self.wanted.pop(0)))
        else:
            asyncio.get_running_loop().call_later(PLAYLIST_EVERY_S, self.ask, self.url)
