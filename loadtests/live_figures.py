"""What was seen on live pages as figures: delay, stalls, stages, skew, back in step. Pure.

Skew compares what pages show at the same instants of the wall clock. A page shows the frame that
it presented last; stamps lie 33 ms apart, so equal frames have skew 0, neighbours 33 or 34.
"""

from __future__ import annotations

import itertools
import math
import statistics
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from loadtests.live_spread import Spread, spread
from loadtests.live_watch import Fragment, Seen, Shown

STALL_MS = 200.0
FRAME_MS = 1000 / 30
STEP_MS = 100.0
REPORT_MS = 1000.0
NEAR_S = 0.002


def gaps(seen: Seen, longer_ms: float = STALL_MS) -> list[tuple[float, float]]:
    """Give from when to when no new frame was presented, longest waits only."""
    times = [one.at_ms for one in seen.shown]
    return [(a, b) for a, b in itertools.pairwise(times) if b - a > longer_ms]


def stalls(seen: Seen) -> int:
    """Count gaps of more than 200 ms, and `waiting` where there was no such gap."""
    found = gaps(seen)
    alone = [at for at in seen.waiting if not any(a <= at <= b + STALL_MS for a, b in found)]
    return len(found) + len(alone)


def target_ms(seen: Seen, at_ms: float) -> float:
    """Give the common delay D as the room had told it by then; 0 when it had not."""
    return next((d for at, d in reversed(seen.targets) if at <= at_ms), 0.0)


def report_errors(seen: Seen) -> list[float]:
    """Give how far each of the product's own delay reports lies from the stamps of its second."""
    found = []
    for report in seen.reports:
        delays = [one.delay_ms for one in seen.shown if 0 <= report.at_ms - one.at_ms < REPORT_MS]
        if delays:
            found.append(report.delay_ms - statistics.median(delays))
    return found


def stages(seen: Seen) -> dict[str, Spread]:
    """Split the way from the encoder's hand to the screen where the page's border lets it be seen.

    `socket` stages are only known by WebSocket. Frames are matched by media time.
    """
    arrived = {round(one.media_s * 1000): one for one in seen.fragments}
    ways: dict[str, list[float]] = {}
    for one in seen.shown:
        for name, value in _stages_of(one, arrived.get(round(one.media_s * 1000)), seen):
            ways.setdefault(name, []).append(value)
    return {name: spread(values) for name, values in ways.items()}


def _stages_of(one: Shown, fragment: Fragment | None, seen: Seen) -> Iterator[tuple[str, float]]:
    ready_ms = _appended_ms(one, seen)
    if fragment is not None:
        capture_ms = (fragment.anchor_s + fragment.media_s) * 1000
        yield "stamp → capture as the service has it", capture_ms - one.stamp_ms
        yield "capture → fragment at the socket", fragment.at_ms - capture_ms
        if ready_ms is not None:
            yield "socket → appended", ready_ms - fragment.at_ms
    elif ready_ms is not None:
        yield "stamp → appended", ready_ms - one.stamp_ms
    if ready_ms is not None:
        yield "appended → shown", one.at_ms - ready_ms


def _appended_ms(one: Shown, seen: Seen) -> float | None:
    """Give when Media Source first held the frame, of the time in which it can have been."""
    since = bisect_right(seen.appended, (one.at_ms - 10_000, math.inf))
    return next(
        (at for at, end in seen.appended[since:] if end > one.media_s + NEAR_S and at <= one.at_ms),
        None,
    )


def skews(a: Seen, b: Seen, from_ms: float, to_ms: float) -> list[tuple[float, float]]:
    """Give the difference of the stamps that two pages show, each 100 ms: (instant, ms)."""
    left, right = _Screen(a), _Screen(b)
    found = []
    for number in range(max(0, int((to_ms - from_ms) / STEP_MS))):
        at_ms = from_ms + number * STEP_MS
        one, other = left.at(at_ms), right.at(at_ms)
        if one is not None and other is not None:
            found.append((at_ms, float(one - other)))
    return found


def back_in_step_ms(
    found: Sequence[tuple[float, float]], since_ms: float, within_ms: float, hold_ms: float = 1000.0
) -> float:
    """Give how long after `since_ms` a skew stays within bounds for a second; inf: it does not."""
    begun_ms: float | None = None
    for at_ms, skew in found:
        if at_ms < since_ms:
            continue
        begun_ms = None if abs(skew) > within_ms else at_ms if begun_ms is None else begun_ms
        if begun_ms is not None and at_ms - begun_ms >= hold_ms - STEP_MS / 2:
            return begun_ms - since_ms
    return math.inf


class _Screen:
    """What is on a page's screen at a moment."""

    def __init__(self, seen: Seen) -> None:
        self._times = [one.at_ms for one in seen.shown]
        self._stamps = [one.stamp_ms for one in seen.shown]

    def at(self, at_ms: float) -> int | None:
        index = bisect_right(self._times, at_ms) - 1
        return self._stamps[index] if index >= 0 else None
