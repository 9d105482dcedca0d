"""A line on which nothing is heard is knocked at: soon while the box is used, else now and then."""

from __future__ import annotations

import itertools

from streaming.edge.pulse import IDLE_S, KNOCK_LIMIT_S, LOOK_EVERY_S, QUIET_S, Pulse


def knocks(until: float, *, in_use: bool, step_s: float = LOOK_EVERY_S) -> list[float]:
    """Give when it knocks; each knock is heard of at once."""
    pulse, now, heard, found = Pulse(0.0), 0.0, 0, list[float]()
    while now < until:
        now += step_s
        if pulse.is_quiet(now, heard, in_use):
            heard += 1
            found.append(now)
    return found


def test_who_is_used_knows_of_a_cut_within_five_seconds() -> None:
    found = knocks(60.0, in_use=True)
    gaps = {b - a for a, b in itertools.pairwise(found)}
    assert max(gaps) + KNOCK_LIMIT_S <= 5.0 + LOOK_EVERY_S
    assert min(gaps) >= QUIET_S, "and costs a knock each two seconds at most"


def test_who_is_not_used_knows_within_thirty_and_knocks_seldom() -> None:
    found = knocks(600.0, in_use=False)
    assert len(found) <= 600 / IDLE_S
    assert max(b - a for a, b in itertools.pairwise(found)) + KNOCK_LIMIT_S <= 30.0


def test_what_comes_makes_a_knock_needless() -> None:
    pulse = Pulse(0.0)
    assert not any(pulse.is_quiet(tick * 0.5, tick // 3, True) for tick in range(200))


def test_use_that_begins_looks_at_once() -> None:
    pulse = Pulse(0.0)
    assert not pulse.is_quiet(10.0, 1, False)
    assert not pulse.is_quiet(13.0, 1, False)
    assert pulse.is_quiet(13.5, 1, True)
