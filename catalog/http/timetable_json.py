"""Terms and timetables as JSON: what is asked, and what is shown."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated

import msgspec
from msgspec import Meta

from catalog.db.timetable import TermRecord, TimetableRecord
from catalog.http.lesson_json import Named
from catalog.http.listing import CURSOR_LIMIT_CHARS, PAGE_ITEMS, Id, IdOrNone, Limit
from catalog.http.sessions_json import Duration, WhatIsTaught
from catalog.timetable import (
    DAY_OFF,
    PERIODS_LIMIT,
    SPECIAL_DAYS_LIMIT,
    WEEKS_LIMIT,
    Parity,
    Period,
    Term,
    check_term,
)

Weekday = Annotated[int, Meta(ge=1, le=7)]
Week = Annotated[int, Meta(ge=1, le=WEEKS_LIMIT)]


class PeriodJson(msgspec.Struct, forbid_unknown_fields=True):
    """A lesson's place in the day: local time, such as 08:00:00, and seconds."""

    starts: time
    duration_s: Duration


class SpecialDay(msgspec.Struct, forbid_unknown_fields=True):
    """A holiday (weekday 0), or a day that is taught like another weekday (1-7)."""

    day: date
    weekday: Annotated[int, Meta(ge=DAY_OFF, le=7)] = DAY_OFF


class NewTerm(msgspec.Struct, forbid_unknown_fields=True):
    """A term to add: the city's, or a school's own."""

    name: str
    first_day: date
    weeks: Week
    periods: Annotated[list[PeriodJson], Meta(min_length=1, max_length=PERIODS_LIMIT)]
    special_days: Annotated[list[SpecialDay], Meta(max_length=SPECIAL_DAYS_LIMIT)] = []
    school: Id | None = None


class TermJson(msgspec.Struct, kw_only=True):
    """A term; `this_week` is the school week of today, null outside of the term."""

    id: str
    name: str
    school: Named | None
    first_day: date
    weeks: int
    this_week: int | None
    periods: list[PeriodJson]
    special_days: list[SpecialDay]


class TermQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The city's terms, and those of a school."""

    school: IdOrNone = ""


class NewTimetable(WhatIsTaught, kw_only=True, forbid_unknown_fields=True):
    """What recurs in a term: on a weekday, in a period, in some of its weeks."""

    term: Id
    weekday: Weekday
    period: Annotated[int, Meta(ge=1, le=PERIODS_LIMIT)]
    first_week: Week
    last_week: Week
    parity: Parity = Parity.EVERY


class TimetableJson(msgspec.Struct, kw_only=True):
    """What recurs; `sessions` were made, `ahead` of them are still scheduled."""

    id: str
    term: Named
    school: Named | None
    title: str
    weekday: int
    period: int
    first_week: int
    last_week: int
    parity: str
    sessions: int
    ahead: int


class TimetableQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which timetables."""

    term: IdOrNone = ""
    school: IdOrNone = ""
    cursor: Annotated[str, Meta(max_length=CURSOR_LIMIT_CHARS)] = ""
    limit: Limit = PAGE_ITEMS


def term_of(asked: NewTerm) -> Term:
    """Give the term that is asked for. Raises: Invalid."""
    term = Term(
        asked.first_day, asked.weeks,
        tuple(Period(p.starts, p.duration_s) for p in asked.periods),
        {item.day: item.weekday for item in asked.special_days},
    )  # fmt: skip
    check_term(term)
    return term


def _school(record: TermRecord | TimetableRecord) -> Named | None:
    return Named(record.school_id, record.school_name or "") if record.school_id else None


def timetable_json(record: TimetableRecord) -> TimetableJson:
    """Give a timetable as it is shown."""
    slot = record.slot
    return TimetableJson(
        id=record.id, term=Named(record.term_id, record.term_name), school=_school(record),
        title=record.title, weekday=slot.weekday, period=slot.period, first_week=slot.first_week,
        last_week=slot.last_week, parity=slot.parity.value, sessions=record.sessions,
        ahead=record.ahead,
    )  # fmt: skip


def term_json(record: TermRecord, day: date) -> TermJson:
    """Give a term as it is shown on that day."""
    term = record.term
    return TermJson(
        id=record.id, name=record.name, school=_school(record), first_day=term.first_day,
        weeks=term.weeks, this_week=term.week_of(day),
        periods=[PeriodJson(p.starts, p.duration_s) for p in term.periods],
        special_days=[SpecialDay(at, like) for at, like in sorted(term.special.items())],
    )  # fmt: skip
