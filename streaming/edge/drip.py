"""When a transfer is too slow to be one. Pure.

It must bring FLOOR_BYTES in each WINDOW_S (the window begins anew as soon as they are there), and
may be silent for SILENCE_S: after a cut, TCP would go on waiting long after the line is back.
"""

from __future__ import annotations

FLOOR_BYTES = 20 * 1024
WINDOW_S = 20.0
SILENCE_S = 6.0


class Drip:
    """Watches one transfer from `now` on."""

    def __init__(
        self, now: float, window_s: float = WINDOW_S, silence_s: float = SILENCE_S
    ) -> None:
        self._window_s = window_s
        self._silence_s = silence_s
        self._window_at = self._last_at = now
        self._come_bytes = 0

    def take(self, size_bytes: int, now: float) -> None:
        """Some bytes have come."""
        self._last_at = now
        self._come_bytes += size_bytes
        if self._come_bytes >= FLOOR_BYTES:
            self._window_at, self._come_bytes = now, 0

    @property
    def deadline_at(self) -> float:
        """When the transfer is to be ended unless more comes."""
        return min(self._window_at + self._window_s, self._last_at + self._silence_s)
