"""What foreign players may take of the line, and when, with times written down."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.edge.cap import Allowed, Rung, Stream, Why
from streaming.edge.pace import (
    ACTIVE_S,
    GRAIN_LEAST_BYTES,
    HEADROOM,
    LEAST,
    LEAST_BESIDE_LIVE,
    STREAMS_LIMIT,
    VIEWERS_LIMIT,
    Paces,
    Share,
    grain_bytes,
    share_of,
)

LOW, HIGH = Rung("low", 800_000), Rung("high", 2_000_000)
SOUND = Rung("sound", 64_000, sound_only=True)
LESSON = Stream("lesson", (LOW, HIGH, SOUND))
OTHER = Stream("other", (LOW, HIGH, SOUND))
LIVE = Stream("live", (LOW, HIGH, SOUND))
SHARE = Share(each_bps=800_000, together_bps=1_600_000)  # 100 kB/s each


def only(*names: str) -> Allowed:
    return Allowed((*names, "sound"), True, Why.LINE)


def test_who_is_alone_on_the_line_may_have_it() -> None:
    assert share_of("lesson", [LESSON], {}, 6_400_000) is None
    capped = {"lesson": only("low")}
    assert share_of("lesson", [LESSON], capped, 1_280_000) is None
    assert share_of("lesson", [], {}, 6_400_000, limited=True) is None


def test_an_operators_part_of_the_line_is_nobodys() -> None:
    found = share_of("lesson", [LESSON], {}, 6_400_000, limited=True)
    assert found == Share(int(HEADROOM * 2_000_000), 6_400_000)


def test_others_leave_room_for_one_best_rung_and_some_more() -> None:
    allowed = {"lesson": only("high"), "live": only("high")}
    found = share_of("lesson", [LESSON, LIVE], allowed, 6_400_000, {"live"})
    assert found == Share(3_500_000, 4_400_000)
    found = share_of("lesson", [LESSON, LIVE], {}, 6_400_000, {"live"})
    assert found == Share(3_500_000, 3_600_000)


def test_hlsjs_sees_that_it_can_have_the_best_rung_and_none_above() -> None:
    found = share_of("lesson", [LESSON, LIVE], {"lesson": only("low")}, 6_400_000, {"live"})
    assert found is not None
    assert LOW.bandwidth_bps <= 0.7 * found.each_bps < HIGH.bandwidth_bps


def test_on_a_thin_line_a_player_can_follow_but_beside_live_it_gives_way() -> None:
    allowed = {"lesson": only("low"), "other": only("low"), "live": only("low")}
    beside_lesson = share_of("lesson", [LESSON, OTHER], allowed, 1_000_000, {"live"})
    assert beside_lesson == Share(1_400_000, int(LEAST * 800_000))
    beside_live = share_of("lesson", [LESSON, LIVE], allowed, 900_000, {"live"})
    assert beside_live == Share(1_400_000, int(LEAST_BESIDE_LIVE * 800_000))


def test_what_is_in_the_school_needs_no_line() -> None:
    whole = Stream("other", (Rung("low", 800_000, whole_in_cache=True), SOUND))
    assert share_of("lesson", [LESSON, whole], {}, 1_000_000) is None
    assert share_of("other", [LESSON, whole], {}, 1_000_000) is None


def test_pieces_of_a_viewer_go_one_behind_the_other() -> None:
    paces = Paces()
    first = paces.book(100.0, "lesson", "pupil", 200_000, SHARE)
    assert (first.begin_at, first.due_at(50_000), first.due_at(200_000)) == (100.0, 100.5, 102.0)
    second = paces.book(100.1, "lesson", "pupil", 100_000, SHARE)
    assert (second.begin_at, second.due_at(100_000)) == (102.0, 103.0)
    later = paces.book(110.0, "lesson", "pupil", 100_000, SHARE)
    assert later.begin_at == 110.0


def test_viewers_share_evenly_what_is_for_all_of_them() -> None:
    paces = Paces()
    for number in range(4):
        found = paces.book(0.0, "lesson", f"pupil {number}", 100_000, SHARE)
        assert found.begin_at == 0.0
        assert found.bps == min(800_000, 1_600_000 / (number + 1))
    paces.book(0.0, "another", "pupil 9", 100_000, SHARE)
    assert paces.book(0.0, "lesson", "pupil 0", 1, SHARE).bps == 400_000
    late = 2.0 + ACTIVE_S + 1.0
    assert paces.book(late, "lesson", "pupil 0", 100_000, SHARE).bps == 800_000


def test_what_was_given_up_is_not_counted() -> None:
    paces = Paces()
    first = paces.book(0.0, "lesson", "pupil", 200_000, SHARE)
    paces.give_back(0.5, "lesson", "pupil", first, 150_000)
    assert paces.book(0.5, "lesson", "pupil", 100_000, SHARE).begin_at == 0.5
    second = paces.book(0.5, "lesson", "pupil", 100_000, SHARE)
    assert second.begin_at == 1.5
    paces.give_back(2.0, "lesson", "pupil", second, 100_000)
    assert paces.book(2.0, "lesson", "pupil", 1, SHARE).begin_at == 2.0
    paces.give_back(2.0, "lesson", "nobody", second, 100_000)
    paces.give_back(2.0, "nothing", "pupil", second, 100_000)


def test_no_more_is_remembered_than_limits() -> None:
    paces = Paces()
    for number in range(VIEWERS_LIMIT + 10):
        paces.book(0.0, "lesson", str(number), 1, SHARE)
    assert len(paces) == VIEWERS_LIMIT
    for number in range(STREAMS_LIMIT):
        paces.book(0.0, str(number), "pupil", 1, SHARE)
    assert len(paces) == STREAMS_LIMIT


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.integers(0, 2), st.integers(1, 300_000), st.booleans()),
        max_size=40,
    )
)
def test_nobody_has_more_by_any_time_than_the_rate_allows(
    asked: list[tuple[float, int, int, bool]],
) -> None:
    paces, now = Paces(), 0.0
    spans: dict[int, list[tuple[float, float]]] = {0: [], 1: [], 2: []}
    for pause_s, viewer, size_bytes, gives_up in asked:
        now += pause_s
        found = paces.book(now, "lesson", str(viewer), size_bytes, SHARE)
        if gives_up:
            paces.give_back(now, "lesson", str(viewer), found, size_bytes)
        else:
            spans[viewer].append((found.begin_at, found.due_at(size_bytes)))
            assert found.begin_at >= now
            assert found.bps <= SHARE.each_bps
    for booked in spans.values():
        for (_, ended_at), (begun_at, _) in pairwise(booked):
            assert begun_at >= ended_at - 1e-6


@pytest.mark.parametrize(("bps", "size_bytes"), [(8_000_000, 100_000), (80_000, GRAIN_LEAST_BYTES)])
def test_a_grain_is_a_tenth_of_a_second(bps: int, size_bytes: int) -> None:
    assert grain_bytes(bps) == size_bytes
