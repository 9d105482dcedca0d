"""Foreign players held to their share of the line: a thin shell of `Paces`, in a school's box only.

What is paced is the bytes that a viewer makes cross the line. What is in the school costs nothing
and is given as fast as it goes; so is what somebody else brings already.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager

from catalog.errors import Invalid
from streaming.edge.pace import Booking, Paces, Share, grain_bytes
from streaming.qoe.cmcd import read_headers

MARK = "cmcd-session"
BOX = "Edge "


class Pacing:
    """Makes what holds a viewer back; `share` says what a lesson's foreign viewers may take."""

    def __init__(
        self,
        share: Callable[[str], Share | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.share = share
        self.clock = clock
        self.paces = Paces()

    def slowing(self, lesson: str, viewer: str, headers: Mapping[str, str]) -> Slowing | None:
        """Give what holds a viewer back; None for a player of ours, which holds itself back."""
        return None if is_ours(lesson, headers) else Slowing(self, lesson, viewer)


class Slowing:
    """Holds one viewer of a lesson back; it has as many connections as it likes."""

    def __init__(self, pacing: Pacing, lesson: str, viewer: str) -> None:
        self._pacing = pacing
        self._lesson = lesson
        self._viewer = viewer

    @asynccontextmanager
    async def turn(self, size_bytes: int) -> AsyncIterator[Turn | None]:
        """Wait until the viewer may make a piece of this size cross the line; then hold the turn.

        None when nobody else needs the line. What was not given in the turn is not counted.
        """
        pacing, share = self._pacing, self._pacing.share(self._lesson)
        if share is None:
            yield None
            return
        now = pacing.clock()
        booking = pacing.paces.book(now, self._lesson, self._viewer, size_bytes, share)
        turn = Turn(booking, pacing.clock)
        try:
            await turn.wait()
            yield turn
        finally:
            left_bytes = size_bytes - int(turn.given_bytes)
            now = pacing.clock()
            pacing.paces.give_back(now, self._lesson, self._viewer, booking, left_bytes)


class Turn:
    """One piece for a viewer: its bytes go out evenly over the piece's time."""

    def __init__(self, booking: Booking, clock: Callable[[], float]) -> None:
        self._booking = booking
        self._clock = clock
        self.given_bytes = 0.0

    def grains(self, chunk: bytes) -> Iterator[bytes]:
        """Cut a chunk into what is given at a time: call `give` before each."""
        size_bytes = grain_bytes(self._booking.bps)
        for at in range(0, len(chunk), size_bytes):
            yield chunk[at : at + size_bytes]

    async def give(self, size_bytes: float) -> None:
        """Wait until so much more of the piece may have been given."""
        self.given_bytes += size_bytes
        await self.wait()

    async def wait(self) -> None:
        """Wait until what has been given is due."""
        wait_s = self._booking.due_at(self.given_bytes) - self._clock()
        if wait_s > 0:
            await asyncio.sleep(wait_s)


def is_ours(lesson: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a request is of a player of ours, whose CMCD names the lesson as its content, or
    of a box behind this one, which fetches each piece once for a whole school.
    """
    if (headers.get("authorization") or "").startswith(BOX):
        return True
    if MARK not in headers:
        return False
    try:
        said = read_headers(headers)
    except Invalid:
        return False
    return said is not None and said.cid == lesson
