"""When the line is tried, and with how much."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.edge.trial import (
    AGAIN_S,
    BEYOND,
    FIRST_S,
    LEAST_BPS,
    WAIT_MOST_S,
    WAIT_S,
    Situation,
    Trial,
    Trials,
)

MBIT = 1_000_000
UNKNOWN = Situation(None, None, None, 0.0)
CAPPED = Situation(int(2.4 * MBIT), 0.0, int(2.6 * MBIT), 0.7 * MBIT)
TRIAL = Trial(AGAIN_S, round(BEYOND * 2.6 * MBIT - 0.7 * MBIT), int(2.6 * MBIT))


def test_a_line_that_was_never_measured_is_filled_while_nothing_is_live() -> None:
    assert Trials().next(0.0, UNKNOWN) == Trial(FIRST_S, None, None)


def test_beside_a_live_lesson_it_is_tried_with_what_the_next_raise_needs() -> None:
    live = replace(CAPPED, estimate_bps=None, measured_at=None)
    assert Trials().next(0.0, live) == TRIAL
    assert Trials().next(0.0, replace(live, next_bps=None)) is None


@pytest.mark.parametrize(
    "known",
    [
        replace(CAPPED, next_bps=None),
        replace(CAPPED, next_bps=CAPPED.estimate_bps),
        replace(CAPPED, measured_at=1.0),
    ],
)
def test_nothing_to_learn(known: Situation) -> None:
    assert Trials().next(WAIT_S, known) is None


def test_who_takes_more_than_is_wanted_is_tried_with_the_least() -> None:
    found = Trials().next(WAIT_S, replace(CAPPED, relayed_bps=9.0 * MBIT))
    assert found is not None
    assert found.paced_bps == LEAST_BPS


def test_what_got_through_in_time_the_line_carries() -> None:
    trials = Trials()
    assert trials.ended(TRIAL, 2.7 * MBIT, in_time=True)
    assert not trials.ended(TRIAL, 2.7 * MBIT, in_time=False)
    assert not trials.ended(TRIAL, 2.5 * MBIT, in_time=True)
    assert trials.ended(Trial(FIRST_S, None, None), 0.1 * MBIT, in_time=True)
    assert not trials.ended(Trial(FIRST_S, None, None), 0.1 * MBIT, in_time=False)


def test_a_trial_in_vain_waits_twice_as_long_up_to_the_most() -> None:
    trials, now, waits = Trials(), 0.0, []
    for _ in range(7):
        began_at = now
        while (trial := trials.next(now, CAPPED)) is None:
            now += 1.0
        waits.append(now - began_at)
        trials.ended(trial, 1.0, in_time=False)
    assert waits == [WAIT_S, *(min(WAIT_MOST_S, 2**n * WAIT_S) for n in range(1, 7))]


def test_another_raise_is_tried_sooner() -> None:
    trials = Trials()
    assert trials.next(WAIT_S, CAPPED) == TRIAL
    trials.ended(TRIAL, 1.0, in_time=False)
    assert trials.next(2 * WAIT_S, CAPPED) is None
    assert trials.next(2 * WAIT_S, replace(CAPPED, next_bps=3 * MBIT)) is not None


def test_a_trial_that_got_through_forgets_those_in_vain() -> None:
    trials = Trials()
    trials.next(WAIT_S, CAPPED)
    trials.ended(TRIAL, 1.0, in_time=False)
    assert trials.next(3 * WAIT_S, CAPPED) == TRIAL
    trials.ended(TRIAL, 2.7 * MBIT, in_time=True)
    assert trials.next(4 * WAIT_S, CAPPED) == TRIAL
