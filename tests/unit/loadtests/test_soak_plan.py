"""A plan is the same for the same seed, and has everything in it."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from loadtests.soak_plan import FAULT_GAP_S, LAST_SHARE, MEAN_GAP_S, Kind, plan


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    assert plan(1, 1200) == plan(1, 1200)
    assert plan(1, 1200) != plan(2, 1200)


@pytest.mark.parametrize("seconds", [45.0, 120.0, 1200.0])
def test_everything_happens_in_order_and_within_the_time(seconds: float) -> None:
    found = plan(7, seconds)
    assert {one.kind for one in found} == set(Kind)
    moments = [one.at_s for one in found]
    assert moments == sorted(moments)
    assert 0 < moments[0] <= moments[-1] < seconds
    for one in found:
        assert one.at_s <= LAST_SHARE.get(one.kind, 1.0) * seconds


def test_as_many_come_as_the_gaps_say() -> None:
    seconds = 12_000.0
    counts = Counter(one.kind for one in plan(3, seconds))
    for kind, gap_s in MEAN_GAP_S.items():
        assert counts[kind] == pytest.approx(seconds / gap_s, rel=0.15)
    for kind, gap_s in FAULT_GAP_S.items():
        assert counts[kind] == round(LAST_SHARE[kind] * seconds / gap_s)


def test_faults_of_a_kind_keep_apart() -> None:
    found = plan(11, 1200)
    for kind, gap_s in FAULT_GAP_S.items():
        moments = [one.at_s for one in found if one.kind is kind]
        gaps = [b - a for a, b in itertools.pairwise(moments)]
        assert all(gap > gap_s / 2 for gap in gaps)
