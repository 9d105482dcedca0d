"""What a role needs to be ready: its database, its store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from catalog.db.pool import Pool

CHECK_LIMIT_S = 3.0
OK = "ok"


class Check:
    """One such thing. It is asked once at a time, however many wait for its answer."""

    def __init__(self, ask: Callable[[], Awaitable[None]], limit_s: float = CHECK_LIMIT_S) -> None:
        self._ask = ask
        self._limit_s = limit_s
        self._asking: asyncio.Task[None] | None = None

    async def verdict(self) -> str:
        """Give OK or what is wrong in one line, within the limit of time.

        A database that hangs takes seconds to be left as well: nobody waits for that.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked(), name="check")
            self._asking.add_done_callback(_seen)
        asking = self._asking
        await asyncio.wait({asking}, timeout=self._limit_s)
        if not asking.done() or asking.cancelled():
            asking.cancel()
            return f"no answer within {self._limit_s:.0f} s"
        error = asking.exception()
        return f"{type(error).__name__}: {error}".splitlines()[0] if error else OK

    async def _asked(self) -> None:
        await self._ask()


def _seen(asked: asyncio.Task[None]) -> None:
    """Take the error of one that nobody waits for any more."""
    if not asked.cancelled():
        asked.exception()


def database_check(pool: Pool) -> Check:
    """Give the check that the database answers."""

    async def ask() -> None:
        async with pool.connection() as connection:
            await connection.execute("select 1")

    return Check(ask)
