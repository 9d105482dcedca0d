"""A lesson over a line that changes: its rungs change when the line does and only then."""

import random
from itertools import pairwise

import pytest

from streaming.edge.cap import Cap, Rung, Stream
from tests.unit.streaming.edge.fluid_line import FluidLine

SEGMENT_S = 2.0
AT_ONCE = 2
RUNGS = (Rung("720p", 2_000_000), Rung("360p", 800_000), Rung("aac", 96_000, sound_only=True))
MBIT = 1_000_000


class School:
    """Fetches each new segment of the rungs that are allowed, at most two at once."""

    def __init__(self, seed: int, lessons: int) -> None:
        self.line = FluidLine(8 * MBIT, seed=seed)
        self.cap = Cap()
        self.lessons = [Stream(str(n), RUNGS) for n in range(lessons)]
        self.decisions: list[tuple[float, tuple[tuple[str, ...], ...]]] = []
        self._queue: list[int] = []
        self._segment = 0

    def run(self, until: float) -> None:
        while self.line.now < until:
            self._decide()
            if self.line.now >= self._segment * SEGMENT_S:
                self._segment += 1
                self._publish()
            self._start()
            self.line.run_until(self.line.now + 0.25)

    def _decide(self) -> None:
        now = self.line.now
        found = self.cap.decide(now, self.lessons, self.line.estimator.estimate_bps)
        self.decisions.append((now, tuple(found[one.id].rungs for one in self.lessons)))

    def _publish(self) -> None:
        """Queue the new segment; what a picture needs beside its sound, 15 % more or less."""
        allowed = self.decisions[-1][1]
        for names in allowed:
            for rung in RUNGS:
                if rung.name in names:
                    sound = 0 if rung.sound_only else RUNGS[-1].bandwidth_bps
                    size = (rung.bandwidth_bps - sound) * SEGMENT_S / 8
                    self._queue.append(int(size * (0.85 + self._segment % 4 / 10)))
        self._queue = self._queue[-20:]

    def _start(self) -> None:
        while self._queue and len(self.line.transfers) < AT_ONCE:
            self.line.fetch(self._queue.pop(0), self._start)

    def changes_of(self, lesson: int, since: float) -> list[tuple[float, tuple[str, ...]]]:
        """Give when a lesson's rungs changed, and to what."""
        known = [(now, rungs[lesson]) for now, rungs in self.decisions if now > since]
        return [two for one, two in pairwise(known) if one[1] != two[1]]


@pytest.mark.parametrize("seed", range(4))
def test_one_lesson_changes_as_often_as_the_line(seed: int) -> None:
    school = School(seed, lessons=1)
    school.run(60)
    assert school.line.estimator.estimate_bps == pytest.approx(8 * MBIT, rel=0.12)
    school.line.rate_bps = 1.6 * MBIT
    school.run(120)
    assert school.line.estimator.estimate_bps == pytest.approx(1.6 * MBIT, rel=0.06)
    school.line.rate_bps = 8 * MBIT
    school.run(300)
    (down_at, low), (up_at, high) = school.changes_of(0, since=15)
    assert low == ("360p", "aac")
    assert high == ("720p", "360p", "aac")
    assert 60 < down_at < 68
    assert 150 < up_at < 190


@pytest.mark.parametrize("seed", range(4))
def test_each_of_three_lessons_changes_as_often_as_the_line(seed: int) -> None:
    school = School(seed, lessons=3)
    school.run(60)
    assert set(school.decisions[-1][1]) == {("720p", "aac")}
    school.line.rate_bps = 3.6 * MBIT
    school.run(150)
    assert set(school.decisions[-1][1]) == {("360p", "aac")}
    school.line.rate_bps = 8 * MBIT
    school.run(330)
    assert set(school.decisions[-1][1]) == {("720p", "aac")}
    for n in range(3):
        assert len(school.changes_of(n, since=59)) == 2


@pytest.mark.parametrize("rate_mbit", [1.6, 2.4, 8.0])
def test_a_line_that_stays_is_decided_within_seconds_and_for_good(rate_mbit: float) -> None:
    school = School(seed=7, lessons=1)
    school.line.rate_bps = rate_mbit * MBIT
    school.run(240)
    assert school.changes_of(0, since=15) == []
    allowed = school.decisions[-1][1][0]
    needed_bps = sum(rung.bandwidth_bps for rung in RUNGS if rung.name in allowed)
    assert needed_bps <= rate_mbit * MBIT


@pytest.mark.parametrize(
    ("least", "lessons", "rate_mbit", "changes"),
    [(0.6, 1, 1.6, 1), (0.6, 1, 3.0, 1), (0.6, 2, 6.0, 1), (0.6, 3, 8.0, 1), (0.4, 2, 6.0, 14)],
)
def test_a_line_that_jumps(least: float, lessons: int, rate_mbit: float, changes: int) -> None:
    school = School(seed=1, lessons=lessons)
    jumps = random.Random(1)
    while school.line.now < 1800:
        school.line.rate_bps = rate_mbit * MBIT * jumps.uniform(least, 1)
        school.run(school.line.now + 0.3)
    assert max(len(school.changes_of(n, since=15)) for n in range(lessons)) <= changes
