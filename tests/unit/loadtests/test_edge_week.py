"""The week's bench: the goal on its shelf, budgets that hold, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta

import pytest

from loadtests.edge_week import (
    FIRST_WEEK,
    GIB,
    GOAL_POINTS,
    HEAD,
    KINDS,
    LRU,
    OURS,
    REFERENCE_GIB,
    Asked,
    Week,
    bench,
    points,
    reached,
    row,
)
from loadtests.edge_week_boxes import HOURS, LINE_SHARE, Box, Cache, Lru, Ours, Tally
from loadtests.edge_week_school import A_WEEK, DAYS, PEAK_BPS, SOUND, TERM, ZONE, School
from loadtests.edge_week_trace import Bite, Habits, Trace
from streaming.edge.piece import Group, Piece

MONDAY = TERM + timedelta(weeks=FIRST_WEEK)
SMALL = Asked(night_bytes=GIB, habits=Habits(tablets=2), grades=1)
A, B = Group("a", "720p"), Group("b", "720p")


def at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), ZONE)


def test_the_goal_on_the_reference_shelf() -> None:
    asked = Asked()
    week = Week(1, asked)
    lru, ours = (week.run(kind, REFERENCE_GIB * GIB) for kind in (LRU, OURS))
    assert points([ours], [lru])[0] >= GOAL_POINTS
    assert len(ours.nights_bytes) == 7
    assert all(size <= asked.night_bytes for size in ours.nights_bytes)
    assert any(ours.nights_bytes)
    assert sum(ours.days_bytes) < 0.75 * sum(lru.days_bytes)
    assert reached({OURS: [ours], LRU: [lru]}, asked.night_bytes)


def test_the_same_seed_gives_the_same_week_and_another_one_another() -> None:
    tallies = [
        {kind: asdict(week.run(kind, 2 * GIB)) for kind in (LRU, OURS)}
        for week in (Week(1, SMALL), Week(1, SMALL), Week(2, SMALL))
    ]
    assert tallies[0] == tallies[1] != tallies[2]


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_is_from_the_shelf_or_over_the_line(kind: str) -> None:
    tally = Week(3, SMALL).run(kind, GIB)
    assert tally.asked_bytes == tally.hit_bytes + sum(tally.days_bytes)
    assert tally.vain_bytes <= sum(tally.nights_bytes) + GIB
    assert bool(tally.nights_bytes) is KINDS[kind][1]


def test_a_thin_line_bounds_the_night_before_its_budget_does() -> None:
    line_bps = 400_000
    tally = Week(1, replace(SMALL, line_bps=line_bps, night_bytes=100 * GIB)).run(OURS, 50 * GIB)
    paced_bytes = LINE_SHARE * line_bps / 8 * HOURS.duration_s()
    assert 0 < max(tally.nights_bytes) <= 1.01 * paced_bytes


def test_a_night_has_no_more_than_its_budget() -> None:
    asked = replace(SMALL, night_bytes=GIB // 4)
    tally = Week(1, asked).run(OURS, 50 * GIB)
    assert 0.99 * asked.night_bytes < max(tally.nights_bytes) <= asked.night_bytes


class Watched(Ours):
    """Our ledger, and what it was given."""

    def __init__(self) -> None:
        super().__init__(50 * GIB)
        self.given: list[Group] = []

    def put(self, group: Group, piece: Piece, today: date) -> Iterable[Piece] | None:
        self.given.append(group)
        return super().put(group, piece, today)


def test_the_night_before_a_day_brings_that_days_lessons_at_the_rungs_of_the_line() -> None:
    school, cache = School(1, grades=1), Watched()
    Box(school, cache, 8_000_000, 50 * GIB).night(MONDAY)
    tuesdays = {one.lesson.id for one in school.sessions(MONDAY + timedelta(days=1))}
    assert tuesdays <= {group.lesson for group in cache.given}
    assert {group.rendition for group in cache.given} == {"1080p", "720p", SOUND}


@pytest.mark.parametrize("read", [False, True])
def test_what_came_at_night_and_went_unread_is_in_vain(read: bool) -> None:
    school, sunday = School(1, grades=1), MONDAY - timedelta(days=1)
    planned = list(dict.fromkeys(one.lesson for one in school.plan(at(sunday, 22))))
    box = Box(school, Lru(GIB // 2), 8_000_000, GIB)
    box.night(sunday)
    assert box.tally.vain_bytes == 0 < box.tally.nights_bytes[0]
    sound = school.lessons[planned[0]].pieces[SOUND]
    if read:
        box.day(MONDAY, [Bite(0.0, planned[0], SOUND, 0, len(sound))])
    others = [one for one in Trace(school, 1).day(MONDAY) if one.lesson not in planned]
    box.day(MONDAY, others)
    read_bytes = sum(piece.size_bytes for piece in sound) if read else 0
    assert box.tally.vain_bytes == box.tally.nights_bytes[0] - read_bytes


def test_lru_goes_by_piece() -> None:
    cache: Cache = Lru(30)
    pieces = [Piece("k", 10 * number, 10) for number in range(4)]
    assert [cache.put(A, one, MONDAY) for one in pieces[:3]] == [[], [], []]
    cache.use(A, pieces[0])
    cache.pin({A: MONDAY})
    assert cache.put(B, pieces[3], MONDAY) == [pieces[1]]
    assert cache.holds(A, pieces[0])
    assert not cache.holds(A, pieces[1])


def test_a_series_goes_with_the_teaching() -> None:
    school = School(1)
    for session in school.sessions(MONDAY):
        assert session.lesson.published <= session.starts
        assert int(session.lesson.id[-2:]) // A_WEEK == FIRST_WEEK
    planned = school.plan(at(MONDAY, 12))
    assert planned[0].updated == max(one.updated for one in planned if one.day == MONDAY)
    assert all(one.updated <= at(MONDAY, 12) for one in planned)
    whole = School(1, follows=False)
    assert all(one.published < at(TERM, 0) for one in whole.lessons.values() if one.series)


def test_a_school_has_its_weekends_and_classes_that_share_a_lesson() -> None:
    school = School(1)
    assert not list(school.sessions(MONDAY + timedelta(days=5)))
    found = [one for n in range(DAYS) for one in school.sessions(MONDAY + timedelta(days=n))]
    assert len({one.lesson.id for one in found}) < len(found)


def test_a_trace_reads_each_view_in_order_and_with_its_sound() -> None:
    school = School(2, grades=1)
    bites = Trace(school, 2, Habits(tablets=3)).day(MONDAY)
    assert bites == sorted(bites) == Trace(School(2, grades=1), 2, Habits(tablets=3)).day(MONDAY)
    assert {one.rendition for one in bites} == {*PEAK_BPS, SOUND}
    read = sum(one.end - one.first for one in bites if one.rendition == SOUND)
    assert 2 * read == sum(one.end - one.first for one in bites)
    for one in bites:
        assert 0 <= one.first < one.end <= len(school.lessons[one.lesson].pieces[one.rendition])


def test_who_browses_reads_more_of_what_is_liked_and_partly() -> None:
    school = School(1, grades=1)
    bites = Trace(school, 1, Habits(browse_share=0.9)).day(MONDAY)
    sound = [one for one in bites if one.rendition == SOUND]
    begun = [one for one in sound if one.first == 0]
    ended = [one for one in sound if one.end == len(school.lessons[one.lesson].pieces[SOUND])]
    assert 0 < len(ended) < 0.8 * len(begun)


def tally(hit: int, *nights: int) -> Tally:
    return Tally(100, hit, 3 * 10**9, [0, *range(10**9, 6 * 10**9, 10**9)], list(nights))


def test_a_row() -> None:
    ours, lru = [tally(80, GIB, 2 * GIB), tally(90, 0, 0)], [tally(75), tally(80)]
    found = row(50, OURS, ours, lru)
    assert found == (
        "| 50 | ours | 80.0 / 85.0 / 90.0 | +5.0 / +7.5 / +10.0 | 1.0, 2.0, 3.0, 4.0, 5.0 "
        "| 0.8 / 2.0 | 3.0 |"
    )
    assert found.count("|") == HEAD.splitlines()[1].count("|")
    assert "none" in row(50, LRU, lru, lru)


@pytest.mark.parametrize(
    ("hit", "night", "expected"), [(79, 10, True), (78, 10, False), (90, 11, False)]
)
def test_the_goal_is_missed_by_a_point_or_by_a_byte(hit: int, night: int, expected: bool) -> None:
    tallies = {OURS: [tally(99, 10), tally(hit, night)], LRU: [tally(75), tally(75)]}
    assert reached(tallies, 10) is expected


def test_it_prints_all_kinds_and_says_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench([1], [1], replace(SMALL, night_bytes=0)) is False
    printed = capsys.readouterr().out
    assert [line.split(" | ")[1] for line in printed.splitlines()[2:6]] == list(KINDS)
    assert printed.endswith("MISSED\n")
