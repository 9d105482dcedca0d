"""How fast memory grows: known lines, noise, steps, processes that were killed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from loadtests.soak_slope import BLOCKS_LEAST, Sample, Slope, blocks, settled, slope_of

MB = 1_000_000
EVERY_S = 5
Line = Callable[[float], float]


def samples(line: Line, seconds: int = 900, life: int = 1, begins: int = 0) -> list[Sample]:
    return [
        Sample(begins + at, life, round(MB * line(begins + at)))
        for at in range(0, seconds, EVERY_S)
    ]


def fitted(*lives: list[Sample]) -> Slope:
    found = slope_of([one for life in lives for one in life])
    assert found is not None
    return found


def test_a_straight_line_is_found_without_error() -> None:
    found = fitted(samples(lambda at: 100 + at / 60))
    assert found.mb_h == pytest.approx(60)
    assert found.error == pytest.approx(0, abs=1e-6)


def test_what_wanders_does_not_grow_and_a_leak_in_it_does() -> None:
    chance = random.Random(5)

    def wanders(at: float) -> float:
        return 100 + chance.gauss(0, 0.5)

    still = fitted(samples(wanders))
    assert abs(still.mb_h) <= still.error < 6
    assert not still.grows(6.0)
    leak = fitted(samples(lambda at: wanders(at) + 30 * at / 3600))
    assert leak.mb_h == pytest.approx(30, abs=leak.error)
    assert leak.grows(6.0)


def test_a_step_and_a_peak_do_not_bend_it() -> None:
    found = fitted(samples(lambda at: 100 + 40 * (300 < at < 390)))
    assert found.mb_h == 0
    last = fitted(samples(lambda at: 100 + 40 * (at > 860)))
    assert last.mb_h == 0


def test_one_that_was_killed_and_came_back_smaller_hides_no_leak() -> None:
    def leak(at: float) -> float:
        return at / 60

    first = samples(lambda at: 200 + leak(at), 400, life=1)
    again = samples(lambda at: 50 + leak(at), 500, life=2, begins=400)
    assert fitted(first, again).mb_h == pytest.approx(60)
    steady = samples(lambda at: 50.0, 500, life=2, begins=400)
    assert fitted(samples(lambda at: 200.0, 400), steady).mb_h == 0


def test_short_lives_tell_nothing() -> None:
    few = samples(lambda at: at, 30 * (BLOCKS_LEAST - 1))
    assert blocks(few, 30.0) == []
    assert slope_of(few) is None
    assert slope_of([]) is None


def test_a_block_is_its_median() -> None:
    rows = [Sample(at, 1, size) for at, size in ((0, 5), (5, 900), (10, 7), (31, 1), (61, 2))]
    rows += [Sample(91.0, 1, 3)]
    (life,) = blocks(rows, 30.0)
    assert [one.bytes for one in life] == [7, 1, 2, 3]
    assert life[0].at_s == 5


def test_the_beginning_of_each_life_is_left_out() -> None:
    old = samples(lambda at: 1.0, 100, life=1)
    new = samples(lambda at: 1.0, 100, life=2, begins=50)
    kept = settled(old + new, warm_up_s=30)
    assert min(one.at_s for one in kept if one.life == 1) == 30
    assert min(one.at_s for one in kept if one.life == 2) == 80
