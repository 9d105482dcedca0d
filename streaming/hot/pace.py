"""Whether a reader takes what is sent to it, or only holds it. Pure.

In each window the reader's machine must take a certain number of bytes, or all that there is.
"""

from __future__ import annotations

SLOW_WINDOW_S = 30.0
SLOW_WINDOW_BYTES = 16 * 1024


class Pace:
    """Looks now and then at how much has been taken."""

    __slots__ = ("_at", "_taken_bytes")

    def __init__(self) -> None:
        self._at: float | None = None
        self._taken_bytes = 0

    def rest(self) -> None:
        """There is nothing to take."""
        self._at = None

    def due(self, now: float) -> bool:
        """Tell whether a window begins or is over: then ask `too_slow`."""
        return self._at is None or now - self._at >= SLOW_WINDOW_S

    def too_slow(self, now: float, taken_bytes: int) -> bool:
        """Judge the window that is over, and begin another."""
        begun = self._at is not None
        slow = begun and taken_bytes - self._taken_bytes < SLOW_WINDOW_BYTES
        self._at, self._taken_bytes = now, taken_bytes
        return slow
