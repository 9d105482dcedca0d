"""Two coroutines that depend on one another; and patience."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import psycopg

from catalog.errors import Unavailable
from catalog.store.port import StoreAway

log = logging.getLogger(__name__)

T = TypeVar("T")
AWAY = (psycopg.OperationalError, Unavailable, StoreAway)
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 2.0


async def beside(main: Coroutine[Any, Any, T], other: Coroutine[Any, Any, None]) -> T:
    """Give main's result; other runs meanwhile and its failure ends main. Both end with this."""
    first, second = asyncio.create_task(main), asyncio.create_task(other)
    try:
        await asyncio.wait((first, second), return_when=asyncio.FIRST_COMPLETED)
        if second.done():
            second.result()
        return await first
    finally:
        first.cancel()
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)


async def both(first: Coroutine[Any, Any, None], second: Coroutine[Any, Any, None]) -> None:
    """Run two to their ends at the same time; the failure of one ends the other."""
    tasks = [asyncio.create_task(first), asyncio.create_task(second)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def patiently(call: Callable[[], Awaitable[T]], patience_s: float) -> T:
    """Call again while database or store are away, for as long as patience_s seconds.

    Raises: the last error once patience is over; every other error at once.
    """
    clock = asyncio.get_running_loop().time
    over_at, wait_s = clock() + patience_s, FIRST_WAIT_S
    while True:
        try:
            return await call()
        except AWAY as error:
            if clock() + wait_s > over_at:
                raise
            log.warning("%s; next try in %.1f s", type(error).__name__, wait_s)
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)
