"""Fills wait for their turn: two at a time, the urgent first."""

from __future__ import annotations

import asyncio

import pytest

from streaming.edge.fill import Place
from streaming.edge.piece import Group, Piece
from streaming.edge.schedule import Priority, Schedule, Wish
from streaming.edge.turns import Turns

WAITED, AHEAD, NIGHT = Wish(Priority.WAITED), Wish(Priority.AHEAD), Wish(Priority.NIGHT)


def place(number: int) -> Place:
    return Place(f"/media/l/r/{number}.m4s", Piece("k", number, 1), Group("l", "r"))


class Line:
    """Transfers that begin and end when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = Turns(Schedule(), lambda: self.now)
        self.begun: list[int] = []
        self.over: dict[int, asyncio.Event] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def ask(self, number: int, wish: Wish) -> None:
        self.over[number] = asyncio.Event()

        async def transfer() -> None:
            async with self.turns.turn(place(number), wish):
                self.begun.append(number)
                await self.over[number].wait()

        self.tasks[number] = asyncio.create_task(transfer())
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def end(self, number: int) -> None:
        self.over[number].set()
        await self.tasks.pop(number)
        await self.settle()


async def test_the_urgent_go_first_two_at_a_time() -> None:
    line = Line()
    for number, wish in enumerate((WAITED, WAITED, AHEAD, WAITED)):
        await line.ask(number, wish)
    assert line.begun == [0, 1]
    assert line.turns.waiting == 2
    await line.end(0)
    assert line.begun == [0, 1, 3]
    await line.end(1)
    await line.end(3)
    assert line.begun == [0, 1, 3, 2]
    await line.end(2)


async def test_one_that_somebody_waits_for_now_overtakes() -> None:
    line = Line()
    for number in range(2):
        await line.ask(number, WAITED)
    await line.ask(2, AHEAD)
    await line.ask(3, AHEAD)
    line.turns.hurry(place(3), WAITED)
    line.turns.hurry(place(99), WAITED)
    await line.end(0)
    assert line.begun == [0, 1, 3]
    for number in (1, 3, 2):
        await line.end(number)


async def test_one_that_gives_up_frees_its_place() -> None:
    line = Line()
    for number in range(3):
        await line.ask(number, WAITED)
    for number in (2, 0):
        line.tasks[number].cancel()
        with pytest.raises(asyncio.CancelledError):
            await line.tasks.pop(number)
    assert line.turns.waiting == 0
    await line.ask(4, WAITED)
    assert line.begun == [0, 1, 4]
    for number in (1, 4):
        await line.end(number)


async def test_the_night_comes_by_itself_when_its_time_has_come() -> None:
    line = Line()
    line.turns.pace_night(80_000)
    await line.ask(0, WAITED)
    await line.end(0)
    await line.ask(1, NIGHT)
    assert line.begun == [0], "somebody wanted something a moment ago"
    line.now = 120.0
    line.turns.pace_night(80_000)
    await line.settle()
    assert line.begun == [0, 1]
    await line.end(1)
    line.turns.close()
