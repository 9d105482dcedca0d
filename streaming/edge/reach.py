"""Whether the upstream can be reached, and since when not.

A line that is cut is knocked at each half second, later each two, until there is an answer. Each
knock is sent beside those before, which wait for what the line swallowed of them: TCP says its
first word again only after 1 s, then 2. One answer that is missing is no proof: it makes a knock at
once, which tells whether the line is to blame. A line on which nothing is heard is knocked at, too
(`pulse.py`). Who waits for an answer when the line is found to be cut waits no longer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import chain, repeat

import aiohttp

from streaming.edge.pulse import LOOK_EVERY_S, Pulse
from streaming.errors import StreamingError

log = logging.getLogger(__name__)

KNOCK_FIRST_S = 0.5
KNOCK_THEN_S = 2.0
KNOCKS_FAST = 240
WHY_LIMIT = 200


class LineCut(StreamingError):
    """The upstream cannot be reached now; what is kept is all there is."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The line is cut since this monotonic time, as this error shows."""

    since_at: float
    why: str


class Reach:
    """Knows the line's state. `knock` returns when the upstream answers, whatever it says."""

    def __init__(
        self,
        knock: Callable[[], Awaitable[None]],
        first_s: float = KNOCK_FIRST_S,
        then_s: float = KNOCK_THEN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._knock = knock
        self._first_s = first_s
        self._then_s = then_s
        self._clock = clock
        self._reachable = asyncio.Event()
        self._reachable.set()
        self._task: asyncio.Task[None] | None = None
        self._waits: set[asyncio.Timeout] = set()
        self.cut: Cut | None = None
        self.cuts = 0

    async def back(self) -> None:
        """Return when the line is not cut."""
        await self._reachable.wait()

    def require(self) -> None:
        """Raises: LineCut."""
        if self.cut is not None:
            raise LineCut(f"the line is cut: {self.cut.why}")

    def note_cut(self, error: Exception) -> LineCut:
        """The upstream cannot be reached; give what to raise."""
        why = f"{type(error).__name__}: {error}"[:WHY_LIMIT]
        if self.cut is None:
            self.cut = Cut(self._clock(), why)
            self.cuts += 1
            self._reachable.clear()
            log.warning("the line is cut: %s", why)
            now = asyncio.get_running_loop().time()
            for limit in self._waits:
                if not limit.expired():
                    limit.reschedule(now)
            self._begin()
        return LineCut(f"the line is cut: {why}")

    @asynccontextmanager
    async def waiting(self, limit_s: float | None) -> AsyncIterator[None]:
        """Wait for an answer so long. Raises: TimeoutError; LineCut when the line is cut."""
        try:
            async with asyncio.timeout(limit_s) as limit:
                self._waits.add(limit)
                try:
                    yield
                finally:
                    self._waits.discard(limit)
        except TimeoutError:
            self.require()
            raise

    async def listen(self, heard: Callable[[], int], in_use: Callable[[], bool]) -> None:
        """Knock when nothing is heard, until cancelled."""
        pulse = Pulse(self._clock())
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.cut is None and pulse.is_quiet(self._clock(), heard(), in_use()):
                await self._find_out(heard)

    async def _find_out(self, heard: Callable[[], int]) -> None:
        before = heard()
        try:
            await self._knock()
        except aiohttp.ServerDisconnectedError:
            self.suspect("a knock")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if heard() == before:
                self.note_cut(error)

    def suspect(self, what: str) -> None:
        """An answer is missing."""
        log.info("%s: no answer in time", what)
        self._begin()

    def pauses_s(self) -> Iterator[float]:
        """Give how long to wait before each knock at a line that is cut."""
        return chain(repeat(self._first_s, KNOCKS_FAST), repeat(self._then_s))

    async def close(self) -> None:
        """Knock no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._until_answered(), name="knocking")

    async def _until_answered(self) -> None:
        answered = asyncio.Event()
        knocks: set[asyncio.Task[None]] = set()
        try:
            for pause_s in self.pauses_s():
                knock = asyncio.create_task(self._try(answered), name="knock")
                knocks.add(knock)
                knock.add_done_callback(knocks.discard)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await answered.wait()
                        break
        finally:
            for knock in knocks:
                knock.cancel()
            await asyncio.gather(*knocks, return_exceptions=True)
        if self.cut is not None:
            log.warning("the line is back after %.1f s", self._clock() - self.cut.since_at)
            self.cut = None
            self._reachable.set()

    async def _try(self, answered: asyncio.Event) -> None:
        try:
            await self._knock()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if not answered.is_set():
                self.note_cut(error)
        else:
            answered.set()
