"""An evening: homes that watch one recording by HLS at play pace, in a process of their own.

    python -m loadtests.evening_homes recorded COUNT JOIN_S SECONDS < addresses

Each line of standard input is the API's address of a lesson that guests may watch; lines are dealt
round. Says what storm_viewers says, in its words: `playing` when everybody plays and has a full
buffer, so that filling it counts as joining; what follows is watching at play pace. A home is as
slow as it played within the window, and stands still when picture or sound ran dry.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urljoin

import uvloop

from loadtests.home_player import Track, Wait
from loadtests.live_wire import get_request, http_answer
from loadtests.pupil_lists import Ask, Lane
from loadtests.storm_joins import addresses, picture_and_sound
from loadtests.storm_viewers import PACKED, RETRY_S, Getter, Storm, asked_for, connect, run

KINDS = ("recorded",)
GOOD = (200, 206)


@dataclass(frozen=True, slots=True)
class Got:
    """How far a home has got, by the track that has it worse: picture or sound."""

    played_s: float
    stalls: int
    stalled_s: float

    def since(self, then: Got) -> Got:
        """Give what came since then."""
        return Got(self.played_s - then.played_s, self.stalls - then.stalls,
                   self.stalled_s - then.stalled_s)  # fmt: skip


class Evening(Storm):
    """The homes of an evening."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.tracks: dict[int, list[Track]] = {viewer: [] for viewer in range(count)}
        self._before: dict[int, Got] = {}
        self._window: list[Got] = []
        self._opened_at = 0.0

    def look(self, viewer: int, now: float) -> None:
        """Note who plays, and who is in."""
        tracks = self.tracks[viewer]
        if all(one.playback.started_at is not None for one in tracks):
            self.plays_at.setdefault(viewer, now)
        if not self.all_in.is_set() and all(one.full for one in tracks):
            self.is_in(viewer)

    def open_window(self, now: float) -> None:
        """Remember how far everybody has got."""
        super().open_window(now)
        self._opened_at = now
        self._before = {viewer: self._got(viewer, now) for viewer in self.tracks}

    def slowest(self) -> float:
        """Give how much the home that played least has played, as a part of the mean."""
        played_s = [one.played_s for one in self._window]
        return min(played_s) * len(played_s) / (sum(played_s) or 1)

    def said(self, storm_at: float, steady_s: float, cpu_s: float) -> dict[str, float]:
        """Tell of stalls, too."""
        end = self._opened_at + steady_s
        self._window = [self._got(home, end).since(then) for home, then in self._before.items()]
        return super().said(storm_at, steady_s, cpu_s) | {
            "stalls": sum(one.stalls for one in self._window),
            "stalled_s": sum(one.stalled_s for one in self._window),
        }

    def _got(self, viewer: int, now: float) -> Got:
        found = [one.playback for one in self.tracks[viewer]]
        for one in found:
            one.advance(now)
        return Got(
            min(one.played_s for one in found), max(one.stalls for one in found),
            max(one.stalled_s for one in found),
        )  # fmt: skip


class TrackConnection(asyncio.Protocol):
    """The connection of one track: one request at a time, by its clock."""

    def __init__(self, evening: Evening, viewer: int, track: Track) -> None:
        self._evening, self._viewer, self._track = evening, viewer, track
        self._rest = b""
        self._asked = track.began()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the playlist."""
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it: nobody is to be lost."""
        self._evening.tally.errors += 1

    def data_received(self, data: bytes) -> None:
        """Take an answer; what is refused is asked for again."""
        self._evening.tally.took(self._viewer, len(data))
        self._rest += data
        found = http_answer(self._rest)
        if found is None:
            return
        body, self._rest = self._rest[found.start : found.end], self._rest[found.end :]
        if found.status not in GOOD:
            self._evening.tally.errors += 1
            asyncio.get_running_loop().call_later(RETRY_S, self._ask)
            return
        now = time.monotonic()
        self._obey(self._track.took(body, now), now)

    def _obey(self, order: Ask | Wait, now: float) -> None:
        self._evening.look(self._viewer, now)
        if isinstance(order, Wait):
            asyncio.get_running_loop().call_later(order.until - now, self._go_on)
            return
        self._asked = order
        self._ask()

    def _go_on(self) -> None:
        now = time.monotonic()
        self._obey(self._track.go_on(now), now)

    def _ask(self) -> None:
        ask = self._asked
        more = PACKED if ask.lane is Lane.LISTS else ""
        if ask.of:
            more += f"Range: bytes={ask.of[0]}-{sum(ask.of) - 1}\r\n"
        self._transport.write(get_request(ask.uri, more))


class ComingHome:
    """One home on its way in: the API, the multivariant playlist, then its tracks."""

    def __init__(self, evening: Evening, viewer: int, url: str, tasks: asyncio.TaskGroup) -> None:
        self._evening, self._viewer, self._url, self._tasks = evening, viewer, url, tasks

    async def begin(self) -> None:
        """Ask the API for the lesson."""
        self._evening.began_at[self._viewer] = time.monotonic()
        self._getter = Getter(self._evening, self._viewer, self._url, self._lesson)
        await connect(self._url, self._getter)

    def _lesson(self, body: bytes) -> str:
        url = urljoin(self._url, addresses(body)["hls"])
        self._getter.took = lambda body: self._multivariant(url, body)
        return url

    def _multivariant(self, url: str, body: bytes) -> str:
        named = [one for one in picture_and_sound(url, body) if one]
        tracks = self._evening.tracks[self._viewer] = [Track(one) for one in named]
        for playlist, track in zip(named, tracks, strict=True):
            connection = TrackConnection(self._evening, self._viewer, track)
            self._tasks.create_task(connect(playlist, connection))
        return ""


def main(arguments: Sequence[str]) -> None:
    """Run what the bench asks for."""
    asked, lines = asked_for(KINDS, arguments)
    evening = Evening(asked.count)

    async def begin(viewer: int, tasks: asyncio.TaskGroup) -> None:
        await ComingHome(evening, viewer, lines[viewer % len(lines)], tasks).begin()

    uvloop.run(run(evening, begin, asked))


if __name__ == "__main__":
    main(sys.argv[1:])
