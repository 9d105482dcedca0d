"""Segments of a live lesson that have left the window, for those who go back: one request each.

They lie in the origin's store; here they are held in memory for the others who go back, the least
used dropped first. Whoever asks while one comes waits for the same answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from streaming.edge.arrival import Broken
from streaming.edge.fill import Place
from streaming.edge.piece import Group, Piece
from streaming.edge.schedule import Priority, Wish
from streaming.edge.turns import Turns
from streaming.edge.upstream import BadAnswer, LineCut, Upstream
from streaming.vod.kept import Kept

HELD_LIMIT_BYTES = 64 * 1024 * 1024
NEAR_S = 20.0
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class OldSegment:
    """A segment whose media never came here, or has gone; `age_s` after it was captured."""

    session: str
    feed: str
    rendition: str
    number: int
    size_bytes: int
    age_s: float

    @property
    def path(self) -> str:
        """Where the upstream has it."""
        folder = "" if self.feed == "main" else f"{self.feed}/"
        return f"/live/{self.session}/{folder}{self.rendition}/{self.number}.m4s"

    @property
    def place(self) -> Place:
        """Where it stands among what waits for the line."""
        piece = Piece(self.path, 0, max(1, self.size_bytes))
        return Place(self.path, piece, Group(self.session, self.rendition))


class Rewind:
    """Fetches old segments (`relayed.FetchOld`)."""

    def __init__(
        self,
        upstream: Upstream,
        turns: Turns,
        limit_bytes: int = HELD_LIMIT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstream = upstream
        self._turns = turns
        self._clock = clock
        self._held: Kept[str, bytes] = Kept(limit_bytes)
        self._coming: dict[str, asyncio.Task[bytes | None]] = {}

    async def fetch(self, segment: OldSegment) -> bytes | None:
        """Give a segment with the times that it was sent with; None when it cannot be had."""
        path = segment.path
        held = self._held.fresh(path, 0.0)
        if held is not None:
            return held
        task = self._coming.get(path)
        if task is None:
            task = asyncio.create_task(self._ask(segment), name="old segment")
            self._coming[path] = task
            task.add_done_callback(lambda _: self._coming.pop(path, None))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Leave nothing running."""
        for task in list(self._coming.values()):
            task.cancel()
        await asyncio.gather(*self._coming.values(), return_exceptions=True)

    async def _ask(self, segment: OldSegment) -> bytes | None:
        older_s = segment.age_s if segment.age_s < NEAR_S else 0.0
        wish = Wish(Priority.WAITED, self._clock() - older_s)
        try:
            async with self._turns.turn(segment.place, wish):
                answer = await self._upstream.text(segment.path)
        except (LineCut, BadAnswer, Broken):
            return None
        if answer.status != 200 or not answer.body:
            return None
        self._held.put(segment.path, answer.body, NEVER, len(answer.body))
        return answer.body
