"""What can be played of a lesson: renditions, and where each segment's bytes lie.

The words that the transcoder writes and the data plane reads; no database, no HTTP. A rendition is
kept as a few media objects (CMAF files: init, then whole segments); a `MediaObject` names the key
and the sizes of its segments. All times are integer ticks of the rendition's timescale.

Spec: ISO/IEC 23000-19 (CMAF) 7.3.2.3 segments; RFC 8216bis 3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, repeat
from math import ceil
from typing import Protocol


class Media(Enum):
    """Kind of a rendition."""

    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its bytes are `size_bytes` from `offset` in the object at `key`.

    The first `keyframe_bytes` of them show its first picture; 0 when that is not known.
    """

    number: int
    key: str
    offset: int
    size_bytes: int
    start_ts: int
    duration_ts: int
    keyframe_bytes: int = 0


@dataclass(frozen=True, slots=True)
class MediaObject:
    """A stored CMAF file: init_bytes of initialization section, then segments back to back.

    `keyframe_sizes` says of each segment of video how many bytes show its first picture.
    """

    key: str
    first_number: int
    init_bytes: int
    base_ts: int
    sizes: tuple[int, ...]
    durations_ts: tuple[int, ...]
    keyframe_sizes: tuple[int, ...] = ()

    def segments(self) -> Iterator[Segment]:
        """Give the object's segments in order."""
        offsets = accumulate(self.sizes, initial=self.init_bytes)
        starts = accumulate(self.durations_ts, initial=self.base_ts)
        keyframes = self.keyframe_sizes or repeat(0)
        rows = zip(offsets, starts, self.sizes, self.durations_ts, keyframes, strict=False)
        for index, (offset, start_ts, size, duration_ts, keyframe) in enumerate(rows):
            number = self.first_number + index
            yield Segment(number, self.key, offset, size, start_ts, duration_ts, keyframe)

    def segment(self, number: int) -> Segment | None:
        """Give one of the object's segments by its number, without making the others."""
        index = number - self.first_number
        if not 0 <= index < len(self.sizes):
            return None
        return Segment(
            number,
            self.key,
            self.init_bytes + sum(self.sizes[:index]),
            self.sizes[index],
            self.base_ts + sum(self.durations_ts[:index]),
            self.durations_ts[index],
            self.keyframe_sizes[index] if self.keyframe_sizes else 0,
        )


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding of a lesson's video or audio. `rung` orders a group, 0 the largest.

    `codecs` is an RFC 6381 string. `objects` are ordered by first_number; a gap means that a chunk
    further on was ready before one in front: only the segments before the gap can be announced.
    `complete` says that no object will follow.
    """

    id: str
    name: str
    media: Media
    codecs: str
    timescale: int
    init: bytes
    rung: int
    complete: bool
    objects: tuple[MediaObject, ...]
    width_px: int | None = None
    height_px: int | None = None
    frame_rate: tuple[int, int] | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None

    def segments(self) -> list[Segment]:
        """Segments from 0 on without a gap: what a playlist may announce now."""
        found: list[Segment] = []
        for item in self.objects:
            if item.first_number != len(found):
                break
            found.extend(item.segments())
        return found

    def segment(self, number: int) -> Segment | None:
        """Give a stored segment by its number, announced or not."""
        at = bisect_right(self.objects, number, key=lambda item: item.first_number)
        return self.objects[at - 1].segment(number) if at else None


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One language of subtitles as WebVTT text."""

    language: str
    label: str
    webvtt: str


@dataclass(frozen=True, slots=True)
class Sprite:
    """A grid of thumbnails in one JPEG: cells of width × height pixels, one each `interval_s`."""

    key: str
    columns: int
    rows: int
    cell_width_px: int
    cell_height_px: int
    times_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter from `start_s` to the next one's start."""

    start_s: float
    title: str


@dataclass(frozen=True, slots=True)
class Presentation:
    """All that is needed to render a lesson's playlists: one generation, as published by now."""

    lesson: str
    generation: int
    visibility: str
    complete: bool
    renditions: tuple[Rendition, ...]
    subtitles: tuple[SubtitleTrack, ...] = ()
    sprites: tuple[Sprite, ...] = ()
    poster_key: str = ""
    chapters: tuple[Chapter, ...] = ()


@dataclass(frozen=True, slots=True)
class CappedPresentation(Presentation):
    """A presentation as a school may watch it now; it never leaves the school's box.

    hidden: renditions by id that are announced only to a player that asks for all, because it
    learns by itself which of them it may choose.
    """

    hidden: frozenset[str] = frozenset()


class PresentationSource(Protocol):
    """Where the data plane learns what can be played (the catalogue, or an edge's upstream)."""

    async def presentation(self, lesson: str) -> Presentation | None:
        """Give the newest playable generation, or None when there is no such lesson."""

    async def rendition(self, rendition: str) -> tuple[str, Rendition] | None:
        """Give (lesson id, rendition) by the rendition's id, of any generation still kept."""


def contiguous_end_ts(segments: Sequence[Segment]) -> int:
    """Media time in ticks at which the announced segments end; 0 when there are none."""
    return segments[-1].start_ts + segments[-1].duration_ts if segments else 0


def average_bps(segments: Sequence[Segment], timescale: int) -> int:
    """Bits a second over all segments; 0 when there are none."""
    duration_ts = sum(segment.duration_ts for segment in segments)
    size_bytes = sum(segment.size_bytes for segment in segments)
    return ceil(8 * size_bytes * timescale / duration_ts) if duration_ts else 0


def peak_bps(segments: Sequence[Segment], timescale: int, target_s: float) -> int:
    """Largest bit rate of any run of segments that lasts between 0.5 and 1.5 times the target.

    Segments that are all too short for such a run have their average instead.

    Spec: RFC 8216bis 4.1 (peak segment bit rate).
    """
    least_ts, most_ts = target_s * timescale / 2, target_s * timescale * 3 / 2
    peak = 0.0
    for first in range(len(segments)):
        size_bytes = duration_ts = 0
        for index in range(first, len(segments)):
            size_bytes += segments[index].size_bytes
            duration_ts += segments[index].duration_ts
            if duration_ts > most_ts:
                break
            if duration_ts >= least_ts:
                peak = max(peak, 8 * size_bytes * timescale / duration_ts)
    return ceil(peak) or average_bps(segments, timescale)
