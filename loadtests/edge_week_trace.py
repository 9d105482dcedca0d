"""What a school watches, minute by minute: classes by their timetable, and who browses. Pure.

In a session the board shows the lesson of the day, in a quarter of them also the one before; in
half of them ten tablets follow, each at its own time. Four of ten sessions are of pupils who look
around at noon, after school and in the evening: by Zipf with 0.9 over all that is published, and
half of them leave early. Boards take 1080p, tablets what their screen and window need.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from random import Random

from loadtests.edge_week_school import SEGMENT_S, SOUND, ZONE, Lesson, School

BITE = 8
AGAIN_SHARE, TABLETS_SHARE, TABLETS = 0.25, 0.5, 10
BROWSE_SHARE, ZIPF, LEAVE_SHARE, STAY_MEAN = 0.4, 0.9, 0.5, 0.25
FREE = ((time(11, 45), 105), (time(15, 40), 110), (time(19), 120))
BOARD = "1080p"
SCREENS, SCREEN_SHARES = ("720p", "480p", "360p"), (0.6, 0.25, 0.15)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a school watches."""

    browse_share: float = BROWSE_SHARE
    tablets: int = TABLETS


@dataclass(frozen=True, slots=True, order=True)
class Bite:
    """About a minute of a rendition that one device reads: pieces `first` up to `end`."""

    at_utc: float
    lesson: str
    rendition: str
    first: int
    end: int


class Trace:
    """The bites of days, the same for the same seed."""

    def __init__(self, school: School, seed: int, habits: Habits | None = None) -> None:
        self._school = school
        self._habits = habits or Habits()
        self._seed = seed
        self._by_rank = list(school.lessons.values())
        Random(f"ranks {seed}").shuffle(self._by_rank)

    def day(self, day: date) -> list[Bite]:
        """Give what is read on a day, by time."""
        rng = Random(f"day {self._seed} {day}")
        found: list[Bite] = []
        views = 0
        for session in self._school.sessions(day):
            lessons = [session.lesson]
            if rng.random() < AGAIN_SHARE:
                lessons.insert(0, session.before)
            follows = rng.random() < TABLETS_SHARE
            for nth, lesson in enumerate(lessons):
                starts = session.starts + timedelta(minutes=4 + 14 * nth)
                for late_s, rendition in self._devices(rng, tablets=follows):
                    found += _view(lesson, rendition, starts.timestamp() + late_s, 1.0)
                    views += 1
        share = self._habits.browse_share
        found += self._browsing(rng, day, round(views * share / (1 - share)))
        return sorted(found)

    def _devices(self, rng: Random, *, tablets: bool) -> Iterator[tuple[float, str]]:
        yield 0.0, BOARD
        for _ in range(self._habits.tablets if tablets else 0):
            yield rng.uniform(60, 400), rng.choices(SCREENS, SCREEN_SHARES)[0]

    def _browsing(self, rng: Random, day: date, views: int) -> Iterator[Bite]:
        noon = datetime.combine(day, time(12), ZONE)
        there = [one for one in self._by_rank if one.published <= noon]
        shares = list(accumulate(1 / rank**ZIPF for rank in range(1, len(there) + 1)))
        for _ in range(views):
            lesson = there[bisect(shares, rng.random() * shares[-1])]
            begins, minutes = rng.choice(FREE)
            starts = datetime.combine(day, begins, ZONE).timestamp()
            rendition = rng.choices(SCREENS, SCREEN_SHARES)[0]
            leaves = rng.random() < LEAVE_SHARE
            stays = min(1.0, rng.expovariate(1 / STAY_MEAN)) if leaves else 1.0
            yield from _view(lesson, rendition, starts + rng.uniform(0, 60 * minutes), stays)


def _view(lesson: Lesson, rendition: str, at_utc: float, share: float) -> Iterator[Bite]:
    """Read the first part of a lesson, with its sound, from its beginning on."""
    count = max(1, round(share * len(lesson.pieces[SOUND])))
    for first in range(0, count, BITE):
        end = min(count, first + BITE)
        for name in (rendition, SOUND):
            yield Bite(at_utc + first * SEGMENT_S, lesson.id, name, first, end)
