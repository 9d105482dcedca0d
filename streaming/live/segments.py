"""What a track is made of: runs, parts, segments. Pure values; times in the rendition's ticks."""

from __future__ import annotations

from dataclasses import dataclass

from streaming.isobmff.reader import Init

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch with one initialization section."""

    number: int
    init: Init


@dataclass(frozen=True, slots=True)
class Part:
    """A partial segment: whole fragments. Times in the rendition's ticks."""

    number: int
    index: int
    start_ts: int
    duration_ts: int
    independent: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """What a segment is begun with: the same in all renditions, but for where its media begins."""

    number: int
    discontinuity: bool
    program_utc: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A whole segment. Out of the window its bytes and parts are gone; a gap never had any."""

    number: int
    run: int
    discontinuity: bool
    program_utc: float
    start_ts: int
    duration_ts: int
    size_bytes: int = 0
    keyframe_bytes: int = 0
    data: bytes = b""
    parts: tuple[Part, ...] = ()
    gap: bool = False


def micros(ticks: int, timescale: int) -> int:
    """Give ticks in microseconds, rounded."""
    return (2 * ticks * MICROSECONDS + timescale) // (2 * timescale)
