"""Writes a room's entries to its log, in order, however often the database is away.

Members never wait for the log: what is not written yet is written again after a pause, and a room
that is closed gives the writer a last few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from catalog.errors import TongbuError
from catalog.live import RoomLog
from streaming.room.metrics import RoomMetrics

BATCH_LIMIT = 500
RETRY_S = 0.5
RETRY_LIMIT_S = 10.0
LAST_WORDS_S = 5.0

log = logging.getLogger(__name__)


class Keeper:
    """The queue of one room's log. `run` is to be a task of the room's."""

    def __init__(self, session: str, book: RoomLog, metrics: RoomMetrics) -> None:
        self._session = session
        self._book = book
        self._metrics = metrics
        self._entries: list[Mapping[str, Any]] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._told = self._kept = 0
        self._wrote = asyncio.Event()

    def keep(self, entry: Mapping[str, Any]) -> None:
        """Take an entry to write."""
        self._entries.append(entry)
        self._told += 1
        self._idle.clear()
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._entries:
                batch = self._entries[:BATCH_LIMIT]
                await self._write(batch)
                del self._entries[: len(batch)]
                self._kept += len(batch)
                self._wrote.set()
                self._wrote = asyncio.Event()
            self._idle.set()

    async def written(self) -> None:
        """Return when everything told so far is in the log."""
        told = self._told
        while self._kept < told:
            await self._wrote.wait()

    async def last_words(self) -> None:
        """Wait until all is written, but not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self._idle.wait()
        if self._entries:
            log.error("room %s: %d entries are lost", self._session, len(self._entries))

    async def _write(self, batch: list[Mapping[str, Any]]) -> None:
        pause_s = RETRY_S
        while True:
            try:
                return await self._book.append(self._session, batch)
            except Exception as error:
                # Whatever is wrong with the log, the lesson goes on.
                known = isinstance(error, TongbuError)
                log.warning("room %s: its log: %s", self._session, error, exc_info=not known)
                self._metrics.log_retries.inc()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_LIMIT_S)
