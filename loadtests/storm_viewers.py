"""Viewers who all join at once, in a process of their own.

    python -m loadtests.storm_viewers ws|hls|rooms COUNT JOIN_S SECONDS < addresses

Each line of standard input is the API's address of a lesson, and of who signed in the token; lines
are dealt round. By `rooms` come classrooms: each has the WebSocket of the picture and is a member
of its room. Joins are spread evenly by chance over JOIN_S (the same chance each time). Says
`storm` when the first may join, `playing` when everybody's picture can be decoded (and the room has
welcomed them), `steady` a moment later, and after SECONDS one line of JSON. A viewer's own join is
counted from its first connection; everybody then watches on at full rate.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import cast
from urllib.parse import urljoin, urlsplit

import uvloop

from loadtests.live_readers import StreamReader, Tally
from loadtests.live_spread import share
from loadtests.live_viewers import used_s
from loadtests.live_wire import BINARY, get_request, http_answer
from loadtests.room_connection import RoomConnection
from loadtests.room_member import Member
from loadtests.storm_joins import StreamJoin, TrackJoin, addresses, picture_and_sound

PLAYING_LIMIT_S = 120.0
SETTLE_S = 2.0
RETRY_S = 0.5
SEED = 8
KINDS = ("ws", "hls", "rooms")
PACKED = "Accept-Encoding: gzip\r\n"
Took = Callable[[bytes], str]
Begin = Callable[[int, asyncio.TaskGroup], Coroutine[None, None, None]]


class Storm:
    """Who joined when and who plays since when; bytes of the window are in `tally`."""

    def __init__(self, count: int) -> None:
        self.tally = Tally(count)
        self.began_at = [0.0] * count
        self.plays_at: dict[int, float] = {}
        self.all_in = asyncio.Event()
        self.last_in_at = 0.0
        self._not_in = set(range(count))

    def plays(self, viewer: int) -> None:
        """Note a viewer's first picture."""
        if viewer not in self.plays_at:
            self.plays_at[viewer] = time.monotonic()
            self.is_in(viewer)

    def is_in(self, viewer: int) -> None:
        """Note that a viewer's join has cost what it costs: the rest is watching."""
        self.last_in_at = time.monotonic()
        self._not_in.discard(viewer)
        if not self._not_in:
            self.all_in.set()

    def open_window(self, now: float) -> None:
        """Count from now on."""
        self.tally.open = True

    def slowest(self) -> float:
        """Give what the slowest viewer got within the window, as a part of the mean."""
        counted = self.tally.bytes
        return min(counted) * len(counted) / (sum(counted) or 1)

    def said(self, storm_at: float, steady_s: float, cpu_s: float) -> dict[str, float]:
        """Give what is told to the bench; without everybody's picture there is nothing to tell."""
        since_s = sorted(at - storm_at for at in self.plays_at.values())
        own_s = sorted(at - self.began_at[viewer] for viewer, at in self.plays_at.items())
        return {
            "join_p50_s": share(own_s, 0.5), "join_p95_s": share(own_s, 0.95),
            "join_most_s": own_s[-1], "until_95_s": share(since_s, 0.95),
            "watched_s": sum(self.last_in_at - at for at in self.plays_at.values()),
            "bytes": sum(self.tally.bytes), "slowest": self.slowest(),
            "steady_s": steady_s, "viewers_cpu_s": cpu_s, "errors": self.tally.errors,
        }  # fmt: skip


class Getter(asyncio.Protocol):
    """One HTTP connection: asks, hands a whole body to `took`, asks for what that gives.

    What is refused is counted, and `again` says what to ask for instead in a while.
    """

    def __init__(
        self, storm: Storm, viewer: int, url: str, took: Took, headers: str = PACKED
    ) -> None:
        self.took = took
        self.again: Callable[[], str] = lambda: self._url
        self._storm, self._viewer, self._url, self._headers = storm, viewer, url, headers
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
        self._transport.write(get_request(url, self._headers))


class StreamViewer(StreamReader):
    """The WebSocket of a viewer; `plays` is called with its first picture."""

    def __init__(self, tally: Tally, viewer: int, url: str, plays: Callable[[], None]) -> None:
        super().__init__(tally, viewer, url)
        self.timed = False
        self._plays, self._join = plays, StreamJoin()

    def on_frame(self, data: bytes, opcode: int, start: int, end: int) -> None:
        """Look whether it is the first picture."""
        super().on_frame(data, opcode, start, end)
        waits = opcode == BINARY and not self._join.plays
        if waits and self._join.media(data[start], data[start + 1]):
            self._plays()


