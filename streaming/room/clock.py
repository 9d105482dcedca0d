"""How far a member's clock is from the server's, from pings. Pure.

A ping leaves at t0 (client), is read at t1 and answered at t2 (server), and is back at t3 (client).
The rule: of the last 8 pings the one with the shortest round trip (the newest of equals) gives the
offset ((t1 - t0) + (t2 - t3)) / 2, true within half of its round trip. A ping whose interval lies
apart from the best one's by more than the slack means that a clock was set: older ones are
forgotten. Reference for the player's twin in TypeScript (tests/golden/room/clock.json).

Spec: RFC 5905 section 8 (offset and delay of one exchange), section 10 (minimum filter).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

PINGS_KEPT = 8
SET_CLOCK_SLACK_MS = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """server time = client time + offset_ms, within error_ms."""

    offset_ms: float
    error_ms: float


class Clock:
    """Offset of one clock, the better the more pings it has seen."""

    __slots__ = ("_readings",)

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque(maxlen=PINGS_KEPT)

    def take(self, t0_ms: float, t1_ms: float, t2_ms: float, t3_ms: float) -> None:
        """Take one exchange; one that ends before it began is no exchange."""
        round_trip_ms = (t3_ms - t0_ms) - (t2_ms - t1_ms)
        if round_trip_ms < 0 or t2_ms < t1_ms:
            return
        reading = Reading(((t1_ms - t0_ms) + (t2_ms - t3_ms)) / 2, round_trip_ms / 2)
        best = self.best()
        if best is not None and _apart_ms(best, reading) > SET_CLOCK_SLACK_MS:
            self._readings.clear()
        self._readings.append(reading)

    def best(self) -> Reading | None:
        """Give the reading to trust, or None before the first ping."""
        return min(reversed(self._readings), key=lambda one: one.error_ms, default=None)


def _apart_ms(a: Reading, b: Reading) -> float:
    return abs(a.offset_ms - b.offset_ms) - a.error_ms - b.error_ms
