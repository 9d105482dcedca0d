"""What the edge bench's lines end at: an origin that is made up, or our own service.

Both are reached by a program at the line's end that says `ready`, answers each line on its standard
input with {path: [count, bytes]} of what was asked for, and ends with it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from loadtests.city import City, live_lessons, stored_lesson
from loadtests.line import Home, namespace

LIVE_SINCE_S = 60.0
LEAST_PX = 360


class Origin(Protocol):
    """Where lessons come from. `least_px`: pupils leave smaller pictures alone."""

    congestion: str
    least_px: int

    def home(self) -> AbstractContextManager[Home]:
        """Give the network in which a line ends."""

    def lessons(self, names: Sequence[str]) -> AbstractContextManager[tuple[str, ...]]:
        """Let lessons go on (`live/1`, `recorded/1`); give their paths."""

    def door(self, listen: str, congestion: str) -> tuple[str, ...]:
        """Give the program that is asked at a line's end."""

    def code(self, peer: str) -> str:
        """Give what a box enrols with."""


class MadeUp:
    """`school_origin`: the same figures of 2.0 and 0.8 Mbit/s for everyone, and no media."""

    congestion = "cubic"
    least_px = 0

    def __init__(self) -> None:
        self._epoch_s = 0.0

    def home(self) -> AbstractContextManager[Home]:
        """Give a network of its own to each line."""
        return namespace()

    @contextmanager
    def lessons(self, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """All lessons began at the same moment."""
        self._epoch_s = float(round(time.time() - LIVE_SINCE_S))
        yield tuple(f"{name}/index.m3u8" for name in names)

    def door(self, listen: str, congestion: str) -> tuple[str, ...]:
        """Give the origin itself."""
        epoch = str(self._epoch_s)
        return (sys.executable, "-m", "loadtests.school_origin", listen, epoch, congestion)

    def code(self, peer: str) -> str:
        """There is nothing to enrol at."""
        return ""


class Tongbu:
    """Our service in a city of its own. Its live sockets use bbr; so do the doors in its place."""

    congestion = "bbr"
    least_px = LEAST_PX

    def __init__(self, city: City) -> None:
        self._city = city
        self._stored = ""

    def home(self) -> AbstractContextManager[Home]:
        """All lines end in the city."""
        return nullcontext(self._city.home)

    @contextmanager
    def lessons(self, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Publish as many as are live; the stored one is uploaded once."""
        if names and not self._stored and not _live(names):
            self._stored = stored_lesson(self._city)
        with live_lessons(self._city, len(_live(names))) as sessions:
            paths = iter([f"live/{one.id}/multivariant.m3u8" for one in sessions])
            stored = f"media/{self._stored}/multivariant.m3u8"
            yield tuple(next(paths) if name in _live(names) else stored for name in names)

    def door(self, listen: str, congestion: str) -> tuple[str, ...]:
        """Give a door to the service."""
        return (sys.executable, "-m", "loadtests.city_door", listen, self._city.target, congestion)

    def code(self, peer: str) -> str:
        """Make a box."""
        return self._city.code(f"{peer}-{time.monotonic_ns()}")


def _live(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.startswith("live/")]
