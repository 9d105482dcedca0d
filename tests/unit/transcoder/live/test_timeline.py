"""A feed's times: bursts, drops, wraps, jumps, two tracks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transcoder.live.flv import Kind
from transcoder.live.timeline import (
    BACKWARD_LIMIT_MS,
    DRIFT_EVERY_MS,
    FORWARD_LIMIT_MS,
    SHIFT_MS,
    SLACK_MS,
    START_MS,
    STEP_MS,
    STEP_TAGS,
    Timeline,
)

A, V = Kind.AUDIO, Kind.VIDEO


def begun(stamp_ms: int = 0, now_ms: int = 1_000) -> Timeline:
    """A timeline on which one picture was placed."""
    timeline = Timeline()
    timeline.join()
    timeline.place(V, stamp_ms, now_ms)
    return timeline


def test_media_time_is_wall_time_whatever_the_stamps_are() -> None:
    timeline = begun(777_000, 1_000)
    assert timeline.place(V, 777_033, 1_090) == 1_033
    assert timeline.place(A, 777_040, 1_095) == 1_040


def test_the_soonest_held_stamp_sets_the_offset() -> None:
    timeline = Timeline()
    timeline.join()
    for stamp, now in ((0, 900), (33, 905), (66, 906), (99, 999)):
        timeline.notice(stamp, now)
    timeline.settle(0)
    assert [timeline.place(V, stamp, 1_000) for stamp in (0, 33, 66, 99)] == [840, 873, 906, 939]


def test_a_burst_before_the_beginning_cannot_be_placed() -> None:
    timeline = Timeline()
    timeline.join()
    for stamp in (0, 500, 1_000):
        timeline.notice(stamp, 50)
    assert not timeline.is_representable(0)
    timeline.notice(1_030, 60)
    assert timeline.is_representable(1_000 + START_MS)
    assert timeline.is_representable(1_000 + START_MS - SHIFT_MS)
    timeline.settle(1_000)
    assert timeline.place(V, 1_000, 60) == START_MS


def test_a_return_goes_on_at_the_wall_clock() -> None:
    timeline = begun(0, 1_000)
    timeline.place(A, 20, 1_020)
    timeline.join()
    assert timeline.place(V, 0, 11_000) == 11_000
    assert timeline.place(A, 5, 11_004) == 11_005


def test_a_takeover_never_goes_back() -> None:
    timeline = begun(0, 1_000)
    timeline.place(V, 900, 1_900)
    timeline.join()
    timeline.notice(0, 1_905)
    timeline.notice(400, 1_905)
    timeline.settle(0)
    assert timeline.place(V, 0, 1_910) == 1_901
    assert timeline.place(A, 10, 1_910) == 1_911


def test_stamps_wrap_at_32_bits() -> None:
    last = (1 << 32) - 10
    timeline = begun(last, 1_000)
    assert timeline.place(V, 23, 1_033) == 1_033
    assert timeline.place(A, last + 5, 1_034) == 1_005
    assert timeline.jumps == 0


def test_a_jump_of_the_stamps_is_no_jump_of_the_times() -> None:
    timeline = begun(60_000, 1_000)
    assert timeline.place(V, 60_000 - BACKWARD_LIMIT_MS - 1, 1_040) == 1_040
    assert timeline.place(A, 59_000, 1_045) == 1_041
    ahead = 58_999 + FORWARD_LIMIT_MS + 100
    assert timeline.place(V, ahead, 1_080) == 1_080
    assert timeline.place(A, ahead + 10, 1_085) == 1_090
    assert timeline.jumps == 2


@given(st.integers(BACKWARD_LIMIT_MS + 1, 1 << 31), st.booleans())
def test_picture_and_sound_whose_clocks_are_apart_do_not_drive_each_other(
    apart_ms: int, sound_is_ahead: bool
) -> None:
    """Sound that comes late by seconds, and two clocks that never were one."""
    timeline, at = begun(0, 1_000), {}
    for now_ms in range(1_040, 9_000, 40):
        at[V] = timeline.place(V, now_ms - 1_000, now_ms)
        sound_ms = now_ms - 1_000 + (apart_ms if sound_is_ahead else -apart_ms)
        at[A] = timeline.place(A, sound_ms % (1 << 32), now_ms)
    assert now_ms - FORWARD_LIMIT_MS <= (at[V] or 0) <= now_ms + SLACK_MS
    assert now_ms - FORWARD_LIMIT_MS <= (at[A] or 0) <= now_ms + SLACK_MS
    assert timeline.jumps + timeline.steps <= 1


def test_sound_that_lags_more_and_more_leaves_the_picture_alone() -> None:
    timeline, sound_ms = begun(0, 1_000), None
    for now_ms in range(1_040, 61_000, 40):
        sound_ms = timeline.place(A, (now_ms - 1_000) * 9 // 10, now_ms)
        assert timeline.place(V, now_ms - 1_000, now_ms) == now_ms
    assert sound_ms == 1_000 + 59_960 * 9 // 10
    assert timeline.jumps == 0


def test_when_both_jump_lip_sync_stays() -> None:
    timeline = begun(60_000, 1_000)
    assert timeline.place(A, 60_010, 1_030) == 1_010
    assert timeline.place(V, 0, 1_060) == 1_060
    assert timeline.place(A, 15, 1_095) == 1_075
    assert timeline.jumps == 1


def test_a_pause_of_publisher_and_clock_is_kept() -> None:
    timeline = begun(0, 1_000)
    assert timeline.place(V, 20_000, 21_010) == 21_000
    assert timeline.jumps == 0


def test_a_backlog_after_a_stall_keeps_its_times() -> None:
    timeline = begun(0, 1_000)
    assert timeline.place(V, 33, 9_000) == 1_033
    assert timeline.place(V, 66, 9_001) == 1_066
    assert timeline.jumps == 0


def test_a_backlog_is_seen_while_tags_are_held() -> None:
    timeline = Timeline()
    timeline.join()
    timeline.notice(0, 1_000)
    timeline.notice(40, 1_040)
    assert timeline.rested_ms(1_300) == 300
    timeline.notice(400, 1_340)
    assert timeline.rested_ms(1_340) == 0
    timeline.notice(440, 1_380 - SLACK_MS)
    assert timeline.rested_ms(1_640) == 300


def test_stamps_that_come_a_little_sooner_lower_the_offset_slowly() -> None:
    timeline = begun(0, 1_000)
    early_ms = SLACK_MS + 3
    found = []
    for stamp in range(40, 5_000, 40):
        now_ms = 1_000 + stamp - early_ms
        found.append(timeline.place(V, stamp, now_ms) - now_ms)  # type: ignore[operator]
    assert found[0] == early_ms - 1
    assert found[-1] == SLACK_MS
    assert found.index(SLACK_MS) == 2 * DRIFT_EVERY_MS // 40
    assert timeline.place(A, 5_000, 6_000) == 6_000 - 3
    assert timeline.steps == 0


def test_what_comes_later_than_the_offset_says_changes_nothing() -> None:
    timeline = begun(0, 1_000)
    assert [timeline.place(V, n, 1_000 + 3 * n) for n in (40, 80, 2_000)] == [1_040, 1_080, 3_000]


def stepped(early_ms: int = STEP_MS + 100) -> Timeline:
    """Picture and sound that came so much too soon, up to the step."""
    timeline = begun(0, 1_000)
    timeline.place(A, 5, 1_005)
    for number in range(1, STEP_TAGS):
        stamp = 40 * number
        assert timeline.place(V, stamp, 1_000 + stamp - early_ms) == 1_000 + stamp
    return timeline


def test_stamps_that_come_far_too_soon_step_back_and_wait_for_free_times() -> None:
    timeline = stepped(600)
    assert timeline.place(V, 200, 600) is None
    assert timeline.steps == 1
    assert timeline.place(A, 210, 610) is None
    assert timeline.place(V, 760, 1_160) is None, "the last picture has 1 160"
    assert timeline.place(A, 765, 1_165) == 1_165, "sound has fewer times to wait for"
    assert timeline.place(V, 800, 1_200) == 1_200
    assert timeline.place(V, 840, 1_240) == 1_240


def test_while_nothing_is_shown_the_offset_follows_at_once() -> None:
    timeline = stepped(600)
    assert timeline.place(V, 200, 600) is None
    assert timeline.place(V, 900, 620) is None
    assert timeline.place(V, 1_600, 1_320) == 1_320


def test_one_strange_stamp_is_no_step() -> None:
    timeline = begun(0, 1_000)
    early_ms = BACKWARD_LIMIT_MS - 100
    for number in range(1, 50):
        strange = number % STEP_TAGS == 0
        timeline.place(V, 40 * number + strange * early_ms, 1_000 + 40 * number)
    assert timeline.steps == 0
    assert timeline.place(V, 5_000, 6_000) in range(5_990, 6_001)


def test_a_return_in_the_midst_of_a_step_begins_anew() -> None:
    timeline = stepped()
    assert timeline.place(V, 200, 600) is None
    timeline.join()
    assert timeline.place(V, 0, 700) == 1_161
    timeline = stepped()
    assert timeline.place(V, 200, 600) is None
    assert timeline.place(V, 90_000, 700) == 1_161, "stamps that jump are given times at once"


@given(
    st.lists(st.tuples(st.integers(0, 8_000), st.integers(1, 40)), max_size=8),
    st.integers(0, 1 << 32),
)
def test_whenever_stamps_were_late_times_come_back_to_the_clock(
    late: list[tuple[int, int]], first: int
) -> None:
    lates_ms = [late_ms for late_ms, count in late for _ in range(count)]
    timeline, now_ms, last_ms = Timeline(), 0, -1
    timeline.join()
    for number in range(len(lates_ms) + 100 * 25):
        late_ms = lates_ms[number] if number < len(lates_ms) else 0
        now_ms = max(now_ms, 1_000 + 40 * number + late_ms)
        time_ms = timeline.place(V, (first + 40 * number) % (1 << 32), now_ms)
        if time_ms is not None:
            assert time_ms > last_ms
            last_ms = time_ms
    assert now_ms - 40 * 3 <= last_ms <= now_ms + SLACK_MS + 40


def test_equal_stamps_still_rise() -> None:
    timeline = begun(0, 1_000)
    assert [timeline.place(V, 0, 1_000) for _ in range(3)] == [1_001, 1_002, 1_003]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([A, V]),
            st.integers(0, (1 << 32) - 1),
            st.integers(0, 5_000),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_times_of_a_track_always_rise(stamps: list[tuple[Kind, int, int, bool]]) -> None:
    timeline, now_ms, last = Timeline(), 0, {A: -1, V: -1}
    for kind, stamp, step, joins in stamps:
        now_ms += step
        if joins:
            timeline.join()
        time_ms = timeline.place(kind, stamp, now_ms)
        if time_ms is not None:
            assert time_ms > last[kind]
            last[kind] = time_ms
