"""Which keyframes of a recording become its poster and its thumbnails. Pure.

A recording was encoded while it was live, so nothing of it is decoded but keyframes, one a cell:
the catalogue knows where each segment's first picture lies. Thumbnails come from the smallest rung,
the poster from the smallest one that is large enough. Nobody has looked at the pictures: the
keyframe with the most bytes has the most to see, and a black or empty one has few.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.media import Media, Rendition, Segment
from transcoder.plan import SidePlan
from transcoder.planning import POSTER_HEIGHT_PX, side_plan
from transcoder.sideproducts import sheet_times

PICTURE_LIMIT_BYTES = 8 << 20
POSTER_FROM, POSTER_TO = 0.05, 0.6
POSTER_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """A thumbnail's place in its row of cells, and the segment whose first picture it shows."""

    index: int
    segment: Segment


@dataclass(frozen=True, slots=True)
class StillPlan:
    """What is read of a recording. `posters`: the most promising pictures, the best first."""

    side: SidePlan
    duration_s: float
    sheet: Rendition
    cells: tuple[Cell, ...]
    poster: Rendition
    posters: tuple[Segment, ...]


def plan_stills(renditions: Sequence[Rendition]) -> StillPlan | None:
    """Choose the pictures of a recording; None when there is nothing to see in it."""
    spans = [span for span in map(_span_s, renditions) if span is not None]
    videos = sorted(filter(_has_pictures, renditions), key=lambda item: item.height_px or 0)
    if not videos:
        return None
    starts_s = min(span[0] for span in spans)
    duration_s = max(span[1] for span in spans) - starts_s
    sheet = videos[0]
    poster = next((v for v in videos if (v.height_px or 0) >= POSTER_HEIGHT_PX), videos[-1])
    side = side_plan((poster.width_px or 0, poster.height_px or 0), duration_s, 0.0, slides=False)
    times_s = [starts_s + at_s for row in sheet_times(side, 0.0, duration_s) for at_s in row]
    return StillPlan(
        side, duration_s, sheet, _cells(sheet, times_s), poster,
        _posters(poster, starts_s, duration_s),
    )  # fmt: skip


def _span_s(rendition: Rendition) -> tuple[float, float] | None:
    found = rendition.segments()
    if not found:
        return None
    end_ts = found[-1].start_ts + found[-1].duration_ts
    return found[0].start_ts / rendition.timescale, end_ts / rendition.timescale


def _has_pictures(rendition: Rendition) -> bool:
    sized = rendition.width_px and rendition.height_px
    return rendition.media is Media.VIDEO and bool(sized) and any(_pictures(rendition))


def _pictures(rendition: Rendition) -> list[Segment]:
    return [item for item in rendition.segments() if 0 < item.keyframe_bytes <= PICTURE_LIMIT_BYTES]


def _cells(rendition: Rendition, times_s: Sequence[float]) -> tuple[Cell, ...]:
    """Give each time the last keyframe before it; one that is shown already is left out."""
    pictures = _pictures(rendition)
    starts = [item.start_ts for item in pictures]
    chosen: dict[int, int] = {}
    for index, time_s in enumerate(times_s):
        at = max(0, bisect_right(starts, round(time_s * rendition.timescale)) - 1)
        chosen.setdefault(at, index)
    return tuple(Cell(index, pictures[at]) for at, index in chosen.items())


def _posters(rendition: Rendition, starts_s: float, duration_s: float) -> tuple[Segment, ...]:
    """Give the richest keyframes behind the beginning, when everyone has sat down."""
    pictures = _pictures(rendition)
    since_ts = (starts_s + POSTER_FROM * duration_s) * rendition.timescale
    until_ts = (starts_s + POSTER_TO * duration_s) * rendition.timescale
    within = [item for item in pictures if since_ts <= item.start_ts <= until_ts] or pictures
    richest = sorted(within, key=lambda item: (-item.keyframe_bytes, item.start_ts))
    return tuple(richest[:POSTER_CANDIDATES])
