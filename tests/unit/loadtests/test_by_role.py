"""Figures by role: sums and differences."""

from __future__ import annotations

from loadtests.by_role import ByRole

THEN = ByRole(10.0, 4.0, 1.0, 2.0)
NOW = ByRole(14.0, 5.0, 1.0, 2.5)


def test_what_the_service_takes_is_all_but_its_viewers() -> None:
    found = THEN.with_viewers(50.0)
    assert (found.service, found.without_encoders, found.viewers) == (17.0, 13.0, 50.0)


def test_what_came_since_is_told_a_second() -> None:
    assert THEN.per(NOW, 2.0) == ByRole(2.0, 0.5, 0.0, 0.25)


def test_what_is_less_than_before_is_no_more_than_none() -> None:
    assert THEN.above(NOW) == ByRole()
    assert NOW.above(THEN) == ByRole(4.0, 1.0, 0.0, 0.5)
