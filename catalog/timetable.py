"""The timetable: terms, school weeks and periods (节次), what recurs, and what is too much at once.

Pure. Days and times are the city's (UTC+8, no summer time). Week 1 of a term is the one, Monday to
Sunday, that holds its first day. A day may be taken out (holiday) or follow the timetable of
another weekday (调休: a Saturday that is taught like a Monday).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum

from catalog.errors import Invalid
from catalog.people import CITY_ZONE

WEEKS_LIMIT = 30
PERIODS_LIMIT = 20
SPECIAL_DAYS_LIMIT = 120
YEARS = range(2000, 3000)
DAY_OFF = 0


class Parity(Enum):
    """Which school weeks something recurs in."""

    EVERY = "every"
    ODD = "odd"
    EVEN = "even"

    def holds(self, week: int) -> bool:
        """Tell whether it recurs in the school week of that number."""
        return self is Parity.EVERY or (week % 2 == 1) is (self is Parity.ODD)


@dataclass(frozen=True, slots=True)
class Period:
    """A lesson's place in the day: local start, and how long it lasts."""

    starts: time
    duration_s: int


@dataclass(frozen=True, slots=True)
class Term:
    """A school term. `special` maps a day to the weekday (1-7) it is taught like, or DAY_OFF."""

    first_day: date
    weeks: int
    periods: tuple[Period, ...]
    special: Mapping[date, int] = field(default_factory=dict)

    @property
    def monday(self) -> date:
        """The Monday of week 1."""
        return self.first_day - timedelta(days=self.first_day.weekday())

    def week_of(self, day: date) -> int | None:
        """Give the school week that a day lies in, from 1; None outside the term."""
        week = (day - self.monday).days // 7 + 1
        return week if day >= self.first_day and week <= self.weeks else None

    def weekday_of(self, day: date) -> int:
        """Give the weekday whose timetable holds on a day, or DAY_OFF."""
        return self.special.get(day, day.isoweekday())


@dataclass(frozen=True, slots=True)
class Slot:
    """When something recurs: weekday (1-7), period (from 1), school weeks and their parity."""

    weekday: int
    period: int
    first_week: int
    last_week: int
    parity: Parity = Parity.EVERY


def check_day(day: date, name: str) -> None:
    """Raise Invalid for a day that no calendar of a school shows, where arithmetic may overflow."""
    if day.year not in YEARS:
        raise _wrong(name, f"the year must be {YEARS[0]} to {YEARS[-1]}")


def check_term(term: Term) -> None:
    """Raise Invalid unless the term has weeks and periods in order that do not overlap."""
    check_day(term.first_day, "first_day")
    if not 1 <= term.weeks <= WEEKS_LIMIT:
        raise _wrong("weeks", f"must be 1 to {WEEKS_LIMIT}")
    if not 1 <= len(term.periods) <= PERIODS_LIMIT:
        raise _wrong("periods", f"must be 1 to {PERIODS_LIMIT}")
    if len(term.special) > SPECIAL_DAYS_LIMIT:
        raise _wrong("special_days", f"at most {SPECIAL_DAYS_LIMIT}")
    end_s = 0
    for period in term.periods:
        start_s = (period.starts.hour * 60 + period.starts.minute) * 60 + period.starts.second
        if period.starts.tzinfo is not None or start_s < end_s:
            raise _wrong("periods", "must be local times, one after the other")
        end_s = start_s + period.duration_s


def occurrences(term: Term, slot: Slot) -> list[tuple[float, int]]:
    """Give start (Unix seconds) and duration of each time that the slot takes place, in order.

    Raises: Invalid when the slot does not lie in the term.
    """
    _check_slot(term, slot)
    period = term.periods[slot.period - 1]
    return [
        (datetime.combine(day, period.starts, CITY_ZONE).timestamp(), period.duration_s)
        for day in _days(term, slot)
    ]


def _days(term: Term, slot: Slot) -> Iterable[date]:
    for offset in range(7 * (slot.first_week - 1), 7 * slot.last_week):
        day = term.monday + timedelta(days=offset)
        week = term.week_of(day)
        if week and slot.parity.holds(week) and term.weekday_of(day) == slot.weekday:
            yield day


def _check_slot(term: Term, slot: Slot) -> None:
    if not 1 <= slot.weekday <= 7:
        raise _wrong("weekday", "must be 1 (Monday) to 7 (Sunday)")
    if not 1 <= slot.period <= len(term.periods):
        raise _wrong("period", f"this term has the periods 1 to {len(term.periods)}")
    if not 1 <= slot.first_week <= slot.last_week <= term.weeks:
        raise _wrong("first_week", f"weeks must be in order, from 1 to {term.weeks}")


def peak(wanted: tuple[float, float, int], others: Iterable[tuple[float, float, int]]) -> int:
    """Give the most that is used at once during `wanted`, with it; items are (start, end, uses).

    What ends at an instant is over before what starts then.
    """
    start, end, uses = wanted
    changes: list[tuple[float, int]] = []
    for other_start, other_end, other_uses in others:
        if other_start < end and other_end > start:
            changes += [(max(start, other_start), other_uses), (other_end, -other_uses)]
    most = now = uses
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def _wrong(name: str, what: str) -> Invalid:
    return Invalid(f"{name}: {what}", {name: what})
