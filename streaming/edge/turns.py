"""Turns on the line: a thin shell of `Schedule` for the fills (`fills.Turns`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from streaming.edge.arrival import Broken
from streaming.edge.fill import Place
from streaming.edge.piece import Piece
from streaming.edge.schedule import Crowded, Schedule, Wish


class Turns:
    """Lets each fill wait until it may use the line."""

    def __init__(self, schedule: Schedule[Piece], clock: Callable[[], float]) -> None:
        self._schedule = schedule
        self._clock = clock
        self._bells: dict[Piece, asyncio.Event] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many fills wait."""
        return self._schedule.waiting

    @asynccontextmanager
    async def turn(self, place: Place, wish: Wish) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises: Broken when too many wait."""
        piece = place.piece
        try:
            self._schedule.add(self._clock(), piece, wish, piece.size_bytes)
        except Crowded as error:
            raise Broken(str(error)) from error
        bell = self._bells[piece] = asyncio.Event()
        self._pump()
        try:
            await bell.wait()
            yield
        finally:
            del self._bells[piece]
            if bell.is_set():
                self._schedule.done(piece)
            else:
                self._schedule.drop(piece)
            self._pump()

    def hurry(self, place: Place, wish: Wish) -> None:
        """Somebody else wants it too."""
        with suppress(KeyError):
            self._schedule.promote(self._clock(), place.piece, wish)
            self._pump()

    def pace_night(self, bps: int) -> None:
        """Let the night's pieces come at this rate; 0 stops them."""
        self._schedule.pace_night(self._clock(), bps)
        self._pump()

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pump(self) -> None:
        for piece in self._schedule.start(self._clock()):
            self._bells[piece].set()
        self.close()
        deadline = self._schedule.next_deadline()
        if deadline is not None:
            delay_s = max(0.01, deadline - self._clock())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._pump)
