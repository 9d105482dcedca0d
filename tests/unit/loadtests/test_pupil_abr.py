"""The rules by which a pupil's player picks rungs, with literal times."""

from __future__ import annotations

import pytest

from loadtests.pupil_abr import Bandwidth, Coming, Ewma, Rung, abandons, choose

LOW = Rung("360p.m3u8", 900_000, 800_000, 360)
HIGH = Rung("720p.m3u8", 2_300_000, 2_000_000, 720)
RUNGS = (LOW, HIGH)


def after(bps: float, seconds: float = 20.0) -> Bandwidth:
    line = Bandwidth()
    for _ in range(int(seconds)):
        line.sample(int(bps / 8), 1.0, 0.0)
    return line


def test_a_moving_average_forgets_half_in_its_half_life() -> None:
    average = Ewma(3.0)
    average.sample(1.0, 10.0)
    assert average.value() == pytest.approx(10.0)
    average.sample(300.0, 10.0)
    average.sample(3.0, 0.0)
    assert average.value() == pytest.approx(5.0)


def test_the_first_estimate_holds_until_something_came() -> None:
    line = Bandwidth()
    assert line.estimate_bps == 500_000
    assert choose(RUNGS, None, line, 0.0, 2.0, live=True) == 0
    line.sample(250_000, 1.0, 0.0)
    assert line.estimate_bps == pytest.approx(2_000_000)


def test_it_falls_fast_and_rises_slowly() -> None:
    line = after(8_000_000)
    line.sample(500_000, 4.0, 0.0)
    assert line.estimate_bps < 4_000_000
    line.sample(4_000_000, 4.0, 0.0)
    assert line.estimate_bps < 6_500_000


def test_a_cached_hit_counts_as_fifty_milliseconds() -> None:
    line = Bandwidth()
    line.sample(500_000, 0.001, 0.001)
    assert line.estimate_bps == pytest.approx(80_000_000)


def test_a_wait_for_the_first_byte_is_taken_off_up_to_the_usual_one() -> None:
    line = Bandwidth()
    assert line.first_byte_s == 0.1
    line.sample_first_byte(0.5)
    assert line.first_byte_s == pytest.approx(0.5)
    line.sample(250_000, 1.5, 0.5)
    assert line.estimate_bps == pytest.approx(2_000_000)
    unusual = Bandwidth()
    unusual.sample(250_000, 1.1, 0.6)
    assert unusual.estimate_bps == pytest.approx(2_000_000)


@pytest.mark.parametrize(
    ("bps", "current", "rung"),
    [(3_200_000, 0, 0), (3_400_000, 0, 1), (3_400_000, 1, 1), (2_500_000, 1, 1), (2_300_000, 1, 0),
     (100_000, 1, 0)],
)  # fmt: skip
def test_a_rung_is_kept_at_95_percent_and_climbed_to_at_70(
    bps: float, current: int, rung: int
) -> None:
    assert choose(RUNGS, current, after(bps), 6.0, 2.0, live=True) == rung


def test_a_recording_is_not_climbed_with_a_buffer_that_does_not_last() -> None:
    line = after(3_400_000)
    assert choose(RUNGS, 0, line, 6.0, 2.0, live=False) == 1
    assert choose(RUNGS, 0, line, 0.1, 8.0, live=False) == 0
    assert choose(RUNGS, 0, line, 0.1, 8.0, live=True) == 1


def coming(rung: int, size_bytes: int, first_byte_at: float | None = 10.0) -> Coming:
    return Coming(rung, 2.0, 10.0, first_byte_at, size_bytes, 500_000)


def test_a_download_that_outlasts_the_buffer_is_given_up_for_a_sooner_one() -> None:
    line = after(3_000_000)
    slow = coming(1, 100_000)
    assert slow.rest_s(RUNGS, line, 11.0) == pytest.approx(4.0)
    assert abandons(slow, RUNGS, line, 3.0, 11.0)
    assert not abandons(slow, RUNGS, line, 4.5, 11.0)
    assert not abandons(coming(0, 100_000), RUNGS, line, 3.0, 11.0)


def test_the_last_bytes_are_waited_for() -> None:
    assert not abandons(coming(1, 490_000), RUNGS, after(3_000_000), 0.1, 14.0)


def test_a_segment_of_which_nothing_came_is_judged_by_the_estimate() -> None:
    line = after(400_000)
    assert coming(1, 0, None).rest_s(RUNGS, line, 11.0) == pytest.approx(10.1)
    assert abandons(coming(1, 0, None), RUNGS, line, 6.0, 11.0)
    assert not abandons(coming(1, 0, None), RUNGS, after(8_000_000), 1.0, 11.0)
