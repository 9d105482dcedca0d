"""When to knock at a line on which nothing is heard, so that a cut is known before anybody asks.

Whatever comes from upstream shows that the line is there. While somebody here uses the box, QUIET_S
without anything make a knock; while nobody does, IDLE_S. A knock is a request of 0.1 kB on a
connection that is open. Pure.
"""

from __future__ import annotations

LOOK_EVERY_S = 0.5
QUIET_S = 2.0
IDLE_S = 25.0
KNOCK_LIMIT_S = 2.5  # with QUIET_S and LOOK_EVERY_S: a cut is known within 5 s


class Pulse:
    """Look at it each LOOK_EVERY_S. `heard` is any figure that grows with what is heard."""

    def __init__(self, now: float) -> None:
        self._heard = -1
        self._heard_at = now

    def is_quiet(self, now: float, heard: int, in_use: bool) -> bool:
        """Tell whether to knock now; what comes of that counts as heard."""
        if heard != self._heard:
            self._heard, self._heard_at = heard, now
        return now - self._heard_at >= (QUIET_S if in_use else IDLE_S)
