"""An API of operations whose wall says what the test puts on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from catalog.db.pool import Pool
from catalog.http.events import EventSettings
from catalog.http.operations import OperationsApi
from catalog.operations.board import Board, Key, Placed, Places
from catalog.operations.history import History
from catalog.operations.rows import AlertRow, CityRow, DistrictRow, RoomRow, SchoolRow
from tests.support.api import Desk, open_desk
from tests.support.sessions import Town, make_town

NOW_UTC = 1_795_600_000.0
QUICKLY = EventSettings(reconnect_s=0.1)


@dataclass(slots=True)
class ScriptedWall:
    """What the composition root keeps up, as the test says."""

    board: Board = field(default_factory=Board)
    history: History = field(default_factory=History)
    ticked: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def put(self, rows: dict[Key, Placed]) -> None:
        """Put rows on the board and wake who waits."""
        self.board.put(rows, NOW_UTC)
        async with self.ticked:
            self.ticked.notify_all()


@dataclass(frozen=True, slots=True)
class Tower:
    """A town, its wall, and the API."""

    town: Town
    wall: ScriptedWall
    api: OperationsApi
    desk: Desk


def school_row(id_: str, name: str, district: str) -> SchoolRow:
    return SchoolRow(id_, name, district, None, (), "telling", 8_000_000, None, 0, 0, 0,
                     ("l1",), 1, 1, 450, 4, 0)  # fmt: skip


def rows_of(town: Town) -> dict[Key, Placed]:
    """Give the rows of a town in which one school of each district is in a lesson."""
    found: dict[Key, Placed] = {
        ("city", "city"): Placed(CityRow((), (), 1, 2, 50, 100)),
        ("alert", "DiskFull:city:"): Placed(
            AlertRow("DiskFull", "critical", "city", "", "", "disk_full", NOW_UTC),
            Places(for_city=True),
        ),
    }
    for school, name, district, room in (
        (town.urban, "海滨小学", town.districts[0], town.main),
        (town.rural, "田野小学", town.districts[1], town.far),
    ):
        own = Places(frozenset({district}), frozenset({school}))
        of_district = Places(frozenset({district}))
        found["school", school] = Placed(school_row(school, name, district), own)
        found["district", district] = Placed(DistrictRow(district, name, 1, 1, {}, 0), of_district)
        row = RoomRow(room, "一号教室", school, "l1", "listening", "well", None, "720p",
                      450, 4, 380, 0, 1)  # fmt: skip
        found["room", f"l1:{room}"] = Placed(row, own)
    return found


@pytest.fixture
async def tower(pool: Pool) -> AsyncIterator[Tower]:
    """A wall with two schools, and who may see it."""
    async with pool.connection() as connection:
        town = await make_town(connection)
    wall = ScriptedWall()
    api = OperationsApi(pool, wall, QUICKLY, lambda: NOW_UTC)
    await wall.put(rows_of(town))
    async with open_desk(pool, lambda pool, passwords: [api]) as desk:
        yield Tower(town, wall, api, desk)
