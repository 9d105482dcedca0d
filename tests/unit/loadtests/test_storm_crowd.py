"""What a crowd told and what was seen of the service, as one figure."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from loadtests.by_role import ByRole
from loadtests.live_spread import spread
from loadtests.storm_crowd import Crowd, Crowded, Quiet
from loadtests.storm_probe import Asked, Used, waits

TOLD = {"join_p50_s": 0.1, "join_p95_s": 0.2, "join_most_s": 0.3, "until_95_s": 4.8,
        "watched_s": 40.0, "bytes": 20e6, "slowest": 0.9, "steady_s": 10.0, "viewers_cpu_s": 2.0,
        "errors": 1}  # fmt: skip


def _used(at: float, *seconds: float, busy_s: float = 0.0) -> Used:
    return Used(at, ByRole(*seconds), busy_s, 2 * at, ByRole(100e6, 30e6, 60e6, 50e6))


CROWDED = Crowded(
    Crowd("rooms", 20, 5.0, 10.0, ("http://city/one token",)), TOLD,
    _used(100.0, 10.0, 1.0, 1.0, 1.0), _used(106.0, 13.0, 2.0, 1.0, 1.5),
    _used(108.0, 14.0, 2.0, 1.0, 2.0), _used(118.0, 18.0, 5.0, 1.0, 4.0, busy_s=12.0),
    spread([0.02, 0.03]), spread([0.01]),
)  # fmt: skip


def test_joining_ends_when_all_play_and_watching_is_what_comes_after() -> None:
    found = CROWDED.stormed()
    assert (found.until_all_s, found.storm_cpu_s) == (6.0, 3.0)
    assert astuple(found.by_role) == pytest.approx((0.4, 0.3, 0.0, 0.2, 0.2))
    assert found.machine == pytest.approx(12 / 20)
    assert (found.steady_bytes_s, found.service_bytes) == (2e6, 130e6)
    assert (found.api_p95_s, found.api_watching_p95_s) == (0.03, 0.01)
    assert (found.kind, found.viewers, found.errors) == ("rooms", 20, 1)


def test_homes_have_a_process_of_another_kind() -> None:
    assert CROWDED.crowd.command[1:3] == ["loadtests.storm_viewers", "rooms"]
    homes = Crowd("recorded", 300, 20.0, 15.0, (), 0.5)
    assert homes.command == ["-m", "loadtests.evening_homes", "recorded", "300", "20.0", "15.0",
                             "--settle-s=0.5"]  # fmt: skip


def test_a_quiet_service_is_at_rest() -> None:
    quiet = Quiet(ByRole(0.05, 0.1), ByRole(100e6, 30e6, 60e6, 50e6), spread([0.004, 0.01]))
    assert quiet.rest.service_cores == 0.05
    assert (quiet.rest.api_p50_s, quiet.rest.api_p95_s) == (0.004, 0.01)
    assert quiet.rest.service_bytes == 130e6


def test_an_answer_counts_where_it_was_asked_for() -> None:
    answers = [Asked(1.0, 9.0), Asked(2.0, 0.1), Asked(3.0, 0.2)]
    assert waits(answers, until=2.0).most == 9.0
    assert waits(answers, 2.0).most == 0.2
    assert waits(answers).count == 3
