from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.people import CITY_ZONE
from streaming.edge.night import (
    DAY_MIN,
    PICTURES,
    SCHOOL_DAYS_AHEAD,
    SHELF_SHARE,
    Choice,
    Entry,
    Hours,
    Plan,
    first_day,
    local,
    make_plan,
    usable,
)
from streaming.edge.piece import Group, Piece

MONDAY = date(2026, 11, 23)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + timedelta(days=n) for n in (1, 2, 3))
NIGHT = Hours(22 * 60, 6 * 60)
SIZES = {"1080p": (2_500_000, 900), "720p": (1_200_000, 400), "360p": (300_000, 100)}
LINE_BPS = 1_600_000


def at(day: date, hour: int, minute: int = 0) -> float:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CITY_ZONE).timestamp()


def pieces(key: str, size_bytes: int, count: int = 2) -> tuple[Piece, ...]:
    return tuple(Piece(key, n * size_bytes, size_bytes) for n in range(count))


def lesson(name: str) -> tuple[Choice, ...]:
    pictures = [
        Choice(rung, bps, pieces(f"{name}/{rung}", size)) for rung, (bps, size) in SIZES.items()
    ]
    return (*pictures, Choice("aac", 64_000, pieces(f"{name}/aac", 20), sound_only=True))


LESSONS = {name: lesson(name) for name in ("maths", "physics", "english", "art")}


def plan(
    *entries: Entry,
    kept: frozenset[Piece] = frozenset(),
    budget_bytes: int = 10**9,
    shelf_bytes: int = 10**9,
) -> Plan:
    return make_plan(
        entries,
        LESSONS,
        lambda group, piece: piece in kept and piece.key.startswith(group.lesson),
        first=MONDAY,
        line_bps=LINE_BPS,
        budget_bytes=budget_bytes,
        shelf_bytes=shelf_bytes,
    )


def groups(found: Plan) -> list[tuple[str, str]]:
    return [(fetch.group.lesson, fetch.group.rendition) for fetch in found.fetches]


def test_hours_that_pass_midnight() -> None:
    inside = [at(MONDAY, 22), at(MONDAY, 23, 59), at(TUESDAY, 0), at(TUESDAY, 5, 59)]
    outside = [at(MONDAY, 21, 59), at(TUESDAY, 6), at(TUESDAY, 12)]
    assert all(NIGHT.within(now) for now in inside)
    assert not any(NIGHT.within(now) for now in outside)
    assert {NIGHT.night_of(now) for now in inside} == {MONDAY}
    assert NIGHT.duration_s() == 8 * 3600


def test_hours_within_a_day_and_none_at_all() -> None:
    early = Hours(60, 300)
    assert early.within(at(MONDAY, 1))
    assert not early.within(at(MONDAY, 5))
    assert early.night_of(at(MONDAY, 2)) == MONDAY
    never = Hours(60, 60)
    assert not any(never.within(at(MONDAY, hour)) for hour in range(24))
    assert never.duration_s() == 0


@pytest.mark.parametrize(("start_min", "end_min"), [(-1, 10), (0, DAY_MIN), (DAY_MIN, 0)])
def test_hours_are_minutes_of_a_day(start_min: int, end_min: int) -> None:
    with pytest.raises(ValueError, match="minutes of a day"):
        Hours(start_min, end_min)


@given(st.integers(0, DAY_MIN - 1), st.integers(0, DAY_MIN - 1), st.integers(0, DAY_MIN - 1))
def test_a_day_is_night_for_as_long_as_the_night_is(start: int, end: int, minute: int) -> None:
    hours = Hours(start, end)
    after_start = (minute - start) % DAY_MIN * 60
    assert hours.within(at(MONDAY, *divmod(minute, 60))) is (after_start < hours.duration_s())


def test_days_are_the_citys() -> None:
    assert local(at(MONDAY, 0, 5)) == (MONDAY, 5)
    assert first_day(at(MONDAY, 3)) == MONDAY
    assert first_day(at(MONDAY, 23)) == TUESDAY


def test_a_school_can_use_two_pictures_that_fit_its_line_and_sound() -> None:
    names = [choice.rendition for choice in usable(LESSONS["maths"], 1_600_000)]
    assert names == ["aac", "360p", "720p"]
    assert [c.rendition for c in usable(LESSONS["maths"], 8_000_000)] == ["aac", "720p", "1080p"]
    assert [c.rendition for c in usable(LESSONS["maths"], 200_000)] == ["aac", "360p"]
    assert [c.rendition for c in usable(LESSONS["maths"], None)] == ["aac", "360p", "720p"]
    assert usable((), 8_000_000) == ()


def test_the_soonest_day_first_and_each_lesson_whole_from_its_sound_on() -> None:
    found = plan(Entry(TUESDAY, ("english",)), Entry(MONDAY, ("maths", "physics")))
    assert groups(found) == [
        ("maths", "aac"),
        ("maths", "360p"),
        ("maths", "720p"),
        ("physics", "aac"),
        ("physics", "360p"),
        ("physics", "720p"),
        ("english", "aac"),
        ("english", "360p"),
        ("english", "720p"),
    ]
    assert found.size_bytes == 3 * 2 * (20 + 100 + 400)
    assert found.left_out_bytes == 0


