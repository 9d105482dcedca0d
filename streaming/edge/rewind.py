"""Segments of a live lesson that have left the window, for those who go back: one request each.

They lie in the origin's store; here they are held in memory for the others who go back, the least
used dropped first. Whoever asks while one comes waits for the same answer.
"""

from __future__ import annotations

import asyncio

from streaming.edge.upstream import BadAnswer, LineCut, Upstream
from streaming.vod.kept import Kept

HELD_LIMIT_BYTES = 64 * 1024 * 1024
NEVER = float("inf")


class Rewind:
    """Fetches old segments (`relayed.FetchOld`)."""

    def __init__(self, upstream: Upstream, limit_bytes: int = HELD_LIMIT_BYTES) -> None:
        self._upstream = upstream
        self._held: Kept[str, bytes] = Kept(limit_bytes)
        self._coming: dict[str, asyncio.Task[bytes | None]] = {}

    async def fetch(self, session: str, feed: str, rendition: str, number: int) -> bytes | None:
        """Give a segment with the times that it was sent with; None when it cannot be had."""
        folder = "" if feed == "main" else f"{feed}/"
        path = f"/live/{session}/{folder}{rendition}/{number}.m4s"
        held = self._held.fresh(path, 0.0)
        if held is not None:
            return held
        task = self._coming.get(path)
        if task is None:
            task = self._coming[path] = asyncio.create_task(self._ask(path), name="old segment")
            task.add_done_callback(lambda _: self._coming.pop(path, None))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Leave nothing running."""
        for task in list(self._coming.values()):
            task.cancel()
        await asyncio.gather(*self._coming.values(), return_exceptions=True)

    async def _ask(self, path: str) -> bytes | None:
        try:
            answer = await self._upstream.text(path)
        except (LineCut, BadAnswer):
            return None
        if answer.status != 200 or not answer.body:
            return None
        self._held.put(path, answer.body, NEVER, len(answer.body))
        return answer.body
