"""Viewers who all join at once, in a process of their own.

    python -m loadtests.storm_viewers ws|hls COUNT JOIN_S SECONDS SESSION_URL

SESSION_URL is the API's address of a lesson that guests may watch. Joins are spread evenly by
chance over JOIN_S (the same chance each time). Says `storm` when the first may join, `playing` when
everybody's picture can be decoded, `steady` a moment later, and after SECONDS one line of JSON. A
viewer's own join is counted from its first connection; everybody then watches on at full rate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import urljoin, urlsplit

import uvloop

from loadtests.live_readers import StreamReader, Tally
from loadtests.live_spread import share
from loadtests.live_viewers import used_s
from loadtests.live_wire import BINARY, http_answer
from loadtests.storm_joins import StreamJoin, TrackJoin, addresses, picture_and_sound

PLAYING_LIMIT_S = 120.0
SETTLE_S = 2.0
RETRY_S = 0.5
SEED = 8
Took = Callable[[bytes], str]


class Storm:
    """Who joined when and who plays since when; bytes of the window are in `tally`."""

    def __init__(self, count: int) -> None:
        self.tally = Tally(count)
        self.began_at = [0.0] * count
        self.plays_at: dict[int, float] = {}
        self.all_play = asyncio.Event()

    def plays(self, viewer: int) -> None:
        """Note a viewer's first picture."""
        if viewer not in self.plays_at:
            self.plays_at[viewer] = time.monotonic()
            if len(self.plays_at) == len(self.began_at):
                self.all_play.set()

    def said(self, storm_at: float, steady_s: float, cpu_s: float) -> dict[str, object]:
        """Give what is told to the bench; without everybody's picture there is nothing to tell."""
        since_s = sorted(at - storm_at for at in self.plays_at.values())
        own_s = sorted(at - self.began_at[viewer] for viewer, at in self.plays_at.items())
        last_at = max(self.plays_at.values())
        return {
            "join_p50_s": share(own_s, 0.5), "join_p95_s": share(own_s, 0.95),
            "join_most_s": own_s[-1], "until_95_s": share(since_s, 0.95),
            "watched_s": sum(last_at - at for at in self.plays_at.values()),
            "bytes": sum(self.tally.bytes), "slowest_bytes": min(self.tally.bytes),
            "steady_s": steady_s, "viewers_cpu_s": cpu_s, "errors": self.tally.errors,
        }  # fmt: skip


class Getter(asyncio.Protocol):
    """One HTTP connection: asks, hands a whole body to `took`, asks for what that gives.

    What is refused is counted, and `again` says what to ask for instead in a while.
    """

    def __init__(self, storm: Storm, viewer: int, url: str, took: Took) -> None:
        self.took = took
        self.again: Callable[[], str] = lambda: self._url
        self._storm, self._viewer, self._url = storm, viewer, url
        self._rest = b""
        self._closed = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first."""
        self._transport = cast(asyncio.Transport, transport)
        self._ask(self._url)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it, unless this end closed it."""
        self._storm.tally.errors += not self._closed

    def data_received(self, data: bytes) -> None:
        """Take answers, one at a time."""
        self._storm.tally.took(self._viewer, len(data))
        self._rest += data
        found = http_answer(self._rest)
        if found is None:
            return
        body, self._rest = self._rest[found.start : found.end], self._rest[found.end :]
        if found.status != 200:
            self._storm.tally.errors += 1
            asyncio.get_running_loop().call_later(RETRY_S, lambda: self._ask(self.again()))
        elif following := self.took(body):
            self._ask(following)
        else:
            self._closed = True
            self._transport.close()

    def _ask(self, url: str) -> None:
        self._url = url
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        packed = "Accept-Encoding: gzip\r\n"
        self._transport.write(
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{packed}\r\n".encode()
        )


