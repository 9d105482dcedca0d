"""What a connection waits for: a promise of a door, or chunks to stream; one task at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack

from catalog.store.port import StoreAway
from streaming.hot.door import Answer, Chunks
from streaming.hot.outbox import Outbox

log = logging.getLogger(__name__)


class NothingSent(Exception):
    """A body failed before its first byte went out."""


class Work:
    """The tasks of one connection; `ended` is told the error that nobody expected, or None."""

    __slots__ = ("_ended", "_loop", "_outbox", "_task", "_wake")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
        ended: Callable[[BaseException | None], None],
    ) -> None:
        self._loop = loop
        self._outbox = outbox
        self._ended = ended
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None

    def begin(self, work: Coroutine[None, None, None], free: Callable[[], None]) -> None:
        """Run work as a task; `free` is called when it is over, even if it never began."""
        task = self._task = self._loop.create_task(work, name="hot answer")
        task.add_done_callback(lambda done: self._over(done, free))

    def cancel(self) -> None:
        """Stop: the viewer is gone."""
        if self._task is not None:
            self._task.cancel()

    def drained(self) -> None:
        """The outbox is empty: whoever waits for it goes on."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def promised(self, promise: Awaitable[Answer | None]) -> Answer | None:
        """Wait for a door. Its errors are for the application, which meets and tells them."""
        try:
            return await promise
        except Exception:
            log.debug("left to the application", exc_info=True)
            return None

    async def stream(self, head: bytes, body: Chunks, length: int) -> None:
        """Write head and chunks as they come, no faster than they are taken.

        Raises: NothingSent; StoreAway when the body is not what was announced.
        """
        left = length
        async with AsyncExitStack() as stack:
            try:
                chunks = await stack.enter_async_context(body)
                chunk = await anext(chunks, b"")
            except Exception as error:
                raise NothingSent from error
            while chunk and len(chunk) <= left:
                self._outbox.write(head + chunk)
                head, left = b"", left - len(chunk)
                await self._taken()
                chunk = await anext(chunks, b"") if left else b""
        if left:
            raise StoreAway(f"{left} of {length} bytes are missing")

    async def _taken(self) -> None:
        if self._outbox.pending:
            self._wake = self._loop.create_future()
            await self._wake

    def _over(self, task: asyncio.Task[None], free: Callable[[], None]) -> None:
        free()
        if self._task is task:
            self._task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.warning("a body broke off: %s", error, exc_info=error)
        self._ended(error)
