"""Costs from counts, by hand; ratios; figures written and read."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from loadtests.baseline import compare, write
from loadtests.baseline import read as read_baseline
from loadtests.city_figures import (
    Figures,
    Rest,
    Session,
    Stormed,
    delivery,
    from_json,
    measured,
    ratios,
    to_json,
    tolerances,
)

REST = Rest(0.004, 0.010, 0.05, 150e6)
# 100 viewers: 0.25 cores above rest; 2 s of storm, 60 s watched in all meanwhile
WS = Stormed("ws", 100, 2.0, 0.02, 0.05, 0.1, 1.95, 2.0, 60.0, 0.45, 0.30, 25e6, 0.98, 0.2, 0.6,
             153e6, 0.005, 0.015, 0)  # fmt: skip
HLS = replace(WS, kind="hls", steady_cores=0.55, storm_cpu_s=0.80, join_p95_s=0.2)
FIGURES = Figures("a command", 2, REST, (WS, HLS), 0.005, Session(0.03, 0.0, 20e6),
                  Session(0.03, 0.12, 90e6))  # fmt: skip


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
    assert len(found) == 13


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
    assert found["hls / ws: join p95"] > found["hls / ws: CPU of a viewer"] > 1


def test_figures_are_read_as_they_were_written() -> None:
    assert from_json(to_json(FIGURES)) == FIGURES


@pytest.mark.parametrize("text", ["{}", "[]", '{"command": "x"}', "no json"])
def test_what_is_no_figures_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_json(text)
