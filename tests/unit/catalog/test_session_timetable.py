"""School weeks, periods, odd and even weeks, holidays, and what is too much at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.people import CITY_ZONE
from catalog.timetable import (
    PERIODS_LIMIT,
    SPECIAL_DAYS_LIMIT,
    WEEKS_LIMIT,
    Parity,
    Period,
    Slot,
    Term,
    check_term,
    occurrences,
    peak,
)

PERIODS = (Period(time(8, 0), 2400), Period(time(8, 50), 2400), Period(time(14, 0), 2700))
TERM = Term(date(2026, 9, 1), 20, PERIODS)  # a Tuesday


def days(term: Term, slot: Slot) -> list[str]:
    return [
        datetime.fromtimestamp(at, CITY_ZONE).strftime("%m-%d") for at, _ in occurrences(term, slot)
    ]


def test_week_1_holds_the_first_day() -> None:
    assert TERM.monday == date(2026, 8, 31)
    assert TERM.week_of(date(2026, 8, 31)) is None
    assert TERM.week_of(date(2026, 9, 1)) == 1
    assert TERM.week_of(date(2026, 9, 6)) == 1
    assert TERM.week_of(date(2026, 9, 7)) == 2
    assert TERM.week_of(date(2027, 1, 17)) == 20
    assert TERM.week_of(date(2027, 1, 18)) is None


@pytest.mark.parametrize(
    ("slot", "found"),
    [
        (Slot(3, 1, 1, 4), ["09-02", "09-09", "09-16", "09-23"]),
        (Slot(3, 1, 1, 4, Parity.ODD), ["09-02", "09-16"]),
        (Slot(3, 1, 1, 4, Parity.EVEN), ["09-09", "09-23"]),
        (Slot(1, 1, 1, 2), ["09-07"]),
        (Slot(7, 1, 2, 2), ["09-13"]),
        (Slot(1, 1, 1, 1), []),
    ],
)
def test_what_recurs(slot: Slot, found: list[str]) -> None:
    assert days(TERM, slot) == found


def test_a_holiday_falls_out_and_a_saturday_is_taught_like_its_monday() -> None:
    special = {date(2026, 9, 14): 0, date(2026, 9, 19): 1}
    assert days(replace(TERM, special=special), Slot(1, 1, 2, 4)) == ["09-07", "09-19", "09-21"]
    assert days(replace(TERM, special=special), Slot(6, 1, 3, 3)) == []


def test_times_are_the_citys_all_year() -> None:
    found = occurrences(TERM, Slot(2, 3, 1, 20))
    assert found[0] == (datetime(2026, 9, 1, 6, 0, tzinfo=UTC).timestamp(), 2700)
    gaps = {after[0] - before[0] for before, after in pairwise(found)}
    assert gaps == {7 * 86_400.0}
    hours = {datetime.fromtimestamp(at, timezone(timedelta(hours=8))).hour for at, _ in found}
    assert (len(found), hours) == (20, {14})


@pytest.mark.parametrize(
    "slot",
    [Slot(0, 1, 1, 2), Slot(8, 1, 1, 2), Slot(1, 0, 1, 2), Slot(1, 4, 1, 2), Slot(1, 1, 0, 2),
     Slot(1, 1, 3, 2), Slot(1, 1, 1, 21)],
)  # fmt: skip
def test_a_slot_outside_of_the_term_is_refused(slot: Slot) -> None:
    with pytest.raises(Invalid):
        occurrences(TERM, slot)


@pytest.mark.parametrize(
    "term",
    [
        replace(TERM, weeks=0),
        replace(TERM, first_day=date(9999, 12, 27)),
        replace(TERM, first_day=date(1, 1, 1)),
        replace(TERM, weeks=WEEKS_LIMIT + 1),
        replace(TERM, periods=()),
        replace(TERM, periods=tuple(Period(time(0, n), 60) for n in range(PERIODS_LIMIT + 1))),
        replace(TERM, periods=(PERIODS[1], PERIODS[0])),
        replace(TERM, periods=(Period(time(8, 0), 3001), PERIODS[1])),
        replace(TERM, periods=(Period(time(8, 0, tzinfo=UTC), 60),)),
        replace(
            TERM,
            special={date(2026, 1, 1) + timedelta(n): 0 for n in range(SPECIAL_DAYS_LIMIT + 1)},
        ),
    ],
)
def test_a_term_that_makes_no_sense_is_refused(term: Term) -> None:
    check_term(TERM)
    with pytest.raises(Invalid):
        check_term(term)


@pytest.mark.parametrize(
    ("others", "most"),
    [
        ([], 1),
        ([(0, 10, 5), (20, 30, 5)], 1),
        ([(5, 15, 1), (15, 25, 1)], 2),
        ([(5, 16, 1), (15, 25, 2)], 4),
        ([(0, 100, 1), (12, 14, 2), (16, 18, 3)], 5),
    ],
)
def test_the_most_at_once(others: list[tuple[float, float, int]], most: int) -> None:
    assert peak((10, 20, 1), others) == most


_SPANS = st.tuples(st.integers(0, 30), st.integers(1, 10), st.integers(1, 3)).map(
    lambda span: (float(span[0]), float(span[0] + span[1]), span[2])
)


@given(_SPANS, st.lists(_SPANS, max_size=12))
def test_the_most_at_once_is_that_of_every_moment(
    wanted: tuple[float, float, int], others: list[tuple[float, float, int]]
) -> None:
    start, end, uses = wanted
    moments = [start + n / 2 for n in range(int(2 * (end - start)))]
    slow = max(uses + sum(u for s, e, u in others if s <= at < e) for at in moments)
    assert peak(wanted, others) == slow
