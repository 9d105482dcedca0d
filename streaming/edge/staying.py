"""Keeps who stays behind a cut line on disk, and tells it when the line is back.

`run` is for a task, between `open` and `close`. What has changed is written at once, that everybody
is still here each SEEN_EVERY_S: so much is lost of those who are here when the box is killed. Stays
of those who have left are told one after the other, each on a connection made with what its member
had shown.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import chain, repeat
from typing import Protocol

import aiohttp
import msgspec
from aiohttp import WSMsgType

from catalog.ids import new_id
from streaming.edge.reach import Cut
from streaming.edge.staybook import StayBook
from streaming.edge.stays import BACK_S, Stay, Stays

log = logging.getLogger(__name__)

SEEN_EVERY_S = 5.0
NOTED_LIMIT_S = 10.0
AGAIN_S = (1.0, 2.0, 5.0, 15.0)
AGAIN_THEN_S = 60.0
NOTED = '{"type":"noted"'
REFUSED = '{"type":"refused","to":"stayed"'
FINAL_STATUS = frozenset({400, 401, 403, 404, 410})
LATER = frozenset({"no_right", "not_now"})  # a city that has just begun does not know its boxes yet

Dial = Callable[
    [str, Mapping[str, str]], AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]
]


class LineLike(Protocol):
    """Knows whether the line is there (`upstream.Upstream`)."""

    @property
    def cut(self) -> Cut | None:
        """Since when it is cut; None when it is not."""

    async def reachable(self) -> None:
        """Return when the line is not cut."""


class Verdict(msgspec.Struct, frozen=True):
    """What a room says to a stay."""

    type: str
    id: str = ""
    reason: str = ""

    @property
    def is_final(self) -> bool:
        """Tell whether the stay need not be told again."""
        return self.type == "noted" or self.reason not in LATER


class Staying:
    """The stays of a box. `stays` changes by those whose members they are of: call `stir` then."""

    def __init__(
        self,
        book: StayBook,
        dial: Dial,
        line: LineLike,
        clock: Callable[[], float] = time.monotonic,
        back_s: float = BACK_S,
        again_s: Callable[[], Iterator[float]] = lambda: chain(AGAIN_S, repeat(AGAIN_THEN_S)),
    ) -> None:
        self.stays = Stays(new_id, back_s)
        self.clock = clock
        self.told = 0
        self.refused = 0
        self._book = book
        self._dial = dial
        self._line = line
        self._again_s = again_s
        self._stirred = asyncio.Event()
        self._over = asyncio.Event()

    @property
    def cut(self) -> bool:
        """Tell whether the line is known to be cut."""
        return self._line.cut is not None

    def stir(self) -> None:
        """Something has changed."""
        self._stirred.set()
        self._over.set()

    async def open(self) -> None:
        """Read what was kept."""
        self.stays.restore(await self._book.open())

    async def close(self) -> None:
        """Keep what is left."""
        self.stays.see(self.clock())
        await self._save()
        await self._book.close()

    async def run(self) -> None:
        """Keep and tell until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(), name="stays kept")
            group.create_task(self._tell(), name="stays told")

    async def _keep(self) -> None:
        while True:
            try:
                async with asyncio.timeout(SEEN_EVERY_S if self.stays.any_here else None):
                    await self._stirred.wait()
            except TimeoutError:
                self.stays.see(self.clock())
                await self._book.seen()
            self._stirred.clear()
            await self._save()

    async def _save(self) -> None:
        kept, gone = self.stays.changes()
        if (kept or gone) and not await self._book.save(kept, gone):
            self.stays.not_kept([*(stay.id for stay in kept), *gone])

    async def _tell(self) -> None:
        pauses = self._again_s()
        while True:
            stay = await self._next_due()
            await self._line.reachable()
            if await self._is_told(stay):
                pauses = self._again_s()
                self.stir()
                continue
            self.stays.not_told(stay)
            if self.cut:
                pauses = self._again_s()
            else:
                await asyncio.sleep(next(pauses))

    async def _next_due(self) -> Stay:
        while True:
            self._over.clear()
            now = self.clock()
            stay, due_at = self.stays.due(now), self.stays.due_at()
            if stay is not None:
                return stay
            try:
                async with asyncio.timeout(None if due_at is None else due_at - now):
                    await self._over.wait()
            except TimeoutError:
                continue

    async def _is_told(self, stay: Stay) -> bool:
        """Tell a stay; False: later once more."""
        try:
            async with (
                asyncio.timeout(NOTED_LIMIT_S),
                self._dial(stay.voice.path, stay.voice.headers) as up,
            ):
                await up.send_str(self.stays.tell(stay, self.clock()))
                async for found in up:
                    verdict = verdict_of(found.data) if found.type is WSMsgType.TEXT else None
                    if verdict is not None:
                        self.settle(stay.id, verdict)
                        return verdict.is_final
        except aiohttp.WSServerHandshakeError as error:
            if error.status in FINAL_STATUS:
                self.settle(stay.id, Verdict("refused", reason=str(error.status)))
                return True
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("a stay is not told now: %r", error)
        return False

    def settle(self, stay: str | None, verdict: Verdict) -> None:
        """Forget a stay that the room has noted, or will never take."""
        if stay is None or not verdict.is_final:
            return
        self.stays.forget(stay)
        if verdict.type == "noted":
            self.told += 1
        else:
            log.warning("a stay is not taken: %s", verdict.reason)
            self.refused += 1
        self.stir()


def verdict_of(text: str) -> Verdict | None:
    """Read what a room says to a stay; None for everything else."""
    if not text.startswith((NOTED, REFUSED)):
        return None
    try:
        return msgspec.json.decode(text, type=Verdict)
    except (msgspec.MsgspecError, UnicodeError):
        return None
