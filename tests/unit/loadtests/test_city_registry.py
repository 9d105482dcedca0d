"""The registry has the city's figures, and pairs that can all have lessons at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from loadtests.city_registry import CLASSROOMS, GROUPS, PAIRS, RURAL, URBAN, found, registry


def test_it_has_the_figures_of_the_real_one() -> None:
    city = registry()
    assert (len(city.groups), len(city.pairs)) == (GROUPS, PAIRS) == (165, 270)
    assert sum(one.rooms for one in city.schools) == CLASSROOMS == 1400
    assert {one.district for one in city.schools} == {*URBAN, *RURAL}
    assert city.entries == 10 + 165 + 330 + 270 + 1400
    assert registry() == city


def test_names_are_unique_and_pairs_go_from_the_city_to_the_countryside() -> None:
    city = registry()
    for names in ([one.name for one in city.schools], city.groups, city.pairs):
        assert max(Counter(names).values()) == 1
    settings = {(city.schools[a].setting, city.schools[b].setting) for a, b in city.pairs}
    assert settings == {("urban", "rural")}


class _Book:
    """A client that only writes down what is added."""

    def __init__(self) -> None:
        self.added: list[tuple[str, dict[str, Any]]] = []

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, str]:
        self.added.append((path, body))
        return {"id": f"{path} {len(self.added)}"}


async def test_everything_is_entered_and_no_classroom_is_in_two_pairs() -> None:
    book, city = _Book(), registry(groups=4, pairs=6, classrooms=20)
    pairs = await found(book, city)  # type: ignore[arg-type]
    assert Counter(path for path, _ in book.added) == {
        "districts": 10, "groups": 4, "schools": 8, "classrooms": 20, "pairs": 6,
    }  # fmt: skip
    rooms = [room for pair in pairs for room in (pair.main, pair.listening)]
    assert len(pairs) == 6
    assert max(Counter(rooms).values()) == 1
    schools = {body["name"]: body for path, body in book.added if path == "schools"}
    assert schools["市南区第1小学"]["group"] == schools["西海岸新区第1中心小学"]["group"]
