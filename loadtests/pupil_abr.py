"""What rung a pupil's player asks for: the rules of hls.js with its defaults. Pure.

Bandwidth is the lesser of two moving averages (half-lives 3 s and 9 s, weighted by the time that
each download took); the time to the first byte counts only where it is longer than usual. A rung
is kept or lowered to at 0.95 of the estimate, and climbed to at 0.7. A download that would end
after the buffer is given up where a lower rung would be here sooner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FAST_HALF_LIFE_S, SLOW_HALF_LIFE_S = 3.0, 9.0
FIRST_ESTIMATE_BPS = 500_000.0
FIRST_BYTE_S = 0.1
SHORTEST_S = 0.05
SHORTEST_FIRST_BYTE_S = 0.005
KEEP, CLIMB = 0.95, 0.7
MOST_STARVATION_S = 4.0
WORTH_SEGMENTS = 10.0
LEAST_WEIGHT = 0.001


@dataclass(frozen=True, slots=True)
class Rung:
    """A variant as the player knows it: its peak and its mean."""

    uri: str
    peak_bps: int
    mean_bps: int
    height_px: int = 0


class Ewma:
    """A moving average over weights, without the pull of its beginning at 0."""

    def __init__(self, half_life: float) -> None:
        self._decay = 0.5 ** (1 / half_life)
        self._sum = 0.0
        self.weight = 0.0

    def sample(self, weight: float, value: float) -> None:
        """Take a value."""
        kept = self._decay**weight
        self._sum = value * (1 - kept) + kept * self._sum
        self.weight += weight

    def value(self) -> float:
        """Give the average by now."""
        part = 1 - self._decay**self.weight
        return self._sum / part if part else self._sum


class Bandwidth:
    """What the player believes of its line."""

    def __init__(self) -> None:
        self._fast = Ewma(FAST_HALF_LIFE_S)
        self._slow = Ewma(SLOW_HALF_LIFE_S)
        self._first_byte = Ewma(SLOW_HALF_LIFE_S)

    @property
    def estimate_bps(self) -> float:
        """Bits in a second."""
        if self._fast.weight < LEAST_WEIGHT:
            return FIRST_ESTIMATE_BPS
        return min(self._fast.value(), self._slow.value())

    @property
    def first_byte_s(self) -> float:
        """The usual time to the first byte."""
        known = self._first_byte.weight >= LEAST_WEIGHT
        return self._first_byte.value() if known else FIRST_BYTE_S

    def sample(self, size_bytes: int, took_s: float, first_byte_s: float) -> None:
        """Take a download, or as much of it as came."""
        spent_s = max(SHORTEST_S, took_s - min(first_byte_s, self.first_byte_s))
        for average in (self._fast, self._slow):
            average.sample(spent_s, 8 * size_bytes / spent_s)

    def sample_first_byte(self, wait_s: float) -> None:
        """Take a time to the first byte; long ones weigh less."""
        weight = math.sqrt(2) * math.exp(-(wait_s**2) / 2)
        self._first_byte.sample(weight, max(SHORTEST_FIRST_BYTE_S, wait_s))


def choose(
    rungs: Sequence[Rung], current: int | None, line: Bandwidth,
    buffer_s: float, segment_s: float, live: bool,
) -> int:  # fmt: skip
    """Give the rung of the next segment; `rungs` rise, the first is taken when none fits."""
    found = _highest(rungs, current, line, (KEEP, CLIMB), buffer_s, segment_s, live)
    if found is not None:
        return found
    patience_s = min(segment_s, MOST_STARVATION_S) if buffer_s else MOST_STARVATION_S
    factors = (KEEP, CLIMB) if buffer_s else (1.0, 1.0)
    found = _highest(rungs, current, line, factors, buffer_s + patience_s, segment_s, live)
    return found or 0


def _highest(
    rungs: Sequence[Rung], current: int | None, line: Bandwidth, factors: tuple[float, float],
    within_s: float, segment_s: float, live: bool,
) -> int | None:  # fmt: skip
    for index in reversed(range(len(rungs))):
        keeps = current is not None and index <= current
        bps = line.estimate_bps * factors[0 if keeps else 1]
        fetch_s = line.first_byte_s + segment_s * rungs[index].peak_bps / bps
        if bps > rungs[index].peak_bps and (live or fetch_s < within_s):
            return index
    return None


@dataclass(frozen=True, slots=True)
class Coming:
    """A segment on its way: how long it is, since when asked for, and what has come."""

    rung: int
    segment_s: float
    asked_at: float
    first_byte_at: float | None
    size_bytes: int
    of_bytes: int

    def rest_s(self, rungs: Sequence[Rung], line: Bandwidth, now: float) -> float:
        """Say when the rest will be here, by the rate of this download if it has one."""
        whole = self.of_bytes or self.segment_s * rungs[self.rung].mean_bps / 8
        if self.first_byte_at is None or not self.size_bytes:
            return line.first_byte_s + 8 * whole / line.estimate_bps
        return max(0.0, whole - self.size_bytes) / self.rate(now)

    def rate(self, now: float) -> float:
        """Bytes in a second since the first one."""
        assert self.first_byte_at is not None
        return self.size_bytes / max(0.001, now - self.first_byte_at)


def abandons(
    coming: Coming, rungs: Sequence[Rung], line: Bandwidth, buffer_s: float, now: float
) -> bool:
    """Tell whether to give up a download for a lower rung."""
    rest_s = coming.rest_s(rungs, line, now)
    if coming.rung == 0 or rest_s <= buffer_s:
        return False
    had = coming.first_byte_at is not None and coming.size_bytes
    bps = 8 * coming.rate(now) if had else line.estimate_bps
    instead_s = math.inf
    for lower in reversed(range(coming.rung)):
        instead_s = line.first_byte_s + coming.segment_s * rungs[lower].peak_bps / bps
        if instead_s < buffer_s:
            break
    return instead_s < rest_s and instead_s <= coming.segment_s * WORTH_SEGMENTS
