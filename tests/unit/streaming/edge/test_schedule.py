import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.edge.schedule import (
    BACKGROUND,
    BURST_S,
    QUIET_S,
    STALE_LIMIT,
    WAITING_LIMIT,
    Crowded,
    Priority,
    Schedule,
    Wish,
)

TEXT, WAITED, NEWEST = Wish(Priority.TEXT), Wish(Priority.WAITED), Wish(Priority.NEWEST)
AHEAD, NIGHT = Wish(Priority.AHEAD), Wish(Priority.NIGHT)
NIGHT_BPS = 800_000


def order(schedule: Schedule[str], now: float = 0.0) -> list[str]:
    """Let everything run, one after another; give the order."""
    found = []
    while started := schedule.start(now):
        for key in started:
            found.append(key)
            schedule.done(key)
    return found


def test_texts_then_who_waits_then_newest_then_ahead() -> None:
    schedule: Schedule[str] = Schedule(media_at_once=1)
    for key, wish in {"ahead": AHEAD, "newest": NEWEST, "waited": WAITED, "text": TEXT}.items():
        schedule.add(0.0, key, wish)
    assert order(schedule) == ["text", "waited", "newest", "ahead"]


def test_of_those_who_wait_whoever_plays_first_then_who_came_first() -> None:
    schedule: Schedule[str] = Schedule(media_at_once=1)
    for key, play_at in {"c": 9.0, "a": 4.0, "d": 9.0, "b": 6.0}.items():
        schedule.add(0.0, key, Wish(Priority.WAITED, play_at))
    assert order(schedule) == ["a", "b", "c", "d"]


def test_two_at_once_and_texts_do_not_count() -> None:
    schedule: Schedule[str] = Schedule()
    for key in "abc":
        schedule.add(0.0, key, WAITED)
    for key in "xyz":
        schedule.add(0.0, key, TEXT)
    assert schedule.start(0.0) == ["x", "y", "z", "a", "b"]
    assert schedule.media_running == 2
    assert schedule.start(0.0) == []
    schedule.done("x")
    assert schedule.start(0.0) == []
    schedule.done("a")
    assert schedule.start(0.0) == ["c"]


def test_read_ahead_leaves_a_place_free() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add(0.0, "a", AHEAD)
    schedule.add(0.0, "b", AHEAD)
    assert schedule.start(0.0) == ["a"]
    schedule.add(1.0, "c", WAITED)
    assert schedule.start(1.0) == ["c"]
    alone: Schedule[str] = Schedule(media_at_once=1)
    alone.add(0.0, "a", AHEAD)
    assert alone.start(0.0) == ["a"]


def test_a_prefetched_piece_that_somebody_waits_for_is_promoted() -> None:
    schedule: Schedule[str] = Schedule(media_at_once=1)
    schedule.add(0.0, "busy", WAITED)
    schedule.start(0.0)
    schedule.add(0.0, "a", AHEAD)
    schedule.add(0.0, "b", AHEAD)
    schedule.promote(1.0, "b", Wish(Priority.WAITED, 5.0))
    schedule.promote(1.0, "b", NEWEST)
    schedule.done("busy")
    assert order(schedule) == ["b", "a"]


def test_a_running_piece_that_is_promoted_gives_its_place_in_the_background_back() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add(0.0, "a", AHEAD)
    schedule.add(0.0, "b", AHEAD)
    assert schedule.start(0.0) == ["a"]
    schedule.promote(0.0, "a", WAITED)
    assert schedule.start(0.0) == ["b"]


def test_what_nobody_wants_is_dropped() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add(0.0, "a", WAITED)
    schedule.drop("a")
    assert "a" not in schedule
    assert schedule.start(0.0) == []
    schedule.add(0.0, "a", AHEAD)
    assert schedule.start(0.0) == ["a"]


def test_what_makes_no_sense_raises() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add(0.0, "a", WAITED)
    with pytest.raises(ValueError, match="promote"):
        schedule.add(0.0, "a", WAITED)
    with pytest.raises(KeyError):
        schedule.done("a")
    with pytest.raises(KeyError):
        schedule.promote(0.0, "b", WAITED)
    schedule.start(0.0)
    with pytest.raises(KeyError):
        schedule.drop("a")
    with pytest.raises(ValueError, match="already"):
        schedule.add(0.0, "a", WAITED)