class Joining:
    """One viewer on its way in; connections that follow the first are opened in `tasks`."""

    def __init__(self, storm: Storm, viewer: int, line: str, tasks: asyncio.TaskGroup) -> None:
        self._storm, self._viewer, self._tasks = storm, viewer, tasks
        self._url, _, self._token = line.partition(" ")

    async def begin(self, kind: str) -> None:
        """Ask the API for the lesson."""
        self._storm.began_at[self._viewer] = time.monotonic()
        take = {"ws": self._by_stream, "hls": self._by_playlists, "rooms": self._in_room}[kind]
        signed = f"Authorization: Bearer {self._token}\r\n" if self._token else ""
        self._getter = Getter(self._storm, self._viewer, self._url, take, PACKED + signed)
        await connect(self._url, self._getter)

    def _by_stream(self, body: bytes) -> str:
        self._watch(addresses(body)["stream"], lambda: self._storm.plays(self._viewer))
        return ""

    def _in_room(self, body: bytes) -> str:
        """Watch and be a member; who has both plays."""
        urls, missing = addresses(body), {"picture", "welcome"}

        def has(what: str) -> None:
            missing.discard(what)
            if not missing:
                self._storm.plays(self._viewer)

        self._watch(urls["stream"], lambda: has("picture"))
        url, member = self._socket(urls["room"]), Member(f"board-{self._viewer}")
        room = RoomConnection(self._storm.tally, self._viewer, url, member, lambda: has("welcome"))
        self._open(url, room)
        return ""

    def _watch(self, path: str, plays: Callable[[], None]) -> None:
        url = self._socket(path)
        self._open(url, StreamViewer(self._storm.tally, self._viewer, url, plays))

    def _socket(self, path: str) -> str:
        return urljoin(self._url, path).replace("http", "ws", 1)

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
        self._tasks.create_task(connect(url, protocol))


async def connect(url: str, protocol: asyncio.Protocol) -> None:
    """Open one connection."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    await asyncio.get_running_loop().create_connection(lambda: protocol, host, port)


def moments(count: int, join_s: float) -> list[float]:
    """Give when each viewer joins, in seconds from the beginning; the same each time."""
    chance = random.Random(SEED)
    return sorted(chance.uniform(0, join_s) for _ in range(count))


async def run(storm: Storm, begin: Begin, asked: argparse.Namespace) -> None:
    """Join, wait until all are in, watch, tell. Raises: TimeoutError when somebody never plays."""
    async with asyncio.TaskGroup() as tasks:
        _say("storm")
        storm_at = time.monotonic()
        for viewer, due_s in enumerate(moments(asked.count, asked.join_s)):
            await asyncio.sleep(max(0.0, storm_at + due_s - time.monotonic()))
            tasks.create_task(begin(viewer, tasks))
        async with asyncio.timeout(PLAYING_LIMIT_S):
            await storm.all_in.wait()
        _say("playing")
    await asyncio.sleep(asked.settle_s)
    used, began_at = used_s(), time.monotonic()
    storm.open_window(began_at)
    _say("steady")
    await asyncio.sleep(asked.seconds)
    storm.tally.open = False
    steady_s = time.monotonic() - began_at
    _say(json.dumps(storm.said(storm_at, steady_s, used_s() - used)))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def asked_for(
    kinds: Sequence[str], arguments: Sequence[str]
) -> tuple[argparse.Namespace, list[str]]:
    """Read what is asked for and the lines of standard input; take all files that there are."""
    parser = argparse.ArgumentParser(description="Viewers who all join at once")
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("count", type=int)
    parser.add_argument("join_s", type=float)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--settle-s", type=float, default=SETTLE_S, help="before it is steady")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return parser.parse_args(arguments), sys.stdin.read().splitlines()


def main(arguments: Sequence[str]) -> None:
    """Run what the bench asks for."""
    asked, lines = asked_for(KINDS, arguments)
    storm = Storm(asked.count)

    async def begin(viewer: int, tasks: asyncio.TaskGroup) -> None:
        await Joining(storm, viewer, lines[viewer % len(lines)], tasks).begin(asked.kind)

    uvloop.run(run(storm, begin, asked))


if __name__ == "__main__":
    main(sys.argv[1:])
