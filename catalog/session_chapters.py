"""Chapters of a recording from those of the lesson: by the recording's own time. Pure.

The room makes chapters in lesson time (streaming/room); a recording may begin later than that,
as the other lesson of two does, and end earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalog.media import Chapter

MakeChapters = Callable[[Sequence[Mapping[str, Any]]], Iterable[Chapter]]


def no_chapters(log: Sequence[Mapping[str, Any]]) -> Iterable[Chapter]:
    """Make none: for a service without rooms."""
    return ()


def within(chapters: Iterable[Chapter], starts_s: float, ends_s: float) -> tuple[Chapter, ...]:
    """Give what of the chapters lies between two moments of lesson time, counted from the first.

    The chapter that was under way at the beginning is the first.
    """
    ordered = sorted(chapters, key=lambda chapter: chapter.start_s)
    before = [replace(item, start_s=0.0) for item in ordered if item.start_s <= starts_s]
    inside = [
        replace(item, start_s=round(item.start_s - starts_s, 3))
        for item in ordered
        if starts_s < item.start_s < ends_s
    ]
    return (*before[-1:], *inside)
