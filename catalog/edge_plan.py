"""What the night should bring into a school: its next days of school, and lessons for them. Pure.

A day is a school day when the term that holds for the school says so (holidays, 调休), and from
Monday to Friday where there is no term. The lessons of a day are those of the series that its
sessions belong to; what the school's partners published lately is for the first day. Nearest day
first, within a day the most recent first; nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from catalog.timetable import DAY_OFF, Term

DAYS = 2
DAYS_LIMIT = 14
LOOK_AHEAD_DAYS = 70
LESSONS_LIMIT = 300
LAST_WEEKDAY = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A lesson that may be fetched; `series` is "" for one that stands alone."""

    lesson: str
    title: str
    updated: datetime
    series: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A lesson to have on a day."""

    day: date
    lesson: str
    title: str
    updated: datetime


def school_days(today: date, count: int, terms: Sequence[Term]) -> list[date]:
    """Give today, if it is one, and the next school days: `count` in all, fewer in holidays."""
    found: list[date] = []
    for ahead in range(LOOK_AHEAD_DAYS):
        day = today + timedelta(days=ahead)
        if _is_school_day(day, terms):
            found.append(day)
        if len(found) == count:
            break
    return found


def _is_school_day(day: date, terms: Sequence[Term]) -> bool:
    holding = [term for term in terms if term.week_of(day) is not None]
    if not holding:
        return not terms and day.isoweekday() <= LAST_WEEKDAY
    weekdays = [term.weekday_of(day) for term in holding]
    return any(
        weekday != DAY_OFF and (weekday <= LAST_WEEKDAY or day in term.special)
        for weekday, term in zip(weekdays, holding, strict=True)
    )


def plan(
    days: Sequence[date],
    series: Mapping[date, Iterable[str]],
    taught: Sequence[Wanted],
    recent: Sequence[Wanted],
    limit: int = LESSONS_LIMIT,
) -> list[Entry]:
    """Give what to fetch for these days. `series`: those of each day's sessions."""
    entries: dict[str, Entry] = {}
    for entry in _in_order(days, series, taught, recent):
        if len(entries) >= limit:
            break
        entries.setdefault(entry.lesson, entry)
    return list(entries.values())


def _in_order(
    days: Sequence[date],
    series: Mapping[date, Iterable[str]],
    taught: Sequence[Wanted],
    recent: Sequence[Wanted],
) -> Iterator[Entry]:
    for index, day in enumerate(days):
        own = frozenset(series.get(day, ()))
        yield from _entries(day, [item for item in taught if item.series in own])
        if index == 0:
            yield from _entries(day, recent)


def _entries(day: date, found: Iterable[Wanted]) -> Iterator[Entry]:
    newest_first = sorted(found, key=lambda item: (item.updated, item.lesson), reverse=True)
    return (Entry(day, item.lesson, item.title, item.updated) for item in newest_first)
