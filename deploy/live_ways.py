"""Ways in that follow the sessions: a port for each feed that may come by SRT, cameras let go.

The catalogue's rows say who is expected: sessions that are waiting or live. So a service that
starts again listens for the same feeds with the same keys, on whatever ports it gets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from catalog.db.sessions import SessionRecord
from catalog.live import FeedName
from catalog.session import JOINABLE, SessionKind
from transcoder.live.errors import Refused
from transcoder.live.rtsp import RtspIngest
from transcoder.live.srt import SrtIngest

log = logging.getLogger(__name__)


class Book(Protocol):
    """What is asked of the catalogue's sessions (`catalog.db.sessions_life.Sessions`)."""

    @property
    def key(self) -> Callable[[SessionRecord, FeedName], str]:
        """Give the key that publishes a feed."""

    async def record(self, session: str) -> SessionRecord | None:
        """Give a session with all that is known of it."""

    async def joinable(self) -> list[SessionRecord]:
        """Give the sessions that are waiting or live."""


class Ways:
    """Opens and shuts ways in as sessions change. What is read later is done later: one at a time,
    so that an old row never opens what a newer one has shut.
    """

    def __init__(self, book: Book, srt: SrtIngest, rtsp: RtspIngest) -> None:
        self._book = book
        self._srt = srt
        self._rtsp = rtsp
        self._lock = asyncio.Lock()
        self._without_port: set[str] = set()
        self._closed = False

    async def look(self, session: str) -> None:
        """A session's row has changed. Raises: Unavailable."""
        async with self._lock:
            if self._closed or not (self._srt.has_ports or session in self._rtsp.pulled()):
                return
            record = await self._book.record(session)
            if record is not None and record.session_state in JOINABLE:
                self._listen(record)
                return
            await self._end(session)
            if self._without_port:
                await self._look_again()

    async def look_again(self) -> None:
        """Read all sessions anew: at the start, and after rows changed unheard.

        Raises: Unavailable.
        """
        async with self._lock:
            if not self._closed and (self._srt.has_ports or self._rtsp.pulled()):
                await self._look_again()

    async def close(self) -> None:
        """Shut all, for good."""
        async with self._lock:
            self._closed = True
            await self._srt.close()
            await self._rtsp.close()

    async def _look_again(self) -> None:
        records = await self._book.joinable()
        for session in self._known() - {record.id for record in records}:
            await self._end(session)
        for record in records:
            self._listen(record)

    def _known(self) -> set[str]:
        listened = {session for session, _ in self._srt.ports}
        return listened | self._rtsp.pulled() | self._without_port

    async def _end(self, session: str) -> None:
        self._without_port.discard(session)
        self._rtsp.end(session)
        await self._srt.end(session)

    def _listen(self, record: SessionRecord) -> None:
        if not self._srt.has_ports:
            return
        try:
            for feed in feeds_of(record):
                self._srt.listen(record.id, feed, self._book.key(record, feed))
        except Refused as refused:
            if record.id not in self._without_port:
                log.warning("session %s is not expected by SRT: %s", record.id, refused)
            self._without_port.add(record.id)
        else:
            self._without_port.discard(record.id)


def feeds_of(record: SessionRecord) -> Sequence[FeedName]:
    """Give the feeds that a session's encoders publish."""
    two = record.session_kind is SessionKind.PAIRED_LESSON
    return (FeedName.MAIN, FeedName.SECOND) if two else (FeedName.MAIN,)
