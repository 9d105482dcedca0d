"""The presentations that are being watched, kept in memory: segments ask no database.

Several requests for one lesson wait for one read. What is kept is forgotten when the catalogue
says that the lesson changed (`forget`), and read again after a while in case that was not heard.
While the catalogue is away, what is known goes on being served.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from catalog.errors import Unavailable
from catalog.media import PresentationSource, Rendition
from streaming.metrics import MediaMetrics
from streaming.vod.kept import Kept
from streaming.vod.view import TEXTS_LIMIT_BYTES, Texts, View

SEGMENTS_LIMIT = 500_000
OLD_RENDITIONS_LIMIT = 2_000
WHOLE_S = 60.0
GROWING_S = 2.0
MISSING_S = 1.0
SETTLED_S = 0.2
OUTDATED = float("-inf")


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read, and when; not `trusted` once the lesson is said to have changed."""

    view: View | None
    read_at: float
    trusted: bool = True

    @property
    def weight(self) -> int:
        return self.view.weight if self.view else 1


class Lessons:
    """Views of presentations by lesson; one task a lesson reads, everyone else waits for it."""

    def __init__(
        self,
        source: PresentationSource,
        metrics: MediaMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._metrics = metrics
        self._clock = clock
        self._texts: Texts = Kept(TEXTS_LIMIT_BYTES)
        self._views: Kept[str, _Known] = Kept(SEGMENTS_LIMIT)
        self._renditions: Kept[str, tuple[str, Rendition] | str] = Kept(OLD_RENDITIONS_LIMIT)
        self._reading: dict[str, asyncio.Task[View | None]] = {}

    def kept(self, lesson: str) -> View | None:
        """Give the view if it is in memory and fresh."""
        known = self._views.fresh(lesson, self._clock())
        return None if known is None else known.view

    async def view(self, lesson: str) -> View | None:
        """Give the lesson's view; None when there is nothing to watch. Raises: Unavailable."""
        kept = self._views.fresh(lesson, self._clock())
        return await self._read(lesson) if kept is None else kept.view

    async def newer_view(self, lesson: str) -> View | None:
        """Give a view that was read just now, for a request that the kept one cannot answer."""
        kept = self._views.fresh(lesson, self._clock())
        if kept is not None and self._clock() - kept.read_at < SETTLED_S:
            return kept.view
        return await self._read(lesson)

    async def old_rendition(self, lesson: str, rendition: str) -> Rendition | None:
        """Give a rendition of the lesson that its view no longer shows. Raises: Unavailable."""
        found = self._renditions.fresh(rendition, self._clock())
        if found is None:
            found = await self._source.rendition(rendition) or ""
            self._renditions.put(rendition, found, self._clock() + WHOLE_S)
        if isinstance(found, str) or found[0] != lesson:
            return None
        return found[1]

    def forget(self, lesson: str) -> None:
        """Read the lesson anew when it is next asked for; a read under way is too old already."""
        self._reading.pop(lesson, None)
        known = self._views.any(lesson)
        if known is not None:
            self._views.put(lesson, replace(known, trusted=False), OUTDATED, known.weight)

    async def _read(self, lesson: str) -> View | None:
        task = self._reading.get(lesson)
        if task is None:
            task = asyncio.create_task(self._load(lesson), name=f"read {lesson}")
            self._reading[lesson] = task
            task.add_done_callback(lambda done: self._loaded(lesson, done))
        try:
            return await asyncio.shield(task)
        except Unavailable:
            known = self._views.any(lesson)
            if known is None or not known.trusted:
                raise
            return known.view

    async def _load(self, lesson: str) -> View | None:
        self._metrics.loads.inc()
        presentation = await self._source.presentation(lesson)
        if presentation is None:
            return None
        known = self._views.any(lesson)
        if known is not None and known.view and known.view.presentation == presentation:
            return known.view  # a view was counted, or progress made: its texts still hold
        return View(presentation, self._texts)

    def _loaded(self, lesson: str, task: asyncio.Task[View | None]) -> None:
        failed = task.cancelled() or task.exception() is not None
        if self._reading.get(lesson) is not task:
            return
        del self._reading[lesson]
        if failed:
            return
        known = _Known(task.result(), self._clock())
        self._views.put(lesson, known, known.read_at + _keep_s(known.view), known.weight)


def _keep_s(view: View | None) -> float:
    if view is None:
        return MISSING_S
    return WHOLE_S if view.presentation.complete else GROWING_S
