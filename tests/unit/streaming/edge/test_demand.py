"""Of what a school needs the media as it comes, and from when on."""

from __future__ import annotations

import pytest

from streaming.edge.demand import PATIENCE_SEGMENTS, UNUSED_S, Demand

NOBODY: frozenset[str] = frozenset()
RUNG = frozenset({"720p"})


def test_who_takes_what_comes_has_it_at_once() -> None:
    demand = Demand()
    demand.ask("720p", 0.0, live=True)
    assert demand.wanted(0.0, NOBODY) == RUNG
    assert demand.wanted(UNUSED_S - 0.1, NOBODY) == RUNG
    assert demand.wanted(UNUSED_S, NOBODY) == NOBODY


def test_what_somebody_gets_or_waits_for_needs_no_asking() -> None:
    demand = Demand()
    assert demand.wanted(0.0, RUNG) == RUNG
    assert demand.wanted(0.1, NOBODY) == NOBODY


def test_who_plays_whole_segments_first_gets_those() -> None:
    demand = Demand()
    demand.ask("720p", 0.0, live=False)
    assert demand.wanted(0.0, NOBODY) == NOBODY
    demand.closed("720p", 1.0, fetching=True)
    assert demand.wanted(1.0, NOBODY) == NOBODY
    demand.closed("720p", 3.0, fetching=False)
    assert demand.wanted(3.0, NOBODY) == RUNG


def test_segments_that_never_stop_coming_are_not_waited_for() -> None:
    demand = Demand()
    for number in range(1, PATIENCE_SEGMENTS + 1):
        demand.ask("720p", 2.0 * number, live=False)
        demand.closed("720p", 2.0 * number, fetching=True)
        followed = number == PATIENCE_SEGMENTS
        assert demand.wanted(2.0 * number, NOBODY) == (RUNG if followed else NOBODY)


def test_what_nobody_asks_for_is_not_followed_when_a_segment_ends() -> None:
    demand = Demand()
    demand.closed("720p", 0.0, fetching=False)
    assert demand.wanted(0.0, NOBODY) == NOBODY
    demand.ask("720p", 0.0, live=False)
    demand.closed("720p", UNUSED_S, fetching=False)
    assert demand.wanted(UNUSED_S, NOBODY) == NOBODY


@pytest.mark.parametrize("later_s", [1.0, UNUSED_S - 0.1])
def test_who_stays_when_a_live_viewer_leaves_goes_on_with_what_comes(later_s: float) -> None:
    demand = Demand()
    demand.ask("720p", 0.0, live=False)
    assert demand.wanted(0.0, RUNG) == RUNG
    assert demand.wanted(later_s, NOBODY) == RUNG


def test_who_comes_back_after_a_while_begins_anew() -> None:
    demand = Demand()
    demand.ask("720p", 0.0, live=False)
    for _ in range(PATIENCE_SEGMENTS - 1):
        demand.closed("720p", 1.0, fetching=True)
    demand.ask("720p", 100.0, live=False)
    demand.closed("720p", 101.0, fetching=True)
    assert demand.wanted(101.0, NOBODY) == NOBODY
