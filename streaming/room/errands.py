"""What a room wants done outside, one after the other: keys of the floor, the session's end.

A key that cannot be had ends the floor; an end that cannot be had is told to the teacher.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from catalog.errors import TongbuError
from catalog.live import SessionBook
from streaming.room import messages
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import CourseState, FloorFailed, Input, Turn
from streaming.room.port import FloorKeys
from streaming.room.room import EndAsked, FloorClosed, FloorOpened

Errand = FloorOpened | FloorClosed | EndAsked

log = logging.getLogger(__name__)


class Errands:
    """The errands of one room. `post` gives the room an input, `send` a member a message."""

    def __init__(
        self,
        session: str,
        book: SessionBook,
        keys: FloorKeys,
        post: Callable[[Input], None],
        send: Callable[[str, bytes], None],
    ) -> None:
        self._session = session
        self._book = book
        self._keys = keys
        self._post = post
        self._send = send
        self._errands: asyncio.Queue[Errand] = asyncio.Queue()

    def add(self, errand: Errand) -> None:
        """Take an errand."""
        self._errands.put_nowait(errand)

    async def run(self) -> None:
        """Do errands until cancelled."""
        while True:
            errand = await self._errands.get()
            try:
                await self._do(errand)
            except TongbuError as error:
                log.warning("room %s: %s failed: %s", self._session, errand, error)
                self._failed(errand, error)

    async def _do(self, errand: Errand) -> None:
        match errand:
            case FloorOpened(member):
                key = await self._keys.open(self._session, member)
                self._send(member, messages.floor(key))
            case FloorClosed(member):
                await self._keys.close(self._session, member)
            case EndAsked():
                await self._book.ended(self._session)
                self._post(Turn(CourseState.ENDED))

    def _failed(self, errand: Errand, error: TongbuError) -> None:
        if isinstance(errand, FloorOpened):
            self._post(FloorFailed(errand.member))
        elif isinstance(errand, EndAsked):
            refused = Refused(Reason.NOT_NOW, f"the lesson could not be ended: {error}")
            self._send(errand.member, messages.refused(refused, "end"))
