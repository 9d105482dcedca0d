"""Figures of what was seen, with literal times."""

from __future__ import annotations

import math

from loadtests.live_figures import (
    back_in_step_ms,
    gaps,
    report_errors,
    skews,
    stages,
    stalls,
    target_ms,
)
from loadtests.live_spread import spread
from loadtests.live_watch import Fragment, Report, Seen, Shown


def page(delay_ms: float, first: int = 0, last: int = 90, lost: range = range(0)) -> Seen:
    """A page that shows frame n, captured at n/30 s, `delay_ms` later."""
    frames = [number for number in range(first, last) if number not in lost]
    return Seen(
        tuple(Shown(round(n * 1000 / 30), round(n * 1000 / 30) + delay_ms, n / 30) for n in frames)
    )


def test_nearest_ranks() -> None:
    found = spread([float(value) for value in range(1, 101)])
    assert (found.p50, found.p95, found.most, found.count) == (50, 95, 100, 100)
    assert str(found) == "50 / 95 / 100"


def test_nothing_seen_misses_every_goal() -> None:
    assert spread([]).p95 == math.inf
    assert str(spread([])) == "none"


def test_a_gap_of_more_than_200_ms_is_a_stall_and_its_waiting_no_second_one() -> None:
    smooth = page(250)
    assert stalls(smooth) == 0
    torn = page(250, lost=range(30, 37))
    assert [round(b - a) for a, b in gaps(torn)] == [266]
    assert stalls(torn) == 1
    waited = Seen(torn.shown, (torn.shown[29].at_ms + 40, torn.shown[60].at_ms))
    assert stalls(waited) == 2


def test_d_is_what_the_room_said_last() -> None:
    seen = Seen(targets=((100.0, 600.0), (900.0, 450.0)))
    assert [target_ms(seen, at) for at in (50.0, 100.0, 899.0, 2000.0)] == [0, 600, 600, 450]


def test_own_reports_against_the_stamps_of_their_second() -> None:
    seen = page(250)
    said = Seen(seen.shown, reports=(Report(1500, 262, 2, 180, 0), Report(99_000, 1, 0, 0, 0)))
    assert report_errors(said) == [12]


def test_stages_add_up_to_the_delay() -> None:
    shown = Shown(1000, 1300, 0.5)
    by_socket = Seen(
        (shown,), fragments=(Fragment(1060, 0.5, 0.51),),
        appended=((1030, 0.5), (1064, 0.533), (1090, 0.566)),
    )  # fmt: skip
    found = {name: one.p50 for name, one in stages(by_socket).items()}
    assert list(found.values()) == [10, 50, 4, 236]
    assert sum(found.values()) == shown.delay_ms
    by_parts = Seen((shown,), appended=((1210, 0.7),))
    assert [one.p50 for one in stages(by_parts).values()] == [210, 90]


def test_pages_in_step_and_a_frame_apart() -> None:
    assert {skew for _, skew in skews(page(250), page(250), 500, 2500)} == {0}
    found = [skew for _, skew in skews(page(250), page(283), 500, 2500)]
    assert len(found) == 20
    assert all(0 <= skew <= 34 for skew in found)
    assert max(found) >= 33
    assert skews(page(250), Seen(), 500, 2500) == []


def test_back_in_step_is_when_it_stays_there_for_a_second() -> None:
    far = [(at * 100.0, 900.0) for at in range(10)]
    near = [(1000.0 + at * 100, 33.0) for at in range(5)]
    slip = [(1500.0, 200.0)]
    stays = [(1600.0 + at * 100, -34.0) for at in range(12)]
    assert back_in_step_ms(far + near + slip + stays, 500, 66) == 1100
    assert back_in_step_ms(far + near + slip, 500, 66) == math.inf
