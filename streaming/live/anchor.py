"""Wall time of a feed's media time 0, kept true to a source whose clock runs fast or slow. Pure.

Rule: what matters is how long after its capture a fragment arrives. The least of these delays in a
window filters out jitter; the first window's is the norm; later windows steer the anchor towards
it, by at most 0.5 ms a second, so that no player sees a step. An encoder that shifts its times says
so, and the norm is learned anew: else the two would push each other for ever.
"""

from __future__ import annotations

WINDOW_S = 4.0
SLEW = 0.0005
DRIFT_LIMIT_S = 5.0


class Anchor:
    """Unix seconds of media time 0. `observe` each arrival; read `utc`."""

    def __init__(self, utc: float) -> None:
        self.utc = utc
        self._norm_s: float | None = None
        self._least_s = float("inf")
        self._from_s: float | None = None

    def observe(self, end_s: float, now_utc: float) -> None:
        """Take that media up to end_s (media time) is here at now_utc."""
        if self._from_s is None or end_s < self._from_s:
            self._start(end_s)
        self._least_s = min(self._least_s, now_utc - self.utc - end_s)
        elapsed_s = end_s - (self._from_s or 0.0)
        if elapsed_s >= WINDOW_S:
            self._steer(elapsed_s)
            self._start(end_s)

    def interrupted(self) -> None:
        """The source is away; the window that it broke off says nothing."""
        self._from_s = None

    def retimed(self) -> None:
        """The source's times are shifted against those before: its delays so far say nothing."""
        self._norm_s = self._from_s = None

    def _start(self, end_s: float) -> None:
        self._from_s = end_s
        self._least_s = float("inf")

    def _steer(self, elapsed_s: float) -> None:
        if self._norm_s is None or abs(self._least_s - self._norm_s) > DRIFT_LIMIT_S:
            self._norm_s = self._least_s
            return
        most_s = SLEW * min(elapsed_s, 2 * WINDOW_S)
        self.utc += max(-most_s, min(most_s, self._least_s - self._norm_s))
