"""How many tries a key may have: a token bucket for each, bounded in number. Pure.

A bucket holds up to `burst` tries and gains one each `refill_s`. A try that turns out well is given
back, so only failures count. When there are too many buckets the one not used for longest goes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

BUCKETS = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """burst tries at once, then one each refill_s seconds."""

    burst: int
    refill_s: float


class Attempts:
    """The buckets of one rate; `now` is monotonic seconds."""

    def __init__(self, rate: Rate, buckets: int = BUCKETS) -> None:
        self._rate = rate
        self._buckets = buckets
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """Give the seconds until key has a try left; 0 when it has one now."""
        return max(0.0, (1.0 - self._level(key, now)) * self._rate.refill_s)

    def take(self, key: str, now: float) -> None:
        """Count one try, allowed or not left (the level never goes below 0)."""
        self._keep(key, max(0.0, self._level(key, now) - 1.0), now)

    def give_back(self, key: str, now: float) -> None:
        """Undo one try."""
        self._keep(key, min(self._rate.burst, self._level(key, now) + 1.0), now)

    def __len__(self) -> int:
        return len(self._kept)

    def _level(self, key: str, now: float) -> float:
        level, at = self._kept.get(key, (float(self._rate.burst), now))
        return min(float(self._rate.burst), level + max(0.0, now - at) / self._rate.refill_s)

    def _keep(self, key: str, level: float, now: float) -> None:
        self._kept[key] = (level, now)
        self._kept.move_to_end(key)
        if len(self._kept) > self._buckets:
            self._kept.popitem(last=False)


def take_all(parts: Sequence[tuple[Attempts, str]], now: float) -> float:
    """Take one try of each key, or of none: give 0, or the longest wait in seconds."""
    wait_s = max((attempts.wait_s(key, now) for attempts, key in parts), default=0.0)
    if wait_s == 0.0:
        for attempts, key in parts:
            attempts.take(key, now)
    return wait_s
