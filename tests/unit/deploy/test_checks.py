"""A check answers in time, whatever it asks, and asks once for all who wait."""

from __future__ import annotations

import asyncio
import contextlib

from deploy.checks import OK, Check

LIMIT_S = 0.05


async def test_it_says_what_is_wrong_in_one_line() -> None:
    async def away() -> None:
        raise ConnectionError("the database is away\nand more")

    async def fine() -> None:
        return None

    assert await Check(away).verdict() == "ConnectionError: the database is away"
    assert await Check(fine).verdict() == OK


async def test_one_that_cannot_be_left_is_not_waited_for() -> None:
    released, asked = asyncio.Event(), 0

    async def hangs() -> None:
        nonlocal asked
        asked += 1
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    check = Check(hangs, LIMIT_S)
    said = await asyncio.gather(*(check.verdict() for _ in range(20)))
    assert set(said) == {"no answer within 0 s"}
    assert await check.verdict() == "no answer within 0 s"
    assert asked == 1, "a database that hangs is not asked by more and more"
    released.set()
    assert await check.verdict() == OK


async def test_an_error_that_comes_too_late_is_taken() -> None:
    asking = asyncio.Event()

    async def fails() -> None:
        try:
            await asking.wait()
        except asyncio.CancelledError:
            raise ConnectionError("left at last") from None

    check = Check(fails, LIMIT_S)
    assert (await check.verdict()).startswith("no answer")
    await asyncio.sleep(0)
    asking.set()
    assert await check.verdict() == OK
