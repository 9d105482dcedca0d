"""Two coroutines at the same time: both to their ends, or neither."""

from __future__ import annotations

import asyncio

import pytest

from transcoder.together import both


async def test_both_run_to_their_ends_at_the_same_time() -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def waits(for_: asyncio.Event, tells: asyncio.Event) -> None:
        tells.set()
        await for_.wait()

    await both(waits(first, second), waits(second, first))


async def test_the_failure_of_one_ends_the_other() -> None:
    ended = asyncio.Event()

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fails() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await both(works(), fails())
    assert ended.is_set()
