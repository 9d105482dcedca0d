"""How long something has been so, and how much a count grew lately."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.operations.lasting import Grown, Lasting


def test_it_lasts_from_the_moment_it_was_first_so() -> None:
    lasting = Lasting()
    assert lasting.lasts_s("a", False, 1.0) == 0.0
    assert lasting.lasts_s("a", True, 2.0) == 0.0
    assert lasting.lasts_s("a", True, 5.5) == 3.5
    assert lasting.lasts_s("b", True, 5.5) == 0.0


def test_a_break_begins_it_anew() -> None:
    lasting = Lasting()
    lasting.lasts_s("a", True, 1.0)
    lasting.lasts_s("a", False, 2.0)
    assert lasting.lasts_s("a", True, 3.0) == 0.0
    assert lasting.lasts_s("a", True, 4.0) == 1.0


def test_what_is_not_asked_for_is_forgotten() -> None:
    lasting, grown = Lasting(), Grown(10.0)
    lasting.lasts_s("a", True, 1.0)
    grown.grew("a", 5, 1.0)
    for one in (lasting, grown):
        one.sweep()
        one.sweep()
    assert lasting.lasts_s("a", True, 9.0) == 0.0
    assert grown.grew("a", 9, 9.0) == 0.0, "a count that is new has grown nothing yet"


def test_a_count_grows_within_the_time_and_no_longer() -> None:
    grown = Grown(10.0)
    assert grown.grew("a", 100, 0.0) == 0
    assert grown.grew("a", 103, 1.0) == 3
    assert grown.grew("a", 104, 5.0) == 4
    assert grown.grew_at("a") == 5.0
    assert grown.grew("a", 104, 11.0) == 1
    assert grown.grew("a", 104, 15.0) == 0
    assert grown.grew_at("a") is None


def test_a_count_that_went_back_was_begun_anew() -> None:
    grown = Grown(10.0)
    grown.grew("a", 100, 0.0)
    assert grown.grew("a", 2, 1.0) == 2


@given(st.lists(st.integers(0, 50), max_size=30))
def test_within_the_time_it_grew_by_the_sum_of_its_steps(steps: list[int]) -> None:
    grown, total = Grown(10.0), 0
    grown.grew("a", 0, 0.0)
    for number, step in enumerate(steps, 1):
        total += step
        assert grown.grew("a", total, float(number)) == sum(steps[max(0, number - 10) : number])
