"""A day of a tiny city in a real service: each programme is played, and its figures are whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from loadtests.city_day import Films, Scale, play
from loadtests.city_figures import Figures, from_json, measured, to_json
from loadtests.city_registry import registry
from loadtests.city_report_day import section
from loadtests.day_figures import EVENING, ONE_TO_ALL, PAIRS, Day
from loadtests.live_sessions import ROOM_S, make_film
from loadtests.service import running
from tests.unit.loadtests.test_city_figures import FIGURES

TINY = Scale(
    pairs=2, encoded=0, classrooms=8, homes=4, join_s=0.5, seconds=0.5, warm_up_s=0.1, settle_s=0.2,
    city=registry(groups=2, pairs=2, classrooms=8),
)  # fmt: skip
RATE_BYTES_S = 266_000


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    film = tmp_path_factory.mktemp("films") / "film.flv"
    make_film(film, seconds=20)
    with running(extra=ROOM_S) as service:
        return asyncio.run(play(service, TINY, Films(film, film), "a day"))


def test_everybody_plays_at_full_rate_and_nobody_is_lost(day: Day) -> None:
    assert [one.name for one in day.played] == [PAIRS, ONE_TO_ALL, EVENING]
    assert [one.crowd.viewers for one in day.played] == [4, 8, 4]
    for one in day.played:
        crowd = one.crowd
        assert (crowd.errors, one.stalls) == (0, 0)
        assert 0 < crowd.join_p50_s <= crowd.join_p95_s <= crowd.join_most_s < 10
        assert crowd.slowest > 0.5
    for one in day.played[:2]:
        assert one.crowd.steady_bytes_s > one.crowd.viewers * RATE_BYTES_S / 2
        assert one.late < 1, "parts that come in time are counted as such"


def test_cores_and_memory_are_told_by_role(day: Day) -> None:
    # so short a look may fall between two ticks of the kernel
    assert 0 < sum(one.crowd.by_role.origin for one in day.played) < 12
    for one in day.played:
        assert 0 < one.crowd.by_role.viewers < 4
        memory = one.memory
        assert min(memory.origin, memory.workers, memory.database) > 1e6
        assert 0 < one.rest.api_p95_s < 5
        assert 0 < one.crowd.api_watching_p95_s < 5
    assert day.founded == TINY.city.entries == 10 + 2 + 4 + 2 + 8


def test_the_figures_reach_the_report(day: Day) -> None:
    found: Figures = from_json(to_json(replace(FIGURES, day=day)))
    assert found.day == day
    text = "\n".join(section(measured(FIGURES), found, day))
    assert "2 节课（0 节转码），4 路" in text
