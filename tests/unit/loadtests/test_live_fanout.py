"""The verdict over servers, and what is said to be busy."""

from __future__ import annotations

from dataclasses import replace

from loadtests.live_fanout import Load, verdict

OURS = Load("ours", 200, 54e6, 1.0, 0.1, 0.2, 0.5, 10, 20, 30, 0)
PEER = replace(OURS, name="peer", server_cores=0.2)


def test_twice_the_bytes_for_a_cpu_second_meets_the_goal() -> None:
    assert verdict([OURS, PEER, OURS, PEER], "ours", "peer") == (
        True, "ours sends 2.00 × the bytes of peer for a CPU second: goal 2 × met",
    )  # fmt: skip
    met, _ = verdict([replace(OURS, server_cores=0.12), PEER], "ours", "peer")
    assert not met


def test_who_leaves_viewers_behind_has_not_met_it() -> None:
    for worse in (replace(OURS, slowest=0.9), replace(OURS, errors=1)):
        met, text = verdict([worse, PEER], "ours", "peer")
        assert not met
        assert "not everybody" in text


def test_a_peer_that_is_not_there_is_skipped_and_said() -> None:
    met, text = verdict([OURS], "ours", "peer")
    assert met
    assert "skipped" in text


def test_what_saturates_is_named() -> None:
    assert OURS.bound == "nothing yet"
    assert replace(OURS, server_cores=0.97).bound == "the service's core"
    assert replace(OURS, client_cores=0.9, machine=0.99).bound == (
        "the viewers' process and the machine"
    )
