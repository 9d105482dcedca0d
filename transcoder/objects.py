"""Segments gathered into media objects: which segments one stored file holds. Pure.

An encoder writes one CMAF track; every fragment is a segment. The first object of a lesson holds
one segment, so that it can be announced at once; each next one holds half of what lies before it,
so that a lesson of any length is a handful of objects and a crash loses little.

Spec: ISO/IEC 23000-19 7.3.2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from streaming.isobmff.fragment import Fragment
from streaming.isobmff.init import Track
from streaming.isobmff.reader import CmafReader, Init
from transcoder.errors import TranscoderError

LONGEST_OBJECT_SEGMENTS = 48


class OffGrid(TranscoderError):
    """The encoder's segments do not lie where the plan says: nothing of them may be published."""


def object_segments(first_number: int) -> int:
    """Tell how many segments an object holds whose first one has this number."""
    return min(max(1, first_number // 2), LONGEST_OBJECT_SEGMENTS)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where segments begin.

    A full segment lasts segment_s. Video is exact: segment n begins at n × segment_s, in every
    rung. Audio lasts whole codec frames, the least number that fills segment_s.
    """

    segment_s: Fraction
    exact: bool


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes to add to the object that is being written."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The object that is being written is whole."""

    init: Init
    first_number: int
    base_ts: int
    sizes: tuple[int, ...]
    durations_ts: tuple[int, ...]
    keyframe_sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Segment:
    """What is kept of a segment whose bytes are written."""

    start_ts: int
    duration_ts: int
    size_bytes: int
    keyframe_bytes: int


class TrackCutter:
    """Cut one encoder's bytes into objects: `feed` what comes, `finish` after a good end.

    `stream_number` is the number of the first segment in the stream, `first_number` that of the
    first one that is wanted; those before it were published by an earlier attempt. A segment that
    is not full is held until `finish`, because only the last one may be short: an encoder that is
    ended by a signal writes half a segment too.
    """

    def __init__(self, grid: Grid, stream_number: int, first_number: int) -> None:
        self._grid = grid
        self._reader = CmafReader()
        self._next = stream_number
        self._wanted = first_number
        self._init: Init | None = None
        self._end_ts: int | None = None
        self._held: Fragment | None = None
        self._segments: list[_Segment] = []

    def feed(self, data: bytes) -> list[Write | Close]:
        """Take the next bytes. Raises: BadMedia, OffGrid."""
        found: list[Write | Close] = []
        for item in self._reader.feed(data):
            if isinstance(item, Init):
                self._init = item
            else:
                found += self._take(item)
        return found

    def finish(self) -> list[Write | Close]:
        """Close what is left after the encoder ended well. Raises: BadMedia, OffGrid."""
        self._reader.finish()
        found: list[Write | Close] = []
        if self._held is not None:
            found += self._keep(self._held)
            self._held = None
        if self._segments:
            found.append(self._close())
        return found

    def _take(self, fragment: Fragment) -> list[Write | Close]:
        track = self._track()
        if self._held is not None:
            raise OffGrid("a segment follows a short one")
        self._check(track, fragment)
        self._end_ts = fragment.start_ts + fragment.duration_ts
        if fragment.duration_ts < self._grid.segment_s * track.timescale:
            self._held = fragment
            return []
        return self._keep(fragment)

    def _track(self) -> Track:
        assert self._init is not None, "CmafReader gives the Init first"
        return self._init.track

    def _check(self, track: Track, fragment: Fragment) -> None:
        step_ts = self._grid.segment_s * track.timescale
        expected = self._next * step_ts if self._grid.exact else self._end_ts or 0
        if fragment.start_ts != expected:
            raise OffGrid(f"segment {self._next} begins at {fragment.start_ts}, not at {expected}")
        if self._grid.exact and fragment.duration_ts > step_ts:
            raise OffGrid(f"segment {self._next} lasts {fragment.duration_ts}, not {step_ts} ticks")
        if not fragment.starts_with_sync:
            raise OffGrid(f"segment {self._next} does not begin with a keyframe")

    def _keep(self, fragment: Fragment) -> list[Write | Close]:
        number, self._next = self._next, self._next + 1
        if number < self._wanted:
            return []
        assert self._init is not None
        lead = b"" if self._segments else self._init.data
        self._segments.append(
            _Segment(
                fragment.start_ts, fragment.duration_ts, len(fragment.data),
                fragment.first_sample_end,
            )
        )  # fmt: skip
        found: list[Write | Close] = [Write(lead + fragment.data)]
        if len(self._segments) == object_segments(self._next - len(self._segments)):
            found.append(self._close())
        return found

    def _close(self) -> Close:
        assert self._init is not None
        segments, self._segments = self._segments, []
        return Close(
            self._init,
            self._next - len(segments),
            segments[0].start_ts,
            tuple(segment.size_bytes for segment in segments),
            tuple(segment.duration_ts for segment in segments),
            tuple(segment.keyframe_bytes for segment in segments),
        )
