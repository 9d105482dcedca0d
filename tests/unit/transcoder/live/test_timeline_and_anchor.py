"""An ingest's timeline and the origin's anchor joined: both steer, and must not push each other.

A publisher's pictures arrive late by a list, are placed, encoded for a while and observed by the
anchor, whose media time 0 is the timeline's clock. What a viewer is told of a picture (its program
date time) is compared with when it was captured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from streaming.live.anchor import SLEW, Anchor
from transcoder.live.flv import Kind
from transcoder.live.intake import HOLD_MS
from transcoder.live.live_feed import FIGURES_EVERY_S
from transcoder.live.timeline import DRIFT_EVERY_MS, SLACK_MS, STEP_MS, Timeline

UTC = 1_795_600_000.0
FRAME_MS = 40
ENCODED_AFTER_S = 0.15
TRUE_S = SLACK_MS / 1000 + 0.01
Late = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture: when it was captured, how far ahead its program date time is, the anchor."""

    captured_s: float
    ahead_s: float
    anchor_s: float


def lesson(seconds: int, late: Late, drift: float = 0.0, held: bool = True) -> list[Seen]:
    """Publish for so long. late: seconds from capture to arrival; drift: of the source's clock."""
    timeline, anchor = Timeline(), Anchor(UTC)
    timeline.join()
    found, arrives_s, first, shifts, told_s = [], 0.0, True, 0, 0.0
    for number in range(seconds * 1000 // FRAME_MS):
        captured_s = 10 + number * FRAME_MS / 1000
        arrives_s = max(arrives_s, captured_s + late(captured_s - 10))
        stamp_ms = round(number * FRAME_MS * (1 + drift))
        now_ms = round(1000 * (UTC + arrives_s - anchor.utc))
        if held and stamp_ms < HOLD_MS:
            timeline.notice(stamp_ms, now_ms)
            continue
        if first and held:
            timeline.settle(stamp_ms)
        first = False
        time_ms = timeline.place(Kind.VIDEO, stamp_ms, now_ms)
        if time_ms is None:
            continue
        utc = anchor.utc + time_ms / 1000
        found.append(Seen(captured_s - 10, utc - UTC - captured_s, anchor.utc - UTC))
        if timeline.shifts != shifts and captured_s >= told_s + FIGURES_EVERY_S:
            shifts, told_s = timeline.shifts, captured_s
            anchor.retimed()
        anchor.observe((time_ms + FRAME_MS) / 1000, UTC + arrives_s + ENCODED_AFTER_S)
    return found


def overload(late_s: float, until_s: float) -> Late:
    """A machine that reads so late at first, and is up to date from then on."""
    return lambda media_s: late_s if media_s < until_s else 0.0


def rests(seen: list[Seen], seconds: float = 120) -> bool:
    """Tell whether nobody has steered at the end."""
    last = [one.anchor_s for one in seen if one.captured_s > seen[-1].captured_s - seconds]
    return max(last) - min(last) < SLEW * seconds / 10


@pytest.mark.parametrize("until_s", [2, 10, 45])
@pytest.mark.parametrize("late_s", [0.7, 2.0, 5.0, 20.0])
def test_an_overload_at_the_beginning_is_over_when_it_is_over(late_s: float, until_s: int) -> None:
    seen = lesson(300, overload(late_s, until_s))
    ahead = max(one.ahead_s for one in seen)
    assert ahead == pytest.approx(late_s, abs=0.05), "that is the fault"
    after = [one for one in seen if one.captured_s > until_s + late_s + 1]
    assert all(-0.02 < one.ahead_s < TRUE_S for one in after)
    assert rests(seen)


@pytest.mark.parametrize("until_s", [2, 10, 45])
@pytest.mark.parametrize("late_s", [0.1, 0.3, 0.5])
def test_a_small_fault_is_gone_within_minutes_and_without_loss(late_s: float, until_s: int) -> None:
    seen = lesson(900, overload(late_s, until_s))
    assert len(seen) == 900 * 1000 // FRAME_MS - HOLD_MS // FRAME_MS - 1, "no picture is left out"
    slow_s = STEP_MS * DRIFT_EVERY_MS / 1000 + 10
    after = [one for one in seen if one.captured_s > until_s + slow_s]
    assert all(-0.25 < one.ahead_s < TRUE_S for one in after)
    assert rests(seen)


@pytest.mark.parametrize("drift", [0.0, 0.0001, -0.0001, 0.0004, -0.0004])
def test_a_source_whose_clock_drifts_is_the_anchors_work_alone(drift: float) -> None:
    seen = lesson(1800, lambda _: 0.0, drift)
    assert all(abs(one.ahead_s) < 0.02 for one in seen)
    assert seen[-1].anchor_s == pytest.approx(-drift * 1800, abs=0.02)
    assert len(seen) == 1800 * 1000 // FRAME_MS - HOLD_MS // FRAME_MS - 1


def test_a_source_that_runs_faster_than_the_anchor_follows_is_held() -> None:
    seen = lesson(1200, lambda _: 0.0, 0.003)
    assert max(one.ahead_s for one in seen) < TRUE_S
    assert [one.captured_s for one in seen] == sorted(one.captured_s for one in seen)


def test_a_line_that_is_never_even_moves_little() -> None:
    jitter = [0.0, 0.02, 0.05, 0.01, 0.08, 0.03, 0.0, 0.12]
    seen = lesson(1800, lambda media_s: jitter[round(media_s * 25) % len(jitter)])
    assert all(abs(one.ahead_s) < 0.02 for one in seen)
    assert rests(seen)


def test_without_held_tags_too_the_truth_is_found() -> None:
    seen = lesson(60, overload(3.0, 1.0), held=False)
    assert all(-0.02 < one.ahead_s < TRUE_S for one in seen if one.captured_s > 5)
