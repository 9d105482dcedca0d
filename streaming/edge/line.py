"""The school's line as one thing: what crosses it, what it carries. A thin shell of `Estimator`.

Transfers of media fill the line by nature, so a half second in which one runs says what the line
carries. A live relay does so only when it falls behind: what comes then is all that gets through.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from streaming.edge.estimate import KNOWN_AFTER, Estimator

BEHIND_S = 0.4
RECENT_S = 0.1
BEHIND_FOR_S = 1.0
CAUGHT_UP_S = 0.15
LEAST_OF_S = 30.0
RELAY_COUNTS = 2  # no upstream holds a live relay back: what is late by itself is late on the line


class Lag:
    """Tells when a live relay falls behind: longer under way than at best lately. Pure.

    It is behind when it has been late for BEHIND_FOR_S without a break. What stood still for a
    moment (a packet that was lost twice, a machine that was busy) comes in one go and is late no
    more; on a line that is too thin it stays late.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()
        self._recent: deque[tuple[float, float]] = deque()
        self._late_since: float | None = None
        self.behind = False
        self.lag_s = 0.0

    @property
    def late_s(self) -> float:
        """Say how much later than at best all came in the last RECENT_S: a packet that was lost
        holds up some for a moment, a queue all.
        """
        return min((lag_s for _, lag_s in self._recent), default=0.0) - self._least_s

    @property
    def _least_s(self) -> float:
        return self._seen[0][1] if self._seen else 0.0

    def take(self, lag_s: float, now: float) -> bool:
        """Take how long what came was under way; tell whether `behind` has changed."""
        self.lag_s = lag_s
        self._recent.append((now, lag_s))
        while self._recent[0][0] < now - RECENT_S:
            self._recent.popleft()
        while self._seen and self._seen[-1][1] >= lag_s:
            self._seen.pop()
        self._seen.append((now, lag_s))
        while self._seen[0][0] < now - LEAST_OF_S:
            self._seen.popleft()
        before, late_s = self.behind, lag_s - self._least_s
        if late_s <= (CAUGHT_UP_S if before else BEHIND_S):
            self.behind, self._late_since = False, None
        elif self._late_since is None:
            self._late_since = now
        elif now - self._late_since >= BEHIND_FOR_S:
            self.behind = True
        return self.behind is not before


class Line:
    """Counts what crosses the line (`upstream.Meter`) and estimates what it carries."""

    def __init__(
        self,
        windows_bps: Iterable[int] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._estimator = Estimator(windows_bps)
        self._transfers = 0
        self._behind: set[str] = set()
        self._late_s: dict[str, float] = {}
        self.arrived_bytes = 0

    @property
    def estimate_bps(self) -> int | None:
        """What the line carries; None while that was never seen."""
        return self._estimator.estimate_bps

    @property
    def measured_at(self) -> float | None:
        """When the line was last measured (monotonic)."""
        return self._estimator.measured_at

    @property
    def falling_behind(self) -> bool:
        """Tell whether a live relay gets less than it should."""
        return bool(self._behind)

    @property
    def late_s(self) -> float:
        """How much later than at best the live relay comes that is latest."""
        return max(self._late_s.values(), default=0.0)

    @property
    def transfers(self) -> int:
        """How many transfers of media run."""
        return self._transfers

    def know(self, bps: int) -> None:
        """Learn that so much came through in a time too short for windows."""
        self._estimator = Estimator([*self._estimator.state(), *[bps] * KNOWN_AFTER])
        self._tell(self._clock())

    def carries(self, bps: int) -> None:
        """Learn that so much got through: of a slower line nothing is to be remembered."""
        if bps > (self.estimate_bps or 0):
            self._estimator = Estimator([bps] * KNOWN_AFTER)
            self._tell(self._clock())

    def state(self) -> list[int]:
        """Give what lets another one go on after a restart."""
        return list(self._estimator.state())

    def began(self, now: float) -> None:
        """A media transfer runs."""
        self._transfers += 1
        self._tell(now)

    def arrived(self, size_bytes: int, now: float) -> None:
        """Bytes came."""
        self.arrived_bytes += size_bytes
        self._estimator.moved(now, size_bytes)

    def ended(self, now: float) -> None:
        """A media transfer runs no more."""
        self._transfers -= 1
        self._tell(now)

    def relayed(self, size_bytes: int) -> None:
        """Bytes of a live relay came."""
        self.arrived(size_bytes, self._clock())

    def falls_behind(self, relay: str, behind: bool) -> None:
        """A live relay gets less than it should, or has caught up."""
        (self._behind.add if behind else self._behind.discard)(relay)
        self._tell(self._clock())

    def comes_late(self, relay: str, late_s: float | None) -> None:
        """A live relay comes so much later than at best; None: it comes no more."""
        if late_s is None:
            self._late_s.pop(relay, None)
        else:
            self._late_s[relay] = late_s

    def _tell(self, now: float) -> None:
        self._estimator.in_flight(now, self._transfers + RELAY_COUNTS * len(self._behind))
