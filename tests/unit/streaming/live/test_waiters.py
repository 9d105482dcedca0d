from __future__ import annotations

import asyncio

from streaming.hls.directives import Directives, Position
from streaming.live.waiters import Waiters
from tests.support.wait import eventually

LONG_S = 30.0


def at(number: int, parts: int, ended: bool = False) -> Position:
    return Position(number, parts, 10, 200_000, ended)


async def asking(waiters: Waiters, *asked: Directives) -> list[asyncio.Task[bool]]:
    tasks = [asyncio.create_task(waiters.until(item, LONG_S)) for item in asked]
    await eventually(lambda: waiters.waiting == len(asked))
    return tasks


async def test_each_is_let_go_when_its_part_is_there() -> None:
    waiters = Waiters()
    part, other, segment = await asking(waiters, Directives(3, 1), Directives(3, 2), Directives(3))
    waiters.wake(at(3, 2))
    assert await part
    assert waiters.waiting == 2
    waiters.wake(at(3, 3))
    assert await other
    assert not segment.done()
    waiters.wake(at(4, 0))
    assert await segment
    assert waiters.waiting == 0


async def test_at_the_end_everyone_is_let_go() -> None:
    waiters = Waiters()
    tasks = await asking(waiters, Directives(3, 1), Directives(4), Directives(4))
    waiters.wake_all()
    assert await asyncio.gather(*tasks) == [True] * 3
    again = await asking(waiters, Directives(9))
    waiters.wake(at(3, 0, ended=True))
    assert await again[0]


async def test_who_waits_too_long_is_told_and_others_go_on_waiting() -> None:
    waiters = Waiters()
    (patient,) = await asking(waiters, Directives(3, 1))
    assert not await waiters.until(Directives(3, 1), 0.0)
    patient_too = [asyncio.create_task(waiters.until(Directives(3, 1), LONG_S)) for _ in range(2)]
    await eventually(lambda: waiters.waiting == 3)
    patient_too[0].cancel()
    waiters.wake(at(3, 2))
    assert await patient
    assert await patient_too[1]
    assert waiters.waiting == 0
