"""Who uses the line next. Pure.

The rule. Texts start at once and do not count. Media goes by priority, then by when it is played,
then by who came first; at most `media_at_once` transfers share the line, and read-ahead and night
leave one of these places free. The night's pieces come one at a time, at a rate (a token bucket
that holds ten seconds of it and may be overdrawn by one piece), and only when nobody in the school
has wanted anything for a minute.

Limit: 4096 keys that wait.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import IntEnum
from heapq import heapify, heappop, heappush
from math import inf
from typing import Generic, TypeVar

from streaming.errors import StreamingError

MEDIA_AT_ONCE = 2
NIGHT_AT_ONCE = 1
WAITING_LIMIT = 4096
QUIET_S = 60.0
BURST_S = 10.0
STALE_LIMIT = 64

K = TypeVar("K", bound=Hashable)


class Priority(IntEnum):
    """What goes first; the smaller the sooner."""

    TEXT = 0
    WAITED = 1
    NEWEST = 2
    AHEAD = 3
    NIGHT = 4


DAYTIME = frozenset({Priority.WAITED, Priority.NEWEST, Priority.AHEAD})
BACKGROUND = frozenset({Priority.AHEAD, Priority.NIGHT})


class Crowded(StreamingError):
    """Too many wait for the line; try again when some are through."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How urgent a transfer is; `play_at` is when its first frame should be on a screen."""

    priority: Priority
    play_at: float = inf

    @property
    def order(self) -> tuple[int, float]:
        """Sort by this: the most urgent first."""
        return self.priority, self.play_at


@dataclass(frozen=True, slots=True)
class _Entry(Generic[K]):
    """Who waits, or uses the line."""

    key: K
    wish: Wish
    size_bytes: int
    number: int

    def __lt__(self, other: _Entry[K]) -> bool:
        return (self.wish.order, self.number) < (other.wish.order, other.number)


class Schedule(Generic[K]):
    """Transfers by key, from `add` until `done` or `drop`; after any of them ask `start` again."""

    def __init__(self, media_at_once: int = MEDIA_AT_ONCE, night_bps: int = 0) -> None:
        self.media_at_once = media_at_once
        self._waiting: dict[K, _Entry[K]] = {}
        self._running: dict[K, _Entry[K]] = {}
        self._heaps: dict[Priority, list[_Entry[K]]] = {priority: [] for priority in Priority}
        self._number = 0
        self._night_bps = night_bps
        self._tokens_bytes = 0.0
        self._filled_at = -inf
        self._wanted_at = -inf

    def __contains__(self, key: K) -> bool:
        return key in self._waiting or key in self._running

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def media_running(self) -> int:
        """How many transfers of media use the line: what an estimator is told."""
        return sum(one.wish.priority is not Priority.TEXT for one in self._running.values())

    def pace_night(self, now: float, night_bps: int) -> None:
        """Let the night's pieces come at this rate from now on; 0 stops them."""
        self._pour(now)
        self._night_bps = night_bps

    def add(self, now: float, key: K, wish: Wish, size_bytes: int = 0) -> None:
        """Let a transfer wait for its turn. Raises: Crowded; ValueError when it is there."""
        if key in self:
            raise ValueError(f"{key}: waits or runs already; promote it instead")
        if len(self._waiting) >= WAITING_LIMIT:
            raise Crowded(f"{WAITING_LIMIT} transfers wait for the line: try again in a moment")
        self._notice(now, wish)
        self._number += 1
        self._wait(_Entry(key, wish, size_bytes, self._number))

    def promote(self, now: float, key: K, wish: Wish) -> None:
        """Make a transfer that waits or runs more urgent; never less. Raises: KeyError."""
        held = self._waiting if key in self._waiting else self._running
        entry = held[key]
        self._notice(now, wish)
        if wish.order >= entry.wish.order:
            return
        entry = _Entry(key, wish, entry.size_bytes, entry.number)
        if held is self._waiting:
            self._wait(entry)
        else:
            held[key] = entry

    def drop(self, key: K) -> None:
        """Forget a transfer that waits, since nobody wants it. Raises: KeyError."""
        del self._waiting[key]

    def done(self, key: K) -> None:
        """Free the place of a transfer that ran, however it ended. Raises: KeyError."""
        del self._running[key]

    def start(self, now: float) -> list[K]:
        """Give what is to start now, most urgent first; it runs until it is `done`."""
        self._pour(now)
        started = []
        for priority, heap in self._heaps.items():
            while self._first(heap) and self._may_start(priority, now):
                entry = heappop(heap)
                del self._waiting[entry.key]
                self._running[entry.key] = entry
                if priority is Priority.NIGHT:
                    self._tokens_bytes -= entry.size_bytes
                started.append(entry.key)
        return started

    def next_deadline(self) -> float | None:
        """Tell when a piece of the night may start if nothing else happens until then."""
        night = self._first(self._heaps[Priority.NIGHT])
        if night is None or not self._night_bps or not self._has_place(Priority.NIGHT):
            return None
        missing_bytes = max(0.0, -self._tokens_bytes)
        return max(self._wanted_at + QUIET_S, self._filled_at + 8 * missing_bytes / self._night_bps)

    def _notice(self, now: float, wish: Wish) -> None:
        if wish.priority in DAYTIME:
            self._wanted_at = now

    def _wait(self, entry: _Entry[K]) -> None:
        self._waiting[entry.key] = entry
        heap = self._heaps[entry.wish.priority]
        heappush(heap, entry)
        if len(heap) > 2 * len(self._waiting) + STALE_LIMIT:
            heap[:] = [one for one in heap if self._waiting.get(one.key) is one]
            heapify(heap)

    def _first(self, heap: list[_Entry[K]]) -> _Entry[K] | None:
        while heap and self._waiting.get(heap[0].key) is not heap[0]:
            heappop(heap)
        return heap[0] if heap else None

    def _may_start(self, priority: Priority, now: float) -> bool:
        if priority is not Priority.NIGHT:
            return self._has_place(priority)
        paid = self._night_bps > 0 and self._tokens_bytes > -1
        return paid and now >= self._wanted_at + QUIET_S and self._has_place(priority)

    def _has_place(self, priority: Priority) -> bool:
        if priority is Priority.TEXT:
            return True
        running = [one.wish.priority for one in self._running.values()]
        background = sum(one in BACKGROUND for one in running)
        if priority is Priority.NIGHT and running.count(Priority.NIGHT) >= NIGHT_AT_ONCE:
            return False
        if priority in BACKGROUND and background >= max(1, self.media_at_once - 1):
            return False
        return self.media_running < self.media_at_once

    def _pour(self, now: float) -> None:
        """Fill the bucket up to now."""
        passed_s = max(0.0, now - self._filled_at) if self._filled_at > -inf else 0.0
        poured_bytes = self._tokens_bytes + passed_s * self._night_bps / 8
        self._tokens_bytes = min(poured_bytes, BURST_S * self._night_bps / 8)
        self._filled_at = max(now, self._filled_at)
