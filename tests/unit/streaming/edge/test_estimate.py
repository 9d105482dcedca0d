import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.edge.estimate import (
    CHANGED_RUN,
    HIGHEST_BPS,
    KNOWN_AFTER,
    LEAST_BYTES,
    SILENCE_S,
    WINDOW_S,
    WINDOWS,
    Estimator,
)
from tests.unit.streaming.edge.fluid_line import FluidLine

KB = 1000


def feed(estimator: Estimator, start: float, rates_kb: list[int], flows: int = 1) -> float:
    """Let each half second bring so many kilobytes, in chunks of 50 ms; give the time after."""
    now = start
    estimator.in_flight(now, flows)
    estimator.moved(now, 1)
    for rate in rates_kb:
        for _ in range(10):
            now += WINDOW_S / 10
            estimator.moved(now, rate * KB // 10)
    return now


def test_a_line_is_unknown_at_first() -> None:
    estimator = Estimator()
    assert estimator.estimate_bps is None
    feed(estimator, 0.0, [100] * (KNOWN_AFTER - 1))
    assert estimator.estimate_bps is None
    feed(estimator, 10.0, [100] * 3)
    assert estimator.estimate_bps == pytest.approx(1_600_000, rel=0.01)


def test_it_is_the_ninetieth_percentile_of_the_last_windows() -> None:
    estimator = Estimator()
    feed(estimator, 0.0, list(range(101, 101 + WINDOWS)))
    assert estimator.estimate_bps == pytest.approx(16 * 154 * KB, rel=0.01)
    assert len(estimator.state()) == WINDOWS


def test_one_burst_does_not_count() -> None:
    estimator = Estimator()
    feed(estimator, 0.0, [*[100] * 20, 900, *[100] * 20])
    assert estimator.estimate_bps == pytest.approx(1_600_000, rel=0.01)


def test_it_goes_on_after_a_restart() -> None:
    first = Estimator()
    feed(first, 0.0, [100, 120, 140, 160])
    again = Estimator(first.state())
    assert again.state() == first.state()
    assert again.estimate_bps == first.estimate_bps


def test_a_state_that_was_spoilt_is_taken_as_far_as_it_makes_sense() -> None:
    kept = [0, -5, HIGHEST_BPS + 1, *range(1, 100)]
    assert Estimator(kept).state() == tuple(range(40, 100))


def test_windows_that_are_shared_and_slow_make_it_the_median_and_then_forget() -> None:
    estimator = Estimator()
    now = feed(estimator, 0.0, [500] * 5 + [480] * 5, flows=2)
    now = feed(estimator, now, [100, 100], flows=2)
    assert estimator.estimate_bps == pytest.approx(8_000_000, rel=0.01)
    now = feed(estimator, now, [100], flows=2)
    assert estimator.estimate_bps == pytest.approx(16 * 480 * KB, rel=0.01)
    now = feed(estimator, now, [100] * (CHANGED_RUN - 3), flows=2)
    assert estimator.estimate_bps == pytest.approx(1_600_000, rel=0.01)
    assert len(estimator.state()) == CHANGED_RUN


def test_a_good_window_in_between_shows_that_the_line_is_as_it_was() -> None:
    estimator = Estimator()
    feed(estimator, 0.0, [500] * 30 + [100, 100, 500] * 5 + [100] * 3 + [400], flows=2)
    assert estimator.estimate_bps == pytest.approx(8_000_000, rel=0.01)


def test_one_slow_transfer_is_not_a_slow_line() -> None:
    estimator = Estimator()
    now = feed(estimator, 0.0, [500] * 30)
    feed(estimator, now, [100] * 26)
    assert estimator.estimate_bps == pytest.approx(8_000_000, rel=0.01)


def test_a_line_that_gets_better_is_noticed_within_seconds_of_use() -> None:
    estimator = Estimator()
    now = feed(estimator, 0.0, [100] * WINDOWS)
    feed(estimator, now, [500] * 7)
    assert estimator.estimate_bps == pytest.approx(8_000_000, rel=0.01)


def test_a_cut_line_is_not_a_slow_one() -> None:
    estimator = Estimator()
    now = feed(estimator, 0.0, [500] * 10, flows=2)
    before = estimator.state()
    estimator.moved(now + SILENCE_S + 1, 64 * KB)
    estimator.in_flight(now + 600, 0)
    assert estimator.state() == before


def test_texts_are_no_evidence() -> None:
    estimator = Estimator()
    for n in range(200):
        estimator.in_flight(n, 1)
        estimator.moved(n + 0.1, LEAST_BYTES // 4)
        estimator.moved(n + 0.4, LEAST_BYTES // 4)
        estimator.in_flight(n + 0.4, 0)
        estimator.moved(n + 0.5, LEAST_BYTES)
    assert estimator.state() == ()


def test_the_first_bytes_start_the_clock_and_those_of_the_same_moment_too() -> None:
    estimator = Estimator()
    estimator.in_flight(0.0, 1)
    estimator.moved(5.0, 900 * KB)
    estimator.moved(5.0, 900 * KB)
    for n in range(1, 4):
        estimator.moved(5.0 + n * WINDOW_S, 100 * KB)
    assert estimator.state() == (1_600_000,) * 3


def test_bytes_of_a_relay_count_while_a_piece_is_on_its_way_and_not_else() -> None:
    estimator = Estimator()
    for n in range(100):
        estimator.moved(n / 10, 25 * KB)
    assert estimator.state() == ()
    assert estimator.measured_at is None
    estimator.in_flight(10.0, 1)
    for n in range(16):
        estimator.moved(10 + n / 10, 25 * KB)
        estimator.moved(10 + n / 10 + 0.05, 25 * KB)
    assert estimator.estimate_bps == pytest.approx(4_000_000, rel=0.01)
    assert estimator.measured_at == pytest.approx(11.5)


def test_a_count_below_zero_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Estimator().in_flight(0.0, -1)


rates = st.integers(200_000, 50_000_000)


@settings(max_examples=40, deadline=None)
@given(rates, st.integers(1, 4), st.integers(0, 2**16))
def test_a_busy_line_is_known_to_a_few_percent(rate_bps: int, flows: int, seed: int) -> None:
    line = FluidLine(rate_bps, seed=seed)
    for _ in range(flows):
        line.fetch(10**9)
    line.run_until(15.0)
    assert line.estimator.estimate_bps == pytest.approx(rate_bps, rel=0.05)


@settings(max_examples=40, deadline=None)
@given(st.integers(1_000_000, 12_000_000), st.integers(0, 2**16))
def test_short_transfers_with_pauses_are_enough(rate_bps: int, seed: int) -> None:
    line = FluidLine(rate_bps, seed=seed)
    for n in range(20):
        line.fetch(200 * KB)
        line.run_until(2.0 * (n + 1))
    assert line.estimator.estimate_bps == pytest.approx(rate_bps, rel=0.12)


events = st.lists(
    st.tuples(st.floats(0, 20), st.integers(0, 3), st.integers(0, 2_000_000)), max_size=80
)


@given(events)
def test_windows_never_hold_more_than_what_came(script: list[tuple[float, int, int]]) -> None:
    estimator = Estimator()
    now, sent = 0.0, 0
    for passed_s, flows, size_bytes in script:
        now += passed_s
        estimator.moved(now, size_bytes)
        sent += size_bytes
        estimator.in_flight(now, flows)
    seen = sum(estimator.state()) * WINDOW_S / 8
    assert seen <= sent + 1
    assert Estimator(estimator.state()).state() == tuple(n for n in estimator.state() if n)


@given(st.lists(st.floats(0.01, 1e6), max_size=30))
def test_idle_time_changes_nothing(pauses_s: list[float]) -> None:
    estimator = Estimator()
    now = feed(estimator, 0.0, [500] * 20)
    for pause_s in pauses_s:
        estimator.in_flight(now, 0)
        now += pause_s
        estimator.in_flight(now, 2)
    assert estimator.estimate_bps == pytest.approx(8_000_000, rel=0.01)
