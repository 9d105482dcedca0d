from __future__ import annotations

import random

import pytest

from streaming.live.anchor import SLEW, Anchor

UTC = 1_795_600_000.0


def run(
    anchor: Anchor, seconds: int, drift: float, jitter_s: float = 0.0, first_s: int = 0
) -> None:
    noise = random.Random(1)
    for number in range(30 * first_s, 30 * (first_s + seconds)):
        media_s = number / 30
        late_s = 0.2 + noise.uniform(0, jitter_s)
        anchor.observe(media_s, UTC + media_s * (1 + drift) + late_s)


def test_a_true_clock_moves_nothing() -> None:
    anchor = Anchor(UTC)
    run(anchor, 120, 0.0)
    assert anchor.utc == pytest.approx(UTC, abs=1e-6)


@pytest.mark.parametrize("drift", [0.0002, -0.0002])
def test_a_source_whose_clock_drifts_keeps_its_distance(drift: float) -> None:
    anchor = Anchor(UTC)
    run(anchor, 3600, drift)
    assert anchor.utc - UTC == pytest.approx(3600 * drift, abs=0.005)


def test_jitter_is_no_drift() -> None:
    anchor = Anchor(UTC)
    run(anchor, 600, 0.0, 0.1)
    assert anchor.utc == pytest.approx(UTC, abs=0.006)


def test_it_moves_by_no_more_than_half_a_millisecond_a_second() -> None:
    anchor = Anchor(UTC)
    run(anchor, 10, 0.0)
    before = anchor.utc
    run(anchor, 60, 0.01, first_s=10)
    assert 0 < anchor.utc - before <= 60 * SLEW + 1e-6


def test_times_that_were_shifted_are_no_drift() -> None:
    anchor = Anchor(UTC)
    run(anchor, 20, 0.0)
    anchor.retimed()
    for number in range(30 * 60):
        media_s = 20 + number / 30
        anchor.observe(media_s, UTC + media_s + 0.2 + 0.4)
    assert anchor.utc == pytest.approx(UTC, abs=1e-6)
    for number in range(30 * 600):
        media_s = 80 + number / 30
        anchor.observe(media_s, UTC + media_s + 0.6 + (media_s - 80) * 0.0002)
    assert anchor.utc - UTC == pytest.approx(600 * 0.0002, abs=0.005), "the clock still is"


def test_a_break_and_a_step_leave_it_alone() -> None:
    anchor = Anchor(UTC)
    run(anchor, 10, 0.0)
    anchor.interrupted()
    for number in range(300):
        anchor.observe(40 + number / 30, UTC + 70 + number / 30)
    assert anchor.utc == pytest.approx(UTC)
