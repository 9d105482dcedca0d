"""Waiting for something to become true, with a deadline and no fixed sleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

LIMIT_S = 20.0
_STEP_S = 0.005


def wait_until(true: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Poll until true; fail after limit_s."""
    give_up_at = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < give_up_at, f"did not happen within {limit_s} s"
        time.sleep(_STEP_S)


async def eventually(true: Callable[[], Awaitable[object]], limit_s: float = LIMIT_S) -> None:
    """Poll an asynchronous question until its answer is true; fail after limit_s."""
    async with asyncio.timeout(limit_s):
        while not await true():  # noqa: ASYNC110 (what happens is outside this loop)
            await asyncio.sleep(_STEP_S)
