"""One direction of a line: random loss, then a queue that drops its tail, a rate, a fixed delay.

Pure: packets and `now` in, packets out. The rate and the rest may change while packets are under
way; a line that is cut loses what is on it and what comes. Bytes count when they have left the
queue, as they would be counted by whoever owns the line.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

QUEUE_S = 0.2


@dataclass(frozen=True, slots=True)
class Shape:
    """What a line is like, each way. Loss is a part of one; a rate of 0 is no limit."""

    rate_bps: int = 0
    delay_s: float = 0.0
    loss: float = 0.0
    queue_s: float = QUEUE_S


@dataclass(frozen=True, slots=True)
class Counted:
    """What one direction carried, lost by chance or by a cut, and dropped for a full queue."""

    bytes: int = 0
    packets: int = 0
    lost: int = 0
    dropped: int = 0


class Way:
    """The state of one direction."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self._shape = shape
        self._chance = random.Random(seed)
        self._whole = True
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._head_sent_at = 0.0
        self._flying: deque[tuple[float, bytes]] = deque()
        self._bytes = self._packets = self._lost = self._dropped = 0

    def take(self, packet: bytes, now: float) -> None:
        """Take a packet at the line's beginning."""
        self._serve(now)
        if not self._whole or self._chance.random() < self._shape.loss:
            self._lost += 1
        elif self._seconds(self._waiting_bytes) > self._shape.queue_s:
            self._dropped += 1
        else:
            if not self._waiting:
                self._head_sent_at = now + self._seconds(len(packet))
            self._waiting.append(packet)
            self._waiting_bytes += len(packet)
            self._serve(now)

    def due(self, now: float) -> list[bytes]:
        """Give the packets that have come out at the other end."""
        self._serve(now)
        found = []
        while self._flying and self._flying[0][0] <= now:
            found.append(self._flying.popleft()[1])
        return found

    def next_deadline(self) -> float | None:
        """Say when `due` has something to do."""
        times = [self._flying[0][0]] if self._flying else []
        if self._waiting:
            times.append(self._head_sent_at)
        return min(times, default=None)

    def reshape(self, shape: Shape, now: float) -> None:
        """Go on with another rate, delay or loss; the packet that is being sent begins anew."""
        self._serve(now)
        self._shape = shape
        if self._waiting:
            self._head_sent_at = now + self._seconds(len(self._waiting[0]))

    def cut(self, now: float) -> None:
        """Lose what is under way and whatever comes until it is mended."""
        self._serve(now)
        self._whole = False
        self._lost += len(self._waiting) + len(self._flying)
        self._waiting.clear()
        self._flying.clear()
        self._waiting_bytes = 0

    def mend(self) -> None:
        """Carry packets again."""
        self._whole = True

    def counted(self) -> Counted:
        """Give what was carried by now."""
        return Counted(self._bytes, self._packets, self._lost, self._dropped)

    def _serve(self, now: float) -> None:
        while self._waiting and self._head_sent_at <= now:
            packet = self._waiting.popleft()
            self._waiting_bytes -= len(packet)
            self._bytes += len(packet)
            self._packets += 1
            self._flying.append((self._head_sent_at + self._shape.delay_s, packet))
            if self._waiting:
                self._head_sent_at += self._seconds(len(self._waiting[0]))

    def _seconds(self, size_bytes: int) -> float:
        return 8 * size_bytes / self._shape.rate_bps if self._shape.rate_bps else 0.0
