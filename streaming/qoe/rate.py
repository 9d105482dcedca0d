"""How often an address may report: a bucket each, refilled evenly. Pure; times are monotonic.

A school's screens may come from one address, so a bucket is as large as a class.
"""

from __future__ import annotations

BURST = 200
PER_S = 10.0
ADDRESSES_LIMIT = 10_000


class Rate:
    """Remembers the last ADDRESSES_LIMIT addresses; who was forgotten has a full bucket."""

    def __init__(
        self,
        burst: int = BURST,
        per_s: float = PER_S,
        addresses_limit: int = ADDRESSES_LIMIT,
    ) -> None:
        self._burst = burst
        self._per_s = per_s
        self._addresses_limit = addresses_limit
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, address: str, now: float) -> float:
        """Take one: 0 when it may go on, else how long until the next may."""
        left, before = self._buckets.pop(address, (float(self._burst), now))
        left = min(self._burst, left + (now - before) * self._per_s)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._per_s
        self._buckets[address] = (left if wait_s else left - 1, now)
        if len(self._buckets) > self._addresses_limit:
            del self._buckets[next(iter(self._buckets))]
        return wait_s
