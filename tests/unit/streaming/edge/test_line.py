"""When a live relay falls behind, and what the line is told of it."""

from __future__ import annotations

import pytest

from streaming.edge.line import BEHIND_FOR_S, BEHIND_S, LEAST_OF_S, RECENT_S, Lag, Line


def test_a_relay_is_behind_when_it_is_later_than_at_its_best() -> None:
    lag = Lag()
    assert not lag.take(0.25, 0.0)
    assert not lag.take(0.30, 1.0)
    assert not lag.take(0.25 + BEHIND_S + 0.01, 2.0)
    assert lag.take(0.25 + BEHIND_S + 0.01, 2.0 + BEHIND_FOR_S)
    assert lag.behind
    assert not lag.take(0.5, 3.0)
    assert lag.take(0.35, 4.0)
    assert not lag.behind


def test_what_stood_still_for_a_moment_and_comes_in_one_go_is_not_behind() -> None:
    lag = Lag()
    lag.take(0.1, 0.0)
    late_s = [lag.take(1.5 - 0.2 * number, 3.0 + 0.05 * number) for number in range(8)]
    assert not any(late_s)
    assert not lag.take(0.1 + BEHIND_S + 0.1, 4.0), "late anew, not still"
    assert not lag.behind


def test_late_is_a_queue_not_a_packet_that_was_lost() -> None:
    lag = Lag()
    assert lag.late_s == 0.0
    for number in range(10):
        lag.take(0.02, number * 0.03)
    for late_s in (0.08, 0.05, 0.02):
        lag.take(late_s, 0.36)
    assert lag.late_s == pytest.approx(0.0)
    for number in range(6):
        lag.take(0.1 + 0.01 * number, 0.4 + number * 0.03)
    assert lag.late_s == pytest.approx(0.1 + 0.02 - 0.02)
    assert 0.4 + 5 * 0.03 - RECENT_S < 0.4 + 2 * 0.03


def test_the_latest_relay_counts_as_long_as_it_is_there() -> None:
    line = Line(clock=lambda: 0.0)
    line.comes_late("a", 0.1)
    line.comes_late("b", 0.3)
    assert line.late_s == 0.3
    line.comes_late("b", None)
    assert line.late_s == 0.1
    line.comes_late("b", None)


def test_what_got_through_is_known_at_once_and_never_less() -> None:
    line = Line([2_400_000] * 60, lambda: 0.0)
    line.carries(2_000_000)
    assert line.estimate_bps == 2_400_000
    line.carries(2_700_000)
    assert line.estimate_bps == 2_700_000


def test_a_source_that_is_late_by_itself_is_the_measure_after_a_while() -> None:
    lag = Lag()
    lag.take(0.2, 0.0)
    for second in range(1, int(LEAST_OF_S) + 2):
        lag.take(1.0, float(second))
    assert not lag.behind


def test_a_line_that_thins_is_known_within_seconds_from_live_alone() -> None:
    now = 0.0
    line = Line([8_000_000] * 60, lambda: now)
    line.falls_behind("s/main", True)
    steps = 0
    while (line.estimate_bps or 0) > 2_000_000:
        now += 0.04
        steps += 1
        line.relayed(8_000)
        assert steps < 120, "1.6 Mbit/s for five seconds"
    line.falls_behind("s/main", False)
    assert line.arrived_bytes == steps * 8_000
    assert line.state()


def test_transfers_are_counted() -> None:
    line = Line(clock=lambda: 0.0)
    line.began(0.0)
    line.began(0.0)
    assert line.transfers == 2
    line.ended(0.1)
    assert line.transfers == 1
    assert line.estimate_bps is None
