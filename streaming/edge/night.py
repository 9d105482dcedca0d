"""What a box fetches at night for the next school days. Pure.

The rule. Lessons of the soonest school day come first, in the order of the plan, each whole: sound,
then the smaller of its rungs, then the better. Rungs are those that the school can use: at most two
pictures that need no more than 0.8 of the line, the largest such, or the smallest there is. What is
kept already is not fetched again, so a night that breaks off is gone on with in the next. A budget
of bytes ends it, between two pieces. No more is planned and pinned than fits 0.4 of the shelf:
a plan has whole series in it, and what was watched lately needs room too.

Figures of a shelf of 20 GiB in a school's week (`python -m loadtests.edge_week`): LRU 67.0 % of the
bytes; without that share 51.3 (each night drove out what the one before had brought), with 0.5 of
the shelf and what makes all lessons playable first 65.6, lesson by lesson 76.1, with 0.4 75.1; on
50 GiB 74.2; 79.2, 83.2, 82.5 and 84.3.

Days and minutes are the city's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from catalog.people import CITY_ZONE
from streaming.edge.cap import SHARE, UNKNOWN_LINE_BPS
from streaming.edge.piece import Group, Piece

DAY_MIN = 24 * 60
NOON_MIN = 12 * 60
SCHOOL_DAYS_AHEAD = 2
PICTURES = 2
SHELF_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Hours:
    """When the night's pieces may come, in minutes of the local day; may pass midnight.

    Nothing is ever within hours that begin when they end.
    """

    start_min: int
    end_min: int

    def __post_init__(self) -> None:
        if not (0 <= self.start_min < DAY_MIN and 0 <= self.end_min < DAY_MIN):
            raise ValueError(f"hours are minutes of a day: 0 to {DAY_MIN - 1}")

    def within(self, now_utc: float) -> bool:
        """Tell whether it is night."""
        minute = local(now_utc)[1]
        if self.start_min <= self.end_min:
            return self.start_min <= minute < self.end_min
        return minute >= self.start_min or minute < self.end_min

    def night_of(self, now_utc: float) -> date:
        """Name the night by the day it began on: what its bytes are counted against."""
        day, minute = local(now_utc)
        passes_midnight = self.start_min > self.end_min
        return day - timedelta(days=1) if passes_midnight and minute < self.end_min else day

    def duration_s(self) -> int:
        """Say how long a night is."""
        return (self.end_min - self.start_min) % DAY_MIN * 60


@dataclass(frozen=True, slots=True)
class Entry:
    """A school day and the lessons that are planned for it, in the order of its periods."""

    day: date
    lessons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A rendition that may be fetched; `bandwidth_bps` with its sound, pieces in order."""

    rendition: str
    bandwidth_bps: int
    pieces: tuple[Piece, ...]
    sound_only: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    """A group to fetch: these pieces, which are not kept yet, for this day.

    `missing_bytes` is what the whole group still needs; more than its pieces where the budget ends.
    """

    group: Group
    day: date
    pieces: tuple[Piece, ...]
    missing_bytes: int

    @property
    def size_bytes(self) -> int:
        """What is to be fetched now."""
        return sum(piece.size_bytes for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fetch in order; what to pin, and until when; bytes that are left out, by the budget
    of the night or since the shelf is too small.

    `unknown` are lessons of the timetable of which nothing is known.
    """

    fetches: tuple[Fetch, ...]
    pins: Mapping[Group, date]
    left_out_bytes: int
    unknown: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """What the night brings."""
        return sum(fetch.size_bytes for fetch in self.fetches)


def local(now_utc: float) -> tuple[date, int]:
    """Give the city's day and the minute of it."""
    found = datetime.fromtimestamp(now_utc, CITY_ZONE)
    return found.date(), 60 * found.hour + found.minute


def first_day(now_utc: float) -> date:
    """Give the first day to prepare for: this one until noon, then the next."""
    day, minute = local(now_utc)
    return day if minute < NOON_MIN else day + timedelta(days=1)


def make_plan(
    entries: Iterable[Entry],
    lessons: Mapping[str, tuple[Choice, ...]],
    holds: Callable[[Group, Piece], bool],
    *,
    first: date,
    line_bps: int | None,
    budget_bytes: int,
    shelf_bytes: int,
) -> Plan:
    """Plan a night that has `budget_bytes` left, for the next school days from `first` on, on a
    shelf that holds `shelf_bytes`.
    """
    days = _days(entries, first)
    fetches: list[Fetch] = []
    pins: dict[Group, date] = {}
    left_bytes, left_out_bytes = budget_bytes, 0
    room_bytes = int(SHELF_SHARE * shelf_bytes)
    for group, (day, last_day, choice) in _wanted(days, lessons, line_bps).items():
        missing = [piece for piece in choice.pieces if not holds(group, piece)]
        missing_bytes = sum(piece.size_bytes for piece in missing)
        room_bytes -= sum(piece.size_bytes for piece in choice.pieces)
        if room_bytes < 0:
            left_out_bytes += missing_bytes
            continue
        pins[group] = last_day
        pieces = _affordable(missing, left_bytes)
        if pieces:
            fetches.append(Fetch(group, day, pieces, missing_bytes))
        taken_bytes = sum(piece.size_bytes for piece in pieces)
        # once something had to be left out, nothing that is less urgent takes its place
        left_bytes = left_bytes - taken_bytes if len(pieces) == len(missing) else 0
        left_out_bytes += missing_bytes - taken_bytes
    asked = dict.fromkeys(lesson for _, planned in days for lesson in planned)
    unknown = tuple(lesson for lesson in asked if lesson not in lessons)
    return Plan(tuple(fetches), pins, left_out_bytes, unknown)


def usable(choices: Iterable[Choice], line_bps: int | None) -> tuple[Choice, ...]:
    """Give what a school can use of a lesson: sound, then pictures from the smaller one on."""
    room_bps = SHARE * (UNKNOWN_LINE_BPS if line_bps is None else line_bps)
    known = sorted(choices, key=lambda choice: choice.bandwidth_bps)
    pictures = [choice for choice in known if not choice.sound_only]
    fitting = [choice for choice in pictures if choice.bandwidth_bps <= room_bps]
    sounds = [choice for choice in known if choice.sound_only]
    return (*sounds, *(fitting[-PICTURES:] or pictures[:1]))


def _days(entries: Iterable[Entry], first: date) -> list[tuple[date, list[str]]]:
    """Gather the next school days, each lesson of a day once."""
    found: dict[date, dict[str, None]] = {}
    for entry in entries:
        if entry.day >= first and entry.lessons:
            found.setdefault(entry.day, {}).update(dict.fromkeys(entry.lessons))
    return [(day, list(found[day])) for day in sorted(found)[:SCHOOL_DAYS_AHEAD]]


def _wanted(
    days: Iterable[tuple[date, list[str]]],
    lessons: Mapping[str, tuple[Choice, ...]],
    line_bps: int | None,
) -> dict[Group, tuple[date, date, Choice]]:
    """Give what is wanted in order, with the first and the last day that wants it."""
    found: dict[Group, tuple[date, date, Choice]] = {}
    for day, planned in days:
        for lesson in planned:
            for choice in usable(lessons.get(lesson, ()), line_bps):
                group = Group(lesson, choice.rendition)
                first = found[group][0] if group in found else day
                found[group] = (first, day, choice)
    return found


def _affordable(pieces: Iterable[Piece], budget_bytes: int) -> tuple[Piece, ...]:
    found = []
    for piece in pieces:
        budget_bytes -= piece.size_bytes
        if budget_bytes < 0:
            break
        found.append(piece)
    return tuple(found)
