"""When the line is tried, and with how much. Pure; seconds monotonic.

The rule. A line that was never measured and carries no live lesson is filled for FIRST_S. While the
line is why something is capped, and nothing else has measured it for WAIT_S, it is tried with so
much that live lessons and trial together need what the cap's next raise would, for AGAIN_S. What
gets through in time the line carries. A trial that makes a live lesson later ends at once: all
rooms of a lesson wait for the one that has it last. The next one then waits twice as long, up to
WAIT_MOST_S, unless it would be another raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

FIRST_S, AGAIN_S = 2.5, 1.5
WAIT_S, WAIT_MOST_S = 45.0, 720.0
LATE_S = 0.06
BEYOND = 1.05
LEAST_BPS = 64_000


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known: what the line carries and when that was measured; what the next raise needs
    (None: the line holds nothing back); what live lessons take now.
    """

    estimate_bps: int | None
    measured_at: float | None
    next_bps: int | None
    relayed_bps: float


@dataclass(frozen=True, slots=True)
class Trial:
    """For so long; beside what is relayed with so much, None: as fast as the line."""

    seconds: float
    paced_bps: int | None
    wanted_bps: int | None


class Trials:
    """Decides on trials, one after the other."""

    def __init__(self) -> None:
        self._tried_at = -inf
        self._wait_s = WAIT_S
        self._in_vain: int | None = None

    def next(self, now: float, known: Situation) -> Trial | None:
        """Give the trial that is due now; it counts as tried."""
        another = known.next_bps != self._in_vain
        measured_at = -inf if known.measured_at is None else known.measured_at
        wait_s = WAIT_S if another else self._wait_s
        if now - measured_at < WAIT_S or now - self._tried_at < wait_s:
            return None
        trial = _trial(known)
        if trial is not None:
            self._tried_at = now
            self._wait_s = wait_s
        return trial

    def ended(self, trial: Trial, carried_bps: float, *, in_time: bool) -> bool:
        """Tell whether the line carries what was wanted."""
        if trial.wanted_bps is None:
            return in_time
        if in_time and carried_bps >= trial.wanted_bps:
            self._in_vain, self._wait_s = None, WAIT_S
            return True
        self._in_vain = trial.wanted_bps
        self._wait_s = min(WAIT_MOST_S, 2 * self._wait_s)
        return False


def _trial(known: Situation) -> Trial | None:
    if known.estimate_bps is None and not known.relayed_bps:
        return Trial(FIRST_S, None, None)
    if known.next_bps is None or known.next_bps <= (known.estimate_bps or 0):
        return None
    paced_bps = max(LEAST_BPS, round(BEYOND * known.next_bps - known.relayed_bps))
    return Trial(AGAIN_S, paced_bps, known.next_bps)
