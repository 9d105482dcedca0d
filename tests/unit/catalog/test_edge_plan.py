"""Which days are school days, and what the night should bring for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from catalog.edge_plan import Entry, Wanted, plan, school_days
from catalog.timetable import DAY_OFF, Period, Term

MONDAY = date(2026, 11, 23)
PERIODS = (Period(time(8), 2400),)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def day(offset: int) -> date:
    return MONDAY + timedelta(days=offset)


def term(**changes: object) -> Term:
    fields = {"first_day": date(2026, 9, 1), "weeks": 20, "periods": PERIODS, "special": {}}
    return Term(**{**fields, **changes})  # type: ignore[arg-type]


def test_without_a_term_from_monday_to_friday() -> None:
    assert school_days(day(3), 3, []) == [day(3), day(4), day(7)]
    assert school_days(day(5), 1, []) == [day(7)]


def test_holidays_are_left_out_and_days_made_up_for_are_not() -> None:
    special = {day(1): DAY_OFF, day(5): 2}
    assert school_days(MONDAY, 6, [term(special=special)]) == [
        day(0), day(2), day(3), day(4), day(5), day(7),
    ]  # fmt: skip


def test_a_day_taught_by_either_term_is_a_school_day() -> None:
    other = term(special={day(0): DAY_OFF})
    assert school_days(MONDAY, 1, [term(), other]) == [day(0)]
    assert school_days(MONDAY, 1, [other, other]) == [day(1)]


def test_in_the_holidays_the_first_days_of_the_next_term_in_sight() -> None:
    spring = term(first_day=day(40))
    ended = term(first_day=date(2026, 9, 1), weeks=10)
    assert school_days(MONDAY, 2, [ended, spring])[0] >= day(40)
    assert school_days(MONDAY, 2, [ended]) == []


def wanted(name: str, hours: int, series: str = "") -> Wanted:
    return Wanted(name, f"课 {name}", NOON + timedelta(hours=hours), series)


def test_the_nearest_day_first_and_in_it_the_most_recent() -> None:
    days = [day(0), day(1)]
    series = {day(0): ["fractions"], day(1): ["poems", "fractions"]}
    taught = [
        wanted("a", 1, "fractions"), wanted("b", 5, "fractions"), wanted("c", 9, "poems"),
        wanted("d", 9, "others"),
    ]  # fmt: skip
    recent = [wanted("e", 2), wanted("f", 3), wanted("c", 9, "poems")]
    found = plan(days, series, taught, recent)
    assert [(entry.day, entry.lesson) for entry in found] == [
        (day(0), "b"), (day(0), "a"), (day(0), "c"), (day(0), "f"), (day(0), "e"),
    ]  # fmt: skip
    assert found[0] == Entry(day(0), "b", "课 b", NOON + timedelta(hours=5))
    later = plan(days, series, taught, [])
    assert [(entry.day, entry.lesson) for entry in later][2:] == [(day(1), "c")]


def test_no_more_than_the_limit() -> None:
    many = [wanted(f"{n:03}", n, "s") for n in range(9)]
    assert [e.lesson for e in plan([day(0)], {day(0): ["s"]}, many, [], 2)] == ["008", "007"]
    assert plan([], {}, many, many) == []
