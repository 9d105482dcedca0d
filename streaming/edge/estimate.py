"""How much the school's line carries, from the media that came over it. Pure.

The rule. Time in which media is on its way is cut into windows of 0.5 s; the estimate is the 90th
percentile of the last 60. Idle time is no evidence: a transfer that ends before its window is full
leaves the rest to the next one, and the wait for the first bytes, which are the upstream's, is not
counted, nor are they. Three windows in a row that two or more transfers shared and that fall below
0.7 of the estimate make it the median; after six the line has changed, and what was seen before
them is forgotten.

In flight is what only the line holds back: pieces on their way. Texts, answers that an upstream
holds until there is something to say, and relays, whose source sets their pace, are not, or a quiet
source would look like a slow line. Bytes of all of them may be told.
Figures: 0.96 of the true rate with p90, 0.8 to 0.95 with averages (40 ms, 0.5 % loss); the largest
window is too much, since what was held up comes in bursts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from math import ceil

WINDOW_S, TICK_S = 0.5, 1e-6
WINDOWS = 60
KNOWN_AFTER = 3
HIGH_SHARE, MIDDLE_SHARE = 0.9, 0.5
SLOW_SHARE = 0.7
SHARED_BY = 2
SLOW_RUN, CHANGED_RUN = 3, 6
SILENCE_S = 3.0
LEAST_BYTES = 16 * 1024
HIGHEST_BPS = 10**12


class Estimator:
    """Learns from `moved` and `in_flight`; begins with what the `state` of a former one was.

    `measured_at` is when a window was full last: who needs newer evidence fetches something.
    """

    def __init__(self, windows_bps: Iterable[int] = ()) -> None:
        sane = (int(bps) for bps in windows_bps if 0 < bps <= HIGHEST_BPS)
        self._windows_bps: deque[int] = deque(sane, maxlen=WINDOWS)
        self._flows = 0
        self._heard_at: float | None = None
        self._open = _Window()
        self._before = (0.0, 0.0)
        self._slow = 0
        self.measured_at: float | None = None
        self._slow_since = 0
        self._slow_below_bps = 0.0

    @property
    def estimate_bps(self) -> int | None:
        """What the line carries; None until three windows were seen."""
        if len(self._windows_bps) < KNOWN_AFTER:
            return None
        return self._percentile(MIDDLE_SHARE if self._slow >= SLOW_RUN else HIGH_SHARE)

    def state(self) -> tuple[int, ...]:
        """Give what to keep over a restart: the windows in bit/s, newest last."""
        return tuple(self._windows_bps)

    def in_flight(self, now: float, count: int) -> None:
        """Learn how many transfers of media are on their way from now on."""
        if count < 0:
            raise ValueError(f"{count} transfers are in flight: tell 0 or more")
        if not count:
            self._pause()
        elif self._flows:
            self._open.flows = min(self._open.flows, count)
        self._flows = count

    def moved(self, now: float, size_bytes: int) -> None:
        """Learn that bytes arrived just now; they came evenly since the last ones did."""
        if not self._flows:
            return
        heard_at, self._heard_at = self._heard_at, now
        if heard_at is None or now - heard_at > SILENCE_S:
            self._begin()
            return
        if now <= heard_at:
            self._heard_at = heard_at
            self._open.size_bytes += size_bytes if self._open.busy_s else 0
            return
        self._spread(now - heard_at, size_bytes)

    def _begin(self) -> None:
        """Begin a stretch; an open window that it goes on with is one in pieces."""
        self._before = (self._open.busy_s, self._open.size_bytes)
        self._open.flows = 0 if self._open.busy_s else self._flows

    def _pause(self) -> None:
        """End a stretch; too few bytes say nothing about the line."""
        if self._heard_at is not None and self._open.size_bytes - self._before[1] < LEAST_BYTES:
            self._open = _Window(*self._before)
        self._heard_at = None

    def _spread(self, passed_s: float, size_bytes: int) -> None:
        per_s = size_bytes / passed_s
        while passed_s > 0:
            part_s = min(passed_s, WINDOW_S - self._open.busy_s)
            self._open.busy_s += part_s
            self._open.size_bytes += per_s * part_s
            passed_s -= part_s
            if self._open.busy_s > WINDOW_S - TICK_S:
                self._close()
                self.measured_at = self._heard_at

    def _close(self) -> None:
        window, self._open = self._open, _Window(flows=self._flows)
        self._before = (0.0, 0.0)
        bps = min(HIGHEST_BPS, int(8 * window.size_bytes / WINDOW_S))
        self._compare(bps, shared=window.flows >= SHARED_BY)
        self._windows_bps.append(bps)
        if self._slow == CHANGED_RUN:
            seen = len(self._windows_bps)
            recent = islice(self._windows_bps, max(0, seen - self._slow_since), seen)
            self._windows_bps = deque(recent, maxlen=WINDOWS)
            self._slow = self._slow_since = 0

    def _compare(self, bps: int, *, shared: bool) -> None:
        """Count slow windows in a row; one that was not shared may have been held up elsewhere."""
        if not self._slow:
            known_bps = self.estimate_bps
            self._slow_below_bps = SLOW_SHARE * known_bps if known_bps else 0.0
        if bps >= self._slow_below_bps:
            self._slow = self._slow_since = 0
        elif shared or self._slow:
            self._slow += shared
            self._slow_since += 1

    def _percentile(self, share: float) -> int:
        ordered = sorted(self._windows_bps)
        return ordered[ceil(share * len(ordered)) - 1]


class _Window:
    """Half a second that is being filled; `flows` is the least that shared it, 0 in pieces."""

    __slots__ = ("busy_s", "flows", "size_bytes")

    def __init__(self, busy_s: float = 0.0, size_bytes: float = 0.0, flows: int = 0) -> None:
        self.busy_s = busy_s
        self.size_bytes = size_bytes
        self.flows = flows
