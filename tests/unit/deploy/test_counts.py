"""Counts of a session go on where they were, and are gone with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.counts import Counts, Series

GAPS = Series("frame_gaps", "s1", ("main",))


def test_a_count_that_begins_anew_goes_on_where_it_was() -> None:
    counts = Counts()
    counts.take(GAPS, 10.0, (3.0,))
    counts.take(GAPS, 20.0, (1.0,))
    assert dict(counts.totals()) == {GAPS: (4.0,)}
    counts.take(GAPS, 20.0, (2.0,))
    assert dict(counts.totals()) == {GAPS: (5.0,)}


def test_a_new_count_may_be_larger_than_the_old_one() -> None:
    counts = Counts()
    counts.take(GAPS, 10.0, (3.0, 0.5))
    counts.take(GAPS, 20.0, (7.0, 0.25))
    assert dict(counts.totals()) == {GAPS: (10.0, 0.75)}


def test_counts_end_with_their_session() -> None:
    counts, other = Counts(), Series("frame_gaps", "s2", ("main",))
    counts.take(GAPS, 10.0, (3.0,))
    counts.take(other, 10.0, (8.0,))
    assert counts.forget({"s2"}) == [(GAPS, (3.0,))]
    assert dict(counts.totals()) == {other: (8.0,)}


@given(st.lists(st.lists(st.integers(0, 9), min_size=1), min_size=1))
def test_a_count_never_goes_back(lives: list[list[int]]) -> None:
    counts, seen, counted = Counts(), [0.0], 0
    for life, steps in enumerate(lives):
        count = 0
        for step in steps:
            count += step
            counted += step
            counts.take(GAPS, float(life), (float(count),))
            seen.append(dict(counts.totals())[GAPS][0])
    assert seen == sorted(seen)
    assert seen[-1] == counted