def test_the_night_keeps_to_its_rate() -> None:
    schedule: Schedule[int] = Schedule(night_bps=NIGHT_BPS)
    for n in range(5):
        schedule.add(0.0, n, NIGHT, size_bytes=1_000_000)
    now, started = 0.0, []
    while schedule.waiting:
        for key in schedule.start(now):
            started.append(now)
            assert schedule.next_deadline() is None, "the one that runs is told of first"
            schedule.done(key)
        deadline = schedule.next_deadline()
        assert deadline is None or deadline > now
        now = deadline or now
    assert started == pytest.approx([0, 10, 20, 30, 40], abs=0.01)


def test_the_bucket_holds_ten_seconds() -> None:
    schedule: Schedule[int] = Schedule()
    schedule.pace_night(0.0, NIGHT_BPS)
    size = NIGHT_BPS // 8
    for n in range(30):
        schedule.add(1000.0, n, NIGHT, size)
    started = 0
    while keys := schedule.start(1000.0):
        started += len(keys)
        schedule.done(keys[0])
    assert started == BURST_S + 1


def test_the_night_has_one_place_and_stops_while_the_school_asks() -> None:
    schedule: Schedule[str] = Schedule(media_at_once=4, night_bps=NIGHT_BPS)
    schedule.add(0.0, "night 1", NIGHT)
    schedule.add(0.0, "night 2", NIGHT)
    assert schedule.start(0.0) == ["night 1"]
    schedule.add(5.0, "pupil", WAITED)
    assert schedule.start(5.0) == ["pupil"]
    schedule.done("night 1")
    schedule.done("pupil")
    assert schedule.start(6.0) == []
    assert schedule.next_deadline() == 5.0 + QUIET_S
    schedule.add(30.0, "text", TEXT)
    assert schedule.start(5.0 + QUIET_S) == ["text", "night 2"]


def test_a_night_piece_that_is_waited_for_is_day() -> None:
    schedule: Schedule[str] = Schedule(night_bps=0)
    schedule.add(0.0, "a", NIGHT)
    schedule.add(0.0, "b", NIGHT)
    assert schedule.start(0.0) == []
    assert schedule.next_deadline() is None
    schedule.promote(9.0, "a", WAITED)
    assert schedule.start(9.0) == ["a"]
    schedule.pace_night(10.0, NIGHT_BPS)
    assert schedule.start(10.0) == []
    assert schedule.next_deadline() == 9.0 + QUIET_S


def test_only_so_many_may_wait() -> None:
    schedule: Schedule[int] = Schedule(night_bps=NIGHT_BPS)
    for n in range(WAITING_LIMIT):
        schedule.add(0.0, n, NIGHT)
    with pytest.raises(Crowded, match="try again"):
        schedule.add(0.0, -1, WAITED)
    assert -1 not in schedule


def test_what_was_dropped_takes_no_memory() -> None:
    schedule: Schedule[int] = Schedule()
    for n in range(100 * STALE_LIMIT):
        schedule.add(0.0, n, NIGHT)
        schedule.drop(n)
    assert sum(len(heap) for heap in schedule._heaps.values()) <= STALE_LIMIT + 2


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "promote", "drop", "done", "start"]),
        st.integers(0, 12),
        st.sampled_from(list(Priority)),
        st.floats(0, 90),
    ),
    max_size=120,
)


@given(steps, st.integers(1, 4))
def test_nothing_is_lost_and_no_place_is_given_twice(
    script: list[tuple[str, int, Priority, float]], at_once: int
) -> None:
    schedule: Schedule[int] = Schedule(at_once, night_bps=10**9)
    waiting: dict[int, Priority] = {}
    running: dict[int, Priority] = {}
    now = 0.0
    for action, key, priority, passed_s in script:
        now += passed_s
        if action == "add" and key not in waiting and key not in running:
            schedule.add(now, key, Wish(priority), 1000)
            waiting[key] = priority
        elif action == "promote" and (key in waiting or key in running):
            schedule.promote(now, key, Wish(priority))
            held = waiting if key in waiting else running
            held[key] = min(priority, held[key])
        elif action == "drop" and key in waiting:
            schedule.drop(key)
            del waiting[key]
        elif action == "done" and key in running:
            schedule.done(key)
            del running[key]
        elif action == "start":
            for started in schedule.start(now):
                running[started] = waiting.pop(started)
            media = [one for one in running.values() if one is not Priority.TEXT]
            assert Priority.TEXT not in waiting.values()
            assert len(media) <= at_once
            urgent = {one for one in waiting.values() if one not in BACKGROUND}
            assert not urgent or len(media) == at_once
            assert schedule.media_running == len(media)
        assert schedule.waiting == len(waiting)
