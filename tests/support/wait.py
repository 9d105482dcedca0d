"""Waiting in tests: poll a condition until a deadline; never a bare sleep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

WAIT_LIMIT_S = 30.0
POLL_S, POLL_MOST_S, POLL_GROWTH = 0.01, 0.05, 1.1


async def eventually(
    holds: Callable[[], bool | Awaitable[bool]], limit_s: float = WAIT_LIMIT_S
) -> None:
    """Return once holds() is true; fail when it is not within limit_s."""
    give_up_at, wait_s = time.monotonic() + limit_s, POLL_S
    while True:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < give_up_at, f"not within {limit_s} s"
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * POLL_GROWTH, POLL_MOST_S)
