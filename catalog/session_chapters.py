"""Chapters of a recording from those of the lesson: by the recording's own time. Pure.

The room makes chapters in lesson time (streaming/room). A recording begins with its first segment,
leaves out what the publisher was away, and may end earlier: `Span` says which stretch of the lesson
lies where in it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.media import Chapter

MakeChapters = Callable[[Sequence[Mapping[str, Any]]], Iterable[Chapter]]
_SHIFT = re.compile(r"-t(\d+)\.mp4$")


def no_chapters(log: Sequence[Mapping[str, Any]]) -> Iterable[Chapter]:
    """Make none: for a service without rooms."""
    return ()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the lesson and where it lies in the recording, in seconds."""

    lesson_s: float
    recorded_s: float
    duration_s: float


def shift_of(key: str) -> int:
    """Give by how many ticks a live segment's times were moved back: its key says so; else 0."""
    found = _SHIFT.search(key)
    return int(found[1]) if found else 0


def placed(chapters: Iterable[Chapter], spans: Sequence[Span]) -> tuple[Chapter, ...]:
    """Give the chapters by the recording's time; `spans` are in order.

    What began while nothing was recorded begins where the recording goes on; of several that begin
    at one moment the last stands, and what came after the recording's end is left out.
    """
    starts = [span.lesson_s for span in spans]
    found: dict[float, Chapter] = {}
    for chapter in sorted(chapters, key=lambda item: item.start_s):
        at = bisect_right(starts, chapter.start_s) - 1
        if at == len(spans) - 1 and (not spans or chapter.start_s >= _end_s(spans[at])):
            break
        start_s = round(_recorded_s(spans[at], chapter.start_s) if at >= 0 else 0.0, 3)
        found[start_s] = Chapter(start_s, chapter.title)
    return tuple(found.values())


def _end_s(span: Span) -> float:
    return span.lesson_s + span.duration_s


def _recorded_s(span: Span, lesson_s: float) -> float:
    return span.recorded_s + min(lesson_s - span.lesson_s, span.duration_s)
