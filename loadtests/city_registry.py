"""The whole city's registry: districts, groups, schools, classrooms, pairs, founded by the API.

By its figures it is the real one (10 districts, 165 groups, 1400 classrooms, 270 pairs); the names
of districts are Qingdao's, those of schools are numbers. A group has one school in the city and one
in the countryside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.client import Client

URBAN = ("市南区", "市北区", "李沧区", "崂山区", "城阳区")
RURAL = ("西海岸新区", "即墨区", "胶州市", "平度市", "莱西市")
GROUPS, PAIRS, CLASSROOMS = 165, 270, 1400
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class School:
    """A school by name; its group by number."""

    name: str
    district: str
    group: int
    setting: str
    rooms: int


@dataclass(frozen=True, slots=True)
class Registry:
    """A city by names; pairs are numbers of schools, the city's first."""

    groups: tuple[str, ...]
    schools: tuple[School, ...]
    pairs: tuple[tuple[int, int], ...]

    @property
    def entries(self) -> int:
        """Say how many there are of everything together."""
        rooms = sum(one.rooms for one in self.schools)
        return len((*URBAN, *RURAL, *self.groups, *self.schools, *self.pairs)) + rooms


def registry(groups: int = GROUPS, pairs: int = PAIRS, classrooms: int = CLASSROOMS) -> Registry:
    """Name everything; the same city every time. Pure."""
    each, more = divmod(classrooms, 2 * groups)
    schools = [
        School(f"{districts[number % 5]}第{number // 5 + 1}{kind}", districts[number % 5], number,
               setting, each + (number + first < more))
        for first, districts, kind, setting in ((0, URBAN, "小学", "urban"),
                                                (groups, RURAL, "中心小学", "rural"))
        for number in range(groups)
    ]  # fmt: skip
    return Registry(
        tuple(f"青岛第{number + 1}教育集团" for number in range(groups)), tuple(schools),
        tuple((one % groups, groups + (one + one // groups) % groups) for one in range(pairs)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Ids of a pair's school in the city, and of the two classrooms that have lessons together."""

    school: str
    main: str
    listening: str


async def found(client: Client, city: Registry) -> list[Pair]:
    """Let an administrator enter everything; give the pairs, no classroom in two of them."""
    names = [*URBAN, *RURAL]
    districts = dict(zip(names, await _add(client, "districts", _named(names)), strict=True))
    groups = await _add(client, "groups", _named(city.groups))
    schools = await _add(client, "schools", [
        {"name": one.name, "district": districts[one.district], "group": groups[one.group],
         "setting": one.setting}
        for one in city.schools
    ])  # fmt: skip
    at = [number for number, one in enumerate(city.schools) for _ in range(one.rooms)]
    rooms = await _add(client, "classrooms", [
        {"name": f"智慧教室 {number + 1}", "school": schools[school]}
        for number, school in enumerate(at)
    ])  # fmt: skip
    await _add(client, "pairs", [
        {"urban_school": schools[urban], "rural_school": schools[rural]}
        for urban, rural in city.pairs
    ])  # fmt: skip
    of = [[room for room, place in zip(rooms, at, strict=True) if place == school]
          for school in range(len(schools))]  # fmt: skip
    return [Pair(schools[urban], of[urban].pop(), of[rural].pop())
            for urban, rural in city.pairs if of[urban] and of[rural]]  # fmt: skip


def _named(names: Sequence[str]) -> list[Mapping[str, Any]]:
    return [{"name": name} for name in names]


async def _add(client: Client, kind: str, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Enter all of a kind, some at once; give their ids in order."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(body: Mapping[str, Any]) -> str:
        async with turns:
            return str((await client.post(kind, body))["id"])

    return await asyncio.gather(*map(one, bodies))
