"""A task that has not heard of its end is told again."""

from __future__ import annotations

import asyncio
import contextlib

from catalog.ending import end_task


async def test_a_cancellation_that_was_lost_is_said_again() -> None:
    lost, begun = 0, asyncio.Event()

    async def deaf_once() -> None:
        nonlocal lost
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        lost += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(deaf_once())
    await begun.wait()
    await end_task(task, again_s=0.001)
    assert (lost, task.cancelled()) == (1, True)


async def test_how_it_ended_is_nobodys_trouble() -> None:
    async def breaks() -> None:
        raise ValueError("broken")

    task = asyncio.create_task(breaks())
    await end_task(task)
    assert task.done()
