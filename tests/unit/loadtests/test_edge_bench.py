"""What the edge bench asks of pupils, and what happens to a line on the way."""

from __future__ import annotations

import pytest

from loadtests.edge_bench import LOSS, SCENARIOS, chosen, order_of
from loadtests.edge_peers import PEERS, Peer
from loadtests.line_way import Shape
from loadtests.pupils import Class, Part


def test_every_scenario_can_be_ordered() -> None:
    for scenario in SCENARIOS.values():
        order = order_of(scenario, "127.0.0.1:8080", 20.0, 3)
        made = {"class": Class, "part": Part}[order.pop("kind")](**order)
        assert made.pupils == scenario.pupils


def test_three_lessons_are_dealt_out() -> None:
    order = order_of(SCENARIOS["S3"], "10.213.77.1:8000", 45.0, 3)
    assert order["urls"] == [f"http://10.213.77.1:8000/live/{n}/index.m3u8" for n in (1, 2, 3)]
    assert (order["pupils"], order["join_s"], order["seed"]) == (42, 5.0, 3)


def test_in_a_short_run_joins_do_not_last_longer_than_half_of_it() -> None:
    assert order_of(SCENARIOS["V1"], "x:1", 20.0, 1)["join_s"] == 10.0
    assert order_of(SCENARIOS["V1"], "x:1", 62.0, 1)["join_s"] == 30.0


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
