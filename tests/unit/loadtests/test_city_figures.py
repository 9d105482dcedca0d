"""Costs from counts, by hand; ratios; figures written and read."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from loadtests.baseline import compare, write
from loadtests.baseline import read as read_baseline
from loadtests.by_role import ByRole
from loadtests.city_figures import (
    Figures,
    delivery,
    from_json,
    measured,
    ratios,
    to_json,
    tolerances,
)
from loadtests.day_figures import EVENING, ONE_TO_ALL, PAIRS, Day, Played
from loadtests.storm_figures import Rest, Session, Stormed

REST = Rest(0.004, 0.010, 0.05, 150e6)
# 100 viewers: 0.25 cores above rest; 2 s of storm, 60 s watched in all meanwhile
WS = Stormed("ws", 100, 2.0, 0.02, 0.05, 0.1, 1.95, 2.0, 60.0, 0.45, 0.30, 25e6, 0.98, 0.2, 0.6,
             153e6, 0.005, 0.015, 0, 0.01, 0.02, 0.03, 0.012)  # fmt: skip
HLS = replace(WS, kind="hls", steady_cores=0.55, storm_cpu_s=0.80, join_p95_s=0.2)
EMPTY, ALONE = ByRole(0.02, 0.0, 0.0, 0.01), ByRole(0.20, 0.15, 0.0, 0.03)
BEFORE, AFTER = ByRole(150e6, 40e6, 60e6, 50e6), ByRole(152e6, 40e6, 60e6, 55e6)
# 8 pairs, one of them encoded: 0.20 cores for the lessons, 0.20 for sixteen classrooms in rooms
CLASSROOMS = replace(WS, kind="rooms", viewers=16, steady_cores=0.36, encoders_cores=0.15,
                     workers_cores=0.0, database_cores=0.07, steady_bytes_s=4e6)  # fmt: skip
ALL = replace(WS, viewers=1400, steady_cores=0.96, steady_bytes_s=350e6, database_cores=0.01,
              workers_cores=0.0, encoders_cores=0.0)  # fmt: skip
HOMES = replace(ALL, kind="recorded", viewers=300, steady_cores=0.32, steady_bytes_s=75e6,
                storm_cpu_s=5.0, slowest=1.0)  # fmt: skip
QUIET = Rest(0.004, 0.010, EMPTY.origin, 150e6)
DAY = Day("a day", 2, 8e9, 2175, 12.0, (
    Played(PAIRS, 8, 1, EMPTY, ALONE, replace(QUIET, service_cores=0.2), CLASSROOMS, 0.01, 0, 0.0,
           BEFORE, AFTER),
    Played(ONE_TO_ALL, 1, 0, EMPTY, EMPTY, QUIET, ALL, 0.02, 0, 0.0, BEFORE, AFTER),
    Played(EVENING, 0, 0, EMPTY, EMPTY, QUIET, HOMES, 0.0, 2, 1.5, BEFORE, AFTER),
))  # fmt: skip
FIGURES = Figures("a command", 2, REST, (WS, HLS), 0.005, Session(0.03, 0.0, 20e6),
                  Session(0.03, 0.12, 90e6), DAY)  # fmt: skip


def test_costs_by_hand() -> None:
    assert WS.viewer_cores(REST) == pytest.approx(0.0025)
    assert WS.cpu_a_megabyte(REST) == pytest.approx(0.01)
    # 0.45 s - 2 s of the lesson - 60 s of watching, over 100 joins
    assert WS.join_cpu_s(REST) == pytest.approx((0.45 - 0.1 - 0.15) / 100)


def test_the_model_is_given_what_was_found() -> None:
    found = delivery(FIGURES, "ws")
    assert found.viewers_a_core == pytest.approx(400)
    assert found.bytes_a_cpu_s == pytest.approx(100e6)
    assert (found.viewer_bytes, found.join_s) == (30e3, 0.02)
    model = measured(FIGURES)
    assert (model.copied_session_cores, model.encoded_session_cores) == (0.03, 0.15)
    assert model.loop_session_cores == 0.03
    assert model.pair_lesson_cores == pytest.approx(0.2 / 8)
    assert model.classroom.viewers_a_core == pytest.approx(16 / 0.2)
    assert model.classroom.loop_share == pytest.approx((0.36 - 0.20) / (0.43 - 0.23))
    assert model.recorded.loop_share == pytest.approx((0.32 - 0.02) / (0.33 - 0.03))
    assert (model.ws.loop_share, model.classroom.join_s) == (1.0, model.ws.join_s)
    assert model.recorded.viewers_a_core == pytest.approx(1000)
    assert model.recorded.bytes_a_cpu_s == pytest.approx(250e6)
    # 5 s of CPU, 2 s of an empty service, 60 s of watching, over 300 homes
    assert model.recorded.join_cpu_s == pytest.approx((5 - 0.04 - 0.06) / 300)
    assert model.hls.viewers_a_core == pytest.approx(200)


def test_of_several_rounds_the_least_disturbed_counts() -> None:
    slower = replace(WS, steady_cores=0.9, join_p50_s=1.0, service_bytes=155e6)
    found = delivery(replace(FIGURES, storms=(slower, WS, HLS)), "ws")
    assert found.viewers_a_core == pytest.approx(400)
    assert (found.join_s, found.viewer_bytes) == (0.02, 50e3)


def test_ratios_by_hand() -> None:
    found = ratios(FIGURES)
    assert found["ws: API p95 in the storm / before"] == pytest.approx(1.5)
    assert found["ws: CPU a megabyte / copying it"] == pytest.approx(2)
    assert found["ws: CPU of a join / of a second's watching"] == pytest.approx(0.8)
    assert found["ws: seconds until 95 % play / of joining"] == pytest.approx(0.975)
    assert found["hls / ws: CPU of a viewer"] == pytest.approx(2)
    assert found["hls / ws: join p95"] == pytest.approx(4)
    assert found["encoded / copied: CPU of a lesson"] == pytest.approx(5)
    assert found["pairs: CPU of a pair with its room / of its lesson alone"] == pytest.approx(2)
    assert found["one to all: CPU a megabyte / copying it"] == pytest.approx(0.94 / 350 / 0.005)
    assert found["evening: CPU a megabyte / copying it"] == pytest.approx(0.8)
    assert found["evening: API p95 meanwhile / before"] == pytest.approx(1.2)
    assert found["pairs: rate of the mean viewer / of the slowest"] == pytest.approx(1 / 0.98)
    assert len(found) == 22


def test_of_two_looks_at_a_service_without_lessons_the_lower_one_counts() -> None:
    evening = DAY.played[2]
    disturbed = replace(evening, alone=ByRole(0.20, 0.0, 0.0, 0.03))
    assert disturbed.viewer_cores == evening.viewer_cores
    assert measured(FIGURES).recorded.viewer_bytes == delivery(FIGURES, "hls").viewer_bytes


def test_what_is_full_first_goes_by_the_machine() -> None:
    pairs, everybody, _ = DAY.played
    assert DAY.full_first(everybody) == ("the service's core", 0.96)
    name, full = replace(DAY, cores=1).full_first(pairs)
    assert (name, round(full, 2)) == ("the machine", 0.58)
    assert replace(DAY, memory_bytes=320e6).full_first(pairs)[0] == "memory"
    assert pairs.cores.origin == pytest.approx(0.34)
    assert pairs.cores.service == pytest.approx(0.34 + 0.15 + 0.06)


def test_a_day_that_was_not_played_is_said() -> None:
    storm = replace(FIGURES, day=None)
    assert from_json(to_json(storm)) == storm
    with pytest.raises(ValueError, match="city_day"):
        measured(storm)
    kept = read_baseline(write(ratios(FIGURES), tolerances(ratios(FIGURES)), "a command"))
    assert sum(one.fails for one in compare(ratios(storm), kept)) == 9


def test_too_few_viewers_to_show_a_cost_is_no_figure_anywhere() -> None:
    idle = replace(WS, steady_cores=REST.service_cores)
    few = replace(FIGURES, storms=(idle, HLS))
    kept = read_baseline(write(ratios(FIGURES), tolerances(ratios(FIGURES)), "a command"))
    assert math.isnan(idle.viewer_cores(REST))
    failed = {one.name for one in compare(ratios(few), kept) if one.fails}
    assert "ws: CPU a megabyte / copying it" in failed
    with pytest.raises(ValueError, match="measure it"):
        measured(few)


def test_a_delivery_that_was_not_measured_fails_the_comparison() -> None:
    kept = read_baseline(write(ratios(FIGURES), tolerances(ratios(FIGURES)), "a command"))
    without = replace(FIGURES, storms=(WS,))
    assert sum(one.fails for one in compare(ratios(without), kept)) == 7
    with pytest.raises(ValueError, match="hls"):
        measured(without)


def test_somebody_who_got_nothing_is_no_ratio() -> None:
    starved = replace(FIGURES, storms=(replace(WS, slowest=0.0), HLS))
    assert math.isnan(ratios(starved)["ws: rate of the mean viewer / of the slowest"])


def test_what_was_busy_is_named() -> None:
    assert WS.bound == "nothing yet"
    assert replace(WS, steady_cores=0.9, machine=0.97).bound == (
        "the service's core and the machine"
    )


def test_waiting_may_vary_more_than_work() -> None:
    found = tolerances(ratios(FIGURES))
    fair = found["ws: rate of the mean viewer / of the slowest"]
    work, join = (
        found["hls / ws: CPU of a viewer"],
        found["ws: CPU of a join / of a second's watching"],
    )
    assert found["hls / ws: join p95"] > join > work > fair > 1


def test_figures_are_read_as_they_were_written() -> None:
    assert from_json(to_json(FIGURES)) == FIGURES


@pytest.mark.parametrize("text", ["{}", "[]", '{"command": "x"}', "no json"])
def test_what_is_no_figures_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_json(text)
