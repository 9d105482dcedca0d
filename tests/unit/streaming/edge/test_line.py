"""When a live relay falls behind, and what the line is told of it."""

from __future__ import annotations

from streaming.edge.line import BEHIND_S, LEAST_OF_S, Lag, Line


def test_a_relay_is_behind_when_it_is_later_than_at_its_best() -> None:
    lag = Lag()
    assert not lag.take(0.25, 0.0)
    assert not lag.take(0.30, 1.0)
    assert lag.take(0.25 + BEHIND_S + 0.01, 2.0)
    assert lag.behind
    assert not lag.take(0.5, 3.0)
    assert lag.take(0.35, 4.0)
    assert not lag.behind


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