class StreamViewer(StreamReader):
    """The WebSocket of a viewer."""

    def __init__(self, storm: Storm, viewer: int, url: str) -> None:
        super().__init__(storm.tally, viewer, url)
        self.timed = False
        self._storm, self._join = storm, StreamJoin()

    def on_frame(self, data: bytes, opcode: int, start: int, end: int) -> None:
        """Look whether it is the first picture."""
        super().on_frame(data, opcode, start, end)
        waits = opcode == BINARY and not self._join.plays
        if waits and self._join.media(data[start], data[start + 1]):
            self._storm.plays(self.viewer)


class Joining:
    """One viewer on its way in; connections that follow the first are opened in `tasks`."""

    def __init__(self, storm: Storm, viewer: int, url: str, tasks: asyncio.TaskGroup) -> None:
        self._storm, self._viewer, self._url, self._tasks = storm, viewer, url, tasks

    async def begin(self, kind: str) -> None:
        """Ask the API for the lesson."""
        self._storm.began_at[self._viewer] = time.monotonic()
        take = self._by_stream if kind == "ws" else self._by_playlists
        self._getter = Getter(self._storm, self._viewer, self._url, take)
        await _connect(self._url, self._getter)

    def _by_stream(self, body: bytes) -> str:
        url = urljoin(self._url, addresses(body)["stream"]).replace("http", "ws", 1)
        self._open(url, StreamViewer(self._storm, self._viewer, url))
        return ""

    def _by_playlists(self, body: bytes) -> str:
        url = urljoin(self._url, addresses(body)["hls"])

        def multivariant(body: bytes) -> str:
            picture, sound = picture_and_sound(url, body)
            if sound:
                track = TrackJoin(sound)
                getter = Getter(self._storm, self._viewer, track.began(), track.took)
                getter.again = track.began
                self._open(sound, getter)
            return self._follow(TrackJoin(picture))

        self._getter.took = multivariant
        return url

    def _follow(self, picture: TrackJoin) -> str:
        """Go on with the picture's playlist on the connection that is there."""

        def took(body: bytes) -> str:
            following = picture.took(body)
            if picture.plays:
                self._storm.plays(self._viewer)
                self._getter.took = picture.took
            return following

        self._getter.took, self._getter.again = took, picture.began
        return picture.began()

    def _open(self, url: str, protocol: asyncio.Protocol) -> None:
        self._tasks.create_task(_connect(url, protocol))


async def _connect(url: str, protocol: asyncio.Protocol) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    await asyncio.get_running_loop().create_connection(lambda: protocol, host, port)


def moments(count: int, join_s: float) -> list[float]:
    """Give when each viewer joins, in seconds from the beginning; the same each time."""
    chance = random.Random(SEED)
    return sorted(chance.uniform(0, join_s) for _ in range(count))


async def run(kind: str, count: int, join_s: float, seconds: float, url: str) -> None:
    """Join, wait until all play, watch, tell. Raises: TimeoutError when somebody never plays."""
    storm = Storm(count)
    async with asyncio.TaskGroup() as tasks:
        _say("storm")
        storm_at = time.monotonic()
        for viewer, due_s in enumerate(moments(count, join_s)):
            await asyncio.sleep(max(0.0, storm_at + due_s - time.monotonic()))
            tasks.create_task(Joining(storm, viewer, url, tasks).begin(kind))
        async with asyncio.timeout(PLAYING_LIMIT_S):
            await storm.all_play.wait()
        _say("playing")
    await asyncio.sleep(SETTLE_S)
    used, began_at = used_s(), time.monotonic()
    storm.tally.open = True
    _say("steady")
    await asyncio.sleep(seconds)
    storm.tally.open = False
    steady_s = time.monotonic() - began_at
    _say(json.dumps(storm.said(storm_at, steady_s, used_s() - used)))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> None:
    """Run what the bench asks for."""
    parser = argparse.ArgumentParser(description="Viewers who all join at once")
    parser.add_argument("kind", choices=["ws", "hls"])
    parser.add_argument("count", type=int)
    parser.add_argument("join_s", type=float)
    parser.add_argument("seconds", type=float)
    parser.add_argument("url")
    asked = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(run(asked.kind, asked.count, asked.join_s, asked.seconds, asked.url))


if __name__ == "__main__":
    main(sys.argv[1:])
