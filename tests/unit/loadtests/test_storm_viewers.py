"""When viewers join, and what is told of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.storm_viewers import Storm, moments


@given(st.integers(1, 500), st.floats(0.1, 60))
def test_everybody_joins_within_the_time_and_each_run_alike(count: int, join_s: float) -> None:
    found = moments(count, join_s)
    assert len(found) == count
    assert found == sorted(found) == moments(count, join_s)
    assert 0 <= found[0] <= found[-1] <= join_s


def test_a_join_counts_from_the_viewer_s_own_beginning() -> None:
    storm = Storm(4)
    storm.began_at = [10.0, 11.0, 12.0, 13.0]
    storm.plays_at, storm.last_in_at = {0: 10.1, 1: 11.2, 2: 12.3, 3: 13.4}, 13.4
    storm.tally.bytes = [100, 90, 110, 100]
    told = storm.said(10.0, 8.0, 2.0)
    assert told["join_p50_s"] == pytest.approx(0.2)
    assert told["join_p95_s"] == told["join_most_s"] == pytest.approx(0.4)
    assert told["until_95_s"] == pytest.approx(3.4)
    # until the last one plays: 3.3, 2.2, 1.1 and 0 seconds
    assert told["watched_s"] == pytest.approx(6.6)
    assert (told["bytes"], told["slowest"]) == (400, 0.9)


def test_the_storm_is_over_when_the_last_one_plays_and_a_first_picture_counts_once() -> None:
    storm = Storm(2)
    storm.plays(1)
    first_at = storm.plays_at[1]
    storm.plays(1)
    assert storm.plays_at == {1: first_at}
    assert not storm.all_in.is_set()
    storm.plays(0)
    assert storm.all_in.is_set()
