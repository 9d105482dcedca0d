"""The capacity model against sums done by hand, and what must hold whatever was measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.capacity import (
    CLASSROOMS,
    PLAY_SHARE,
    Delivery,
    Machine,
    Measured,
    Programme,
    Resource,
    Way,
    cores_to_play_within,
    cores_without_queue,
    join_wait_s,
    need,
    programmes,
    until_playing_s,
)
from loadtests.capacity_assumptions import ASSUMPTIONS, FILL, LIVE_BPS

WS = Delivery(1000, 250e6, 0.002, 20_000, 0.1)
HLS = Delivery(500, 125e6, 0.004, 40_000, 0.2)
CLASSROOM = replace(WS, viewers_a_core=400)
RECORDED = Delivery(1000, 250e6, 0.05, 30_000, 0.15)
MEASURED = Measured(WS, HLS, CLASSROOM, RECORDED, 0.02, 0.2, 0.03, 0.02, 200e6, 5e6, 60e6)
LESSON = Programme("a lesson", "一节课", 1, 0, Way.WS, 100, LIVE_BPS.value, 10.0)

deliveries = st.builds(
    Delivery, st.floats(10, 5000), st.floats(1e6, 1e9), st.floats(1e-4, 0.1),
    st.floats(1e3, 1e6), st.floats(0.001, 1),
)  # fmt: skip
machines = st.builds(
    Measured, deliveries, deliveries, deliveries, deliveries, st.floats(0.001, 0.1),
    st.floats(0.1, 1.0), st.floats(0.001, 0.1), st.floats(0.001, 0.1),
    st.floats(1e7, 1e9), st.floats(1e5, 1e8), st.floats(1e5, 1e8),
)  # fmt: skip
lessons = st.builds(
    Programme, st.just("x"), st.just("课"), st.integers(1, 300), st.floats(0, 1),
    st.sampled_from([Way.WS, Way.HLS, Way.CLASSROOM]), st.integers(1, 3000),
    st.just(LIVE_BPS.value), st.floats(1, 600),
)  # fmt: skip


def test_a_lesson_by_hand() -> None:
    found = need(MEASURED, LESSON)
    assert found.session_cores == pytest.approx(0.02)
    assert found.viewer_cores == pytest.approx(0.1)
    assert found.cores == pytest.approx(0.12 / 0.8)
    assert found.processes == 1
    assert found.memory_bytes == pytest.approx(200e6 + 5e6 + 100 * 20_000)
    assert found.out_bps == pytest.approx(212_800_000)


def test_pairs_by_hand() -> None:
    pairs = need(MEASURED, programmes()[0])
    # a pair's own lesson, and what encoding adds to a lesson; classrooms with their room
    assert pairs.session_cores == pytest.approx(270 * (0.03 + 0.2 - 0.02))
    assert pairs.viewer_cores == pytest.approx(540 / 400)
    # the loops have 270 × 0.02 + 1.35 cores to do, each process up to 0.8
    assert pairs.processes == 9
    assert pairs.cores == pytest.approx((56.7 + 1.35) / 0.8)
    assert pairs.memory_bytes == pytest.approx(9 * 200e6 + 270 * 60e6 + 540 * 20_000)


def test_what_the_database_does_for_viewers_needs_no_loop() -> None:
    half = replace(MEASURED, classroom=replace(CLASSROOM, loop_share=0.1))
    # the loops have 270 × 0.02 + 0.135 cores to do
    assert need(half, programmes()[0]).processes == 7
    assert need(half, programmes()[0]).cores == need(MEASURED, programmes()[0]).cores


def test_one_to_all_is_spread_over_processes_and_that_costs_a_viewer_each() -> None:
    everybody = need(MEASURED, programmes()[1])
    assert everybody.processes == 2
    assert everybody.cores == pytest.approx((0.2 + 1.4 + 0.001) / 0.8)
    assert everybody.out_bps == pytest.approx(CLASSROOMS * LIVE_BPS.value)


def test_a_recording_goes_by_its_bytes() -> None:
    evening = need(MEASURED, programmes()[3])
    assert evening.session_cores == 0
    assert evening.viewer_cores == pytest.approx(7500 * 1.5e6 / 8 / 250e6)
    assert evening.out_bps == pytest.approx(11.25e9)


def test_what_saturates_first_goes_by_the_machine() -> None:
    evening = need(MEASURED, programmes()[3])
    assert evening.saturates_first(Machine(cores=16)) is Resource.LINE
    assert evening.saturates_first(Machine(cores=4, out_bps=100e9)) is Resource.CORES
    assert evening.saturates_first(Machine(memory_bytes=2e8)) is Resource.MEMORY
    assert evening.shares(Machine())[Resource.LINE] == pytest.approx(1.125)
    assert [evening.machines(Machine(cores=one)) for one in (16, 2)] == [2, 4]
    assert need(MEASURED, LESSON).machines(Machine()) == 1


def test_with_room_the_last_of_95_percent_waits_for_nobody() -> None:
    assert until_playing_s(MEASURED, LESSON, 4) == pytest.approx(0.95 * 10 + WS.join_s)


def test_a_queue_of_joins_by_hand() -> None:
    # 1000 a second come, each costs 0.01 CPU-s; watching is as good as free: 0.8 cores serve 80 /s
    free = replace(MEASURED, ws=replace(WS, viewers_a_core=1e12, join_cpu_s=0.01),
                   copied_session_cores=1e-12)  # fmt: skip
    storm = replace(LESSON, viewers=1000, join_within_s=1.0)
    found = until_playing_s(free, storm, 1)
    assert found == pytest.approx(950 / 80 + WS.join_s, rel=1e-3)


def test_the_queue_is_what_a_step_by_step_sum_gives() -> None:
    storm = replace(LESSON, viewers=900, join_within_s=2.0)
    cores, step_s = 1.3, 0.0005
    served = came = at_s = 0.0
    while served < PLAY_SHARE * 900:
        came = min(900.0, came + 450 * step_s)
        left = cores * FILL.value - 0.02 - served / 1000
        served = min(came, served + left / WS.join_cpu_s * step_s)
        at_s += step_s
    found = until_playing_s(MEASURED, storm, cores)
    assert found > 0.95 * 2 + WS.join_s + 0.5
    assert found == pytest.approx(at_s + WS.join_s, rel=0.01)


def test_who_cannot_watch_never_plays() -> None:
    everybody = programmes()[2]
    assert until_playing_s(MEASURED, everybody, 1) == math.inf
    assert until_playing_s(MEASURED, replace(everybody, viewers=0), 1) == 0


def test_cores_for_a_time() -> None:
    storm = programmes()[2]
    cores = cores_to_play_within(MEASURED, storm, 6.0)
    assert until_playing_s(MEASURED, storm, cores) <= 6.0
    assert until_playing_s(MEASURED, storm, cores - 1) > 6.0 or cores == math.ceil(
        need(MEASURED, storm).cores
    )
    with pytest.raises(ValueError, match="no machine"):
        cores_to_play_within(MEASURED, storm, 4.0)


def test_the_point_from_which_nobody_queues_by_hand() -> None:
    # ten joins a second of 2 ms each, 95 who watch at 1000 a core, and the lesson's 0.02 cores
    cores = cores_without_queue(MEASURED, LESSON)
    assert cores == pytest.approx((0.02 + 0.095 + 0.02) / 0.8)
    assert join_wait_s(MEASURED, LESSON, cores) == pytest.approx(WS.join_s)
    assert join_wait_s(MEASURED, LESSON, 0.99 * cores) > 1.04 * WS.join_s
    assert join_wait_s(MEASURED, LESSON, (0.02 + 0.095) / 0.8) == math.inf


def test_the_wait_is_one_s_own_however_long_joining_takes() -> None:
    slowly = replace(LESSON, join_within_s=600.0)
    assert join_wait_s(MEASURED, slowly, 4) == pytest.approx(WS.join_s)
    assert join_wait_s(MEASURED, replace(LESSON, viewers=0), 4) == 0


@given(machines, lessons, st.floats(1.001, 4))
def test_nobody_queues_from_that_point_on(
    measured: Measured, asked: Programme, times: float
) -> None:
    cores = cores_without_queue(measured, asked) * times
    wait_s = join_wait_s(measured, asked, cores)
    assert wait_s == pytest.approx(measured.of(asked.way).join_s, abs=1e-6 * asked.join_within_s)


@given(machines, lessons, st.floats(0.1, 500), st.floats(1, 4))
def test_more_cores_never_make_it_slower(
    measured: Measured, asked: Programme, cores: float, times: float
) -> None:
    slow = until_playing_s(measured, asked, cores)
    fast = until_playing_s(measured, asked, cores * times)
    assert fast <= slow or fast == pytest.approx(slow)


@given(machines, lessons, st.integers(1, 1000))
def test_more_viewers_never_need_less(measured: Measured, asked: Programme, more: int) -> None:
    few, many = need(measured, asked), need(measured, replace(
        asked, viewers=asked.viewers + more))  # fmt: skip
    assert many.cores > few.cores
    assert many.memory_bytes > few.memory_bytes
    assert many.out_bps > few.out_bps
    assert many.processes >= few.processes


@given(machines, lessons, st.floats(1, 10))
def test_a_dearer_join_is_never_quicker(measured: Measured, asked: Programme, times: float) -> None:
    delivery = measured.of(asked.way)
    dearer = replace(delivery, join_cpu_s=delivery.join_cpu_s * times)
    dear = replace(measured, **{asked.way.value: dearer})  # type: ignore[arg-type]
    cheap_s, dear_s = (until_playing_s(one, asked, 8) for one in (measured, dear))
    assert dear_s >= cheap_s or dear_s == pytest.approx(cheap_s)


@given(machines, lessons)
def test_nobody_plays_before_they_came(measured: Measured, asked: Programme) -> None:
    found = until_playing_s(measured, asked, 64)
    came_s = 0.95 * asked.join_within_s
    assert found >= came_s or found == pytest.approx(came_s)


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_what_was_not_measured_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="measure it"):
        replace(MEASURED, encoded_session_cores=value)
    with pytest.raises(ValueError, match="join_cpu_s"):
        replace(MEASURED, ws=replace(WS, join_cpu_s=value))


def test_every_assumption_is_written_down_in_both_languages() -> None:
    assert len({one.name for one in ASSUMPTIONS}) == len(ASSUMPTIONS)
    for one in ASSUMPTIONS:
        assert len(one.text) > 20
        assert any("一" <= letter <= "鿿" for letter in one.zh)
        assert one.unit
