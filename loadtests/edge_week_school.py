"""The school of the week's bench: its timetable, its series, and what the city has to watch. Pure.

Six grades of two classes; 30 periods a week in six subjects, and in half of them a session of the
series of that grade and subject. A series goes with the teaching: three micro-videos a week, which
are published on the Friday before. Beside them there are long lessons by well-known teachers, and
every school day one that a partner school has published. All rungs are ours (`transcoder`: camera),
segments of 8 s; a lesson's bytes vary from segment to segment, by the same factors in all rungs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from random import Random
from zoneinfo import ZoneInfo

from catalog.edge_plan import Entry as Planned
from catalog.edge_plan import Wanted, plan, school_days
from streaming.edge.night import Choice
from streaming.edge.piece import Group, Piece

ZONE = ZoneInfo("Asia/Shanghai")
TERM = date(2026, 8, 31)
WEEKS = 20
GRADES, CLASSES, PERIODS, DAYS = 6, 2, 6, 5
STARTS = (time(8), time(8, 55), time(10), time(10, 55), time(14), time(14, 55))
LASTS = timedelta(minutes=40)
SUBJECTS = {"语文": 8, "数学": 7, "英语": 5, "科学": 4, "道德与法治": 3, "美术": 3}
A_WEEK = 3
LONG_LESSONS, LONG_S = 120, 2400
SHORT_S = (180, 720)
RECENT = timedelta(days=14)
PLAN_DAYS = 3
SEGMENT_S = 8
PEAK_BPS = {"1080p": 2_500_000, "720p": 1_200_000, "480p": 600_000, "360p": 300_000}
SOUND, SOUND_BPS = "aac", 64_000
MEAN, SPREAD = 0.6, 0.35


@dataclass(frozen=True)
class Lesson:
    """What can be watched, in all its rungs."""

    id: str
    duration_s: int
    published: datetime
    series: str = ""

    @cached_property
    def pieces(self) -> dict[str, tuple[Piece, ...]]:
        """Give the pieces of each rendition."""
        rng = Random(self.id)
        count = -(-self.duration_s // SEGMENT_S)
        factors = [min(1 / MEAN, rng.lognormvariate(0.0, SPREAD)) for _ in range(count)]
        found = {}
        for name, peak_bps in PEAK_BPS.items():
            found[name] = _pieces(f"{self.id}/{name}", [MEAN * peak_bps * one for one in factors])
        found[SOUND] = _pieces(f"{self.id}/{SOUND}", [SOUND_BPS] * count)
        return found

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """Give it as the night sees it."""
        pictures = [
            Choice(name, peak_bps + SOUND_BPS, self.pieces[name])
            for name, peak_bps in PEAK_BPS.items()
        ]
        return (*pictures, Choice(SOUND, SOUND_BPS, self.pieces[SOUND], sound_only=True))

    def group(self, rendition: str) -> Group:
        """Name a rendition."""
        return Group(self.id, rendition)


@dataclass(frozen=True, slots=True)
class Session:
    """A class that has a session of a series, and the lesson that it comes to."""

    starts: datetime
    series: str
    lesson: Lesson
    before: Lesson


class School:
    """The timetable of a term and the lessons of the city."""

    def __init__(self, seed: int, *, follows: bool = True, grades: int = GRADES) -> None:
        """`follows`: series are published week by week; else as a whole before the term."""
        self._rng = Random(f"school {seed}")
        self._seed, self._follows, self._grades = seed, follows, grades
        self.lessons: dict[str, Lesson] = {}
        self._series: dict[str, list[Lesson]] = {}
        self._partners: list[Lesson] = []
        self._found_lessons()
        self._grids = {
            (grade, one): self._grid() for grade in range(grades) for one in range(CLASSES)
        }

    def sessions(self, day: date) -> Iterator[Session]:
        """Give a day's sessions by start."""
        week, weekday = divmod((day - TERM).days, 7)
        if weekday >= DAYS:
            return
        for period, starts in enumerate(STARTS):
            for (grade, _), grid in self._grids.items():
                found = grid.get((weekday, period))
                if found is not None:
                    subject, share = found
                    series = f"{grade + 1}年级{subject}"
                    number = A_WEEK * week + int(A_WEEK * share)
                    own = self._series[series]
                    at = datetime.combine(day, starts, ZONE)
                    yield Session(at, series, own[number], own[max(0, number - 1)])

    def plan(self, now: datetime) -> list[Planned]:
        """Give what the city plans for the school's next days, by its own rule."""
        days = school_days(now.date(), PLAN_DAYS, [])
        series = {
            day: [one.series for one in self.sessions(day) if one.starts + LASTS > now]
            for day in days
        }
        named = {name for names in series.values() for name in names}
        taught = [one for name in sorted(named) for one in self._series[name]]
        recent = [one for one in self._partners if one.published > now - RECENT]
        return plan(days, series, _wanted(taught, now), _wanted(recent, now))

    def _found_lessons(self) -> None:
        friday = datetime.combine(TERM, time(18), ZONE) - timedelta(days=3)
        for grade in range(self._grades):
            for subject in SUBJECTS:
                name = f"{grade + 1}年级{subject}"
                self._series[name] = [
                    self._add(f"{name}-{number:02}", self._rng.randint(*SHORT_S),
                              friday + timedelta(weeks=self._follows * (number // A_WEEK)), name)
                    for number in range(A_WEEK * WEEKS)
                ]  # fmt: skip
        for number in range(LONG_LESSONS):
            self._add(f"名师-{number:03}", LONG_S, friday)
        for number in range(7 * WEEKS):
            if number % 7 < DAYS:
                evening = datetime.combine(TERM + timedelta(days=number), time(18), ZONE)
                self._partners.append(self._add(f"结对-{number:03}", LONG_S, evening))

    def _add(self, name: str, duration_s: int, published: datetime, series: str = "") -> Lesson:
        found = Lesson(f"{self._seed}/{name}", duration_s, published, series)
        self.lessons[found.id] = found
        return found

    def _grid(self) -> Mapping[tuple[int, int], tuple[str, float]]:
        """Lay out a class's week: which subject has a session when, how far it is in its week."""
        slots = [(day, period) for day in range(DAYS) for period in range(PERIODS)]
        self._rng.shuffle(slots)
        found = {}
        for subject, count in SUBJECTS.items():
            own = sorted(slots.pop() for _ in range(count))[::2]
            for nth, slot in enumerate(own):
                found[slot] = (subject, nth / len(own))
        return found


def _wanted(lessons: list[Lesson], now: datetime) -> list[Wanted]:
    return [
        Wanted(one.id, one.id, one.published, one.series)
        for one in lessons
        if one.published <= now
    ]  # fmt: skip


def _pieces(key: str, rates_bps: list[float]) -> tuple[Piece, ...]:
    found, offset = [], 0
    for rate_bps in rates_bps:
        found.append(Piece(key, offset, int(rate_bps * SEGMENT_S / 8)))
        offset = found[-1].end
    return tuple(found)