def test_only_the_next_school_days_and_none_that_is_over() -> None:
    assert SCHOOL_DAYS_AHEAD == 2
    found = plan(
        Entry(MONDAY - timedelta(days=1), ("art",)),
        Entry(WEDNESDAY, ("maths",)),
        Entry(THURSDAY, ("physics",)),
        Entry(THURSDAY + timedelta(days=1), ("english",)),
        Entry(TUESDAY, ()),
    )
    assert {fetch.group.lesson: fetch.day for fetch in found.fetches} == {
        "maths": WEDNESDAY,
        "physics": THURSDAY,
    }


def test_a_lesson_of_both_days_is_fetched_once_and_pinned_for_the_later() -> None:
    found = plan(Entry(MONDAY, ("maths", "maths")), Entry(TUESDAY, ("maths",)))
    assert groups(found) == [("maths", "aac"), ("maths", "360p"), ("maths", "720p")]
    assert {fetch.day for fetch in found.fetches} == {MONDAY}
    assert set(found.pins.values()) == {TUESDAY}


def test_what_is_whole_is_only_pinned_and_what_was_begun_goes_on() -> None:
    whole = LESSONS["maths"][2].pieces + LESSONS["maths"][3].pieces
    begun = LESSONS["maths"][1].pieces[:1]
    found = plan(Entry(MONDAY, ("maths",)), kept=frozenset(whole + begun))
    (fetch,) = found.fetches
    assert fetch.group == Group("maths", "720p")
    assert fetch.pieces == LESSONS["maths"][1].pieces[1:]
    assert fetch.missing_bytes == fetch.size_bytes == 400
    assert len(found.pins) == 3


def test_the_budget_ends_a_night_between_two_pieces() -> None:
    found = plan(Entry(MONDAY, ("maths", "physics")), budget_bytes=1100)
    assert [(f.group.lesson, f.group.rendition, f.size_bytes) for f in found.fetches] == [
        ("maths", "aac", 40),
        ("maths", "360p", 200),
        ("maths", "720p", 800),
        ("physics", "aac", 40),
    ]
    assert found.left_out_bytes == 200 + 800
    partly = plan(Entry(MONDAY, ("maths",)), budget_bytes=150)
    assert partly.fetches[-1].missing_bytes == 200
    assert partly.fetches[-1].size_bytes == 100


def test_a_shelf_keeps_most_of_its_room_for_what_is_watched() -> None:
    whole_bytes = 40 + 200 + 800
    shelf_bytes = int((whole_bytes + 240) / SHELF_SHARE) + 1
    entries = Entry(MONDAY, ("maths", "physics")), Entry(TUESDAY, ("english",))
    found = plan(*entries, shelf_bytes=shelf_bytes)
    expected = [("maths", "aac"), ("maths", "360p"), ("maths", "720p"),
                ("physics", "aac"), ("physics", "360p")]  # fmt: skip
    assert groups(found) == expected
    assert [(group.lesson, group.rendition) for group in found.pins] == expected, "no other pins"
    assert found.left_out_bytes == 800 + whole_bytes, "nothing less urgent takes its place"


def test_what_is_kept_already_counts_as_room_of_the_shelf() -> None:
    kept = frozenset(piece for choice in LESSONS["maths"][1:] for piece in choice.pieces)
    shelf_bytes = int(1040 / SHELF_SHARE) + 1
    found = plan(Entry(MONDAY, ("maths", "physics")), kept=kept, shelf_bytes=shelf_bytes)
    assert not found.fetches
    assert {group.lesson for group in found.pins} == {"maths"}
    assert found.left_out_bytes == 1040
    assert plan(Entry(MONDAY, ("maths",)), shelf_bytes=0).pins == {}


def test_a_lesson_that_nobody_knows_is_told() -> None:
    found = plan(Entry(MONDAY, ("music", "maths")))
    assert found.unknown == ("music",)
    assert len(found.fetches) == 3


@given(
    st.lists(st.tuples(st.integers(0, 3), st.lists(st.sampled_from(list(LESSONS)), max_size=4))),
    st.sets(st.sampled_from([p for c in LESSONS.values() for one in c for p in one.pieces])),
    st.integers(0, 5000),
    st.integers(0, 12_000),
)
def test_nights_add_up_to_everything(
    table: list[tuple[int, list[str]]], kept: set[Piece], budget_bytes: int, shelf_bytes: int
) -> None:
    entries = [Entry(MONDAY + timedelta(days=n), tuple(names)) for n, names in table]
    first = plan(*entries, kept=frozenset(kept), budget_bytes=budget_bytes, shelf_bytes=shelf_bytes)
    brought = [piece for fetch in first.fetches for piece in fetch.pieces]
    assert first.size_bytes <= min(budget_bytes, SHELF_SHARE * shelf_bytes)
    assert len(set(brought)) == len(brought)
    assert not kept & set(brought)
    assert len(first.fetches) <= len(first.pins) <= len(LESSONS) * (PICTURES + 1)
    pinned = (choice for group in first.pins for choice in LESSONS[group.lesson]
              if choice.rendition == group.rendition)  # fmt: skip
    room_bytes = sum(piece.size_bytes for choice in pinned for piece in choice.pieces)
    assert room_bytes <= SHELF_SHARE * shelf_bytes
    second = plan(*entries, kept=frozenset(kept | set(brought)))
    assert second.size_bytes == first.left_out_bytes
    assert first.pins.items() <= second.pins.items()
