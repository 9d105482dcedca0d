"""The demo city has the figures of the real one."""

from __future__ import annotations

from datetime import date

from deploy.demo_city import CLASSROOMS, GROUPS, PAIRS, demo_city


def test_figures_and_names() -> None:
    city = demo_city(date(2026, 9, 1))
    names = [school.name for school in city.schools]
    assert len(city.districts) == 10
    assert len(set(city.groups)) == GROUPS == 165
    assert len(set(names)) == len(names) == 330
    assert len(set(city.pairs)) == PAIRS == 270
    assert sum(len(school.classrooms) for school in city.schools) == CLASSROOMS == 1400
    settings = {school.name: school.setting for school in city.schools}
    assert all((settings[u], settings[r]) == ("urban", "rural") for u, r in city.pairs)


def test_it_is_the_same_city_every_time() -> None:
    assert demo_city(date(2026, 9, 1)) == demo_city(date(2026, 9, 1))
