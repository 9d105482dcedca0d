"""What the edge bench asks of pupils, and what happens to a line on the way."""

from __future__ import annotations

import argparse

import pytest

from loadtests.edge_bench import Ground, chosen, order_of
from loadtests.edge_origins import MadeUp
from loadtests.edge_peers import PEERS, Peer
from loadtests.edge_scenarios import LOSS, SCENARIOS
from loadtests.line_way import Shape
from loadtests.pupils import Class
from loadtests.pupils_at_once import Newest, Part

UPSTREAM = "10.213.7.1:8000"


def ground(name: str, seconds: float, origin: str = "synthetic", seed: int = 1) -> Ground:
    asked = argparse.Namespace(seconds=seconds, seed=seed, origin=origin)
    return Ground(name, SCENARIOS[name], MadeUp(), asked)


def order(name: str, seconds: float, origin: str = "synthetic") -> dict[str, object]:
    found = ground(name, seconds, origin)
    with found.origin.lessons(found.scenario.lessons) as lessons:
        return order_of(found, "127.0.0.1:8080", UPSTREAM, lessons)


def test_every_scenario_can_be_ordered() -> None:
    for name, scenario in SCENARIOS.items():
        for origin in ("synthetic", "tongbu"):
            made = order(name, 20.0, origin)
            kind = {"class": Class, "part": Part, "newest": Newest}[str(made.pop("kind"))]
            assert kind(**made).pupils == scenario.pupils


def test_three_lessons_are_dealt_out() -> None:
    found = order("S3", 45.0)
    assert found["urls"] == [f"http://127.0.0.1:8080/live/{n}/index.m3u8" for n in (1, 2, 3)]
    assert (found["pupils"], found["join_s"], found["seed"]) == (42, 5.0, 1)


def test_a_part_of_our_own_lesson_is_fetched_alone_without_the_peer() -> None:
    found = order("PART", 20.0, "tongbu")
    assert found["url"] == "http://127.0.0.1:8080/live/1/index.m3u8"
    assert found["alone"] == f"http://{UPSTREAM}/live/1/index.m3u8"
    assert found["rounds"] == 10


def test_in_a_short_run_joins_do_not_last_longer_than_half_of_it() -> None:
    assert order("V1", 20.0)["join_s"] == 10.0
    assert order("V1", 62.0)["join_s"] == 30.0


def test_lines_are_those_of_the_goals() -> None:
    assert SCENARIOS["S2"].shape == Shape(1_600_000, 0.02, LOSS, 0.2)
    assert [SCENARIOS[name].rate_bps for name in ("S1", "S4")] == [8_000_000, 2_400_000]
    assert [one.rate_bps for one in SCENARIOS["CUT"].changes] == [None, 8_000_000]


def test_a_peer_that_is_not_installed_is_said_and_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PEERS, "gone", Peer("gone", ("no-such-program",)))
    assert [peer.name for peer in chosen("direct,gone")] == ["direct"]
    assert "no-such-program is not installed" in capsys.readouterr().out


def test_our_box_has_nothing_to_enrol_at_before_a_made_up_origin() -> None:
    assert [peer.name for peer in chosen("direct,tongbu", "synthetic")] == ["direct"]
    assert [peer.name for peer in chosen("direct,tongbu")] == ["direct", "tongbu"]
