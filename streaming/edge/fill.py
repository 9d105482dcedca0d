"""One object on its way in, and those who read it while it comes.

Whoever asks reads what is there and follows at its own pace. Who fetches it is in fills.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum

from catalog.store.port import StoreError
from streaming.edge.arrival import Arrival
from streaming.edge.piece import Group, Piece

KEEP_FROM = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece comes from: the path upstream, and the group it is used with."""

    path: str
    piece: Piece
    group: Group


class FillState(Enum):
    """Where a fill stands; the value labels metrics."""

    WAITING = "waiting"
    COMING = "coming"
    BROKEN = "broken"
    WHOLE = "whole"
    FAILED = "failed"
    DROPPED = "dropped"


END_STATES = frozenset({FillState.WHOLE, FillState.FAILED, FillState.DROPPED})
_NEXT: dict[FillState, frozenset[FillState]] = {
    FillState.WAITING: frozenset({FillState.COMING, FillState.FAILED, FillState.DROPPED}),
    FillState.COMING: frozenset(
        {FillState.BROKEN, FillState.WHOLE, FillState.FAILED, FillState.DROPPED}
    ),
    FillState.BROKEN: frozenset({FillState.WAITING, FillState.FAILED, FillState.DROPPED}),
    FillState.WHOLE: frozenset(),
    FillState.FAILED: frozenset(),
    FillState.DROPPED: frozenset(),
}


class Fill:
    """One piece that comes, and those who read it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.arrival = Arrival(place.path, place.piece.size_bytes)
        self.state = FillState.WAITING
        self.readers = 0
        self.requests = 0
        self.error: StoreError | None = None
        self._moved = asyncio.Event()

    def become(self, state: FillState) -> None:
        """Go on to another state. Raises: ValueError."""
        if state not in _NEXT[self.state]:
            raise ValueError(f"a fill that is {self.state.value} cannot become {state.value}")
        self.state = state
        self.move()

    def fail(self, error: StoreError, state: FillState = FillState.FAILED) -> None:
        """End: whoever still waits gets this error."""
        self.error = error
        self.become(state)

    def move(self) -> None:
        """Wake those who follow."""
        self._moved.set()
        self._moved = asyncio.Event()

    @property
    def unwanted(self) -> bool:
        """Tell whether to stop: nobody reads it, and less than half is there."""
        share = self.arrival.have_bytes / self.arrival.size_bytes
        return not self.readers and share < KEEP_FROM and self.state not in END_STATES

    async def reach(self, position: int) -> None:
        """Return once the byte at position is here. Raises: StoreError."""
        while self.arrival.have_bytes <= position:
            if self.error is not None:
                raise type(self.error)(str(self.error))
            await self._moved.wait()

    async def chunks(self, first: int, end: int) -> AsyncGenerator[bytes, None]:
        """Give the bytes from first to before end, as they come. Raises: StoreError."""
        while first < end:
            await self.reach(first)
            chunk = self.arrival.read(first, end)
            first += len(chunk)
            yield chunk
