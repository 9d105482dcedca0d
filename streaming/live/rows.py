"""What a recording still has to store: segments of one number in all renditions are a row. Pure.

Rows are stored whole and in order. Their times are those of the channel less the time that the
publisher was away (and the time before the first segment), so the recording begins at 0 and has no
hole. The key of a stored segment says how far its times were moved: a restarted origin gives
rewinding viewers the times that they know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from catalog.media import Rendition
from streaming.isobmff.reader import Init
from streaming.live.port import LiveRendition
from streaming.live.segments import MICROSECONDS, Segment, micros
from streaming.live.track import GAP_US

_KEY = re.compile(r".*/\d+-t(?P<shift>\d+)\.mp4")
_AGAIN = re.compile(r"-r\d+$")
LATE_ROWS = 2


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a segment lies, and by how much its times were moved back."""

    key: str
    size_bytes: int
    shift_ts: int


@dataclass(frozen=True, slots=True)
class Whole:
    """A segment of a rendition, with what it needs to be played."""

    rendition: LiveRendition
    init: Init
    segment: Segment

    @property
    def name(self) -> str:
        """The rendition's name."""
        return self.rendition.name

    @property
    def timescale(self) -> int:
        """Ticks a second."""
        return self.init.track.timescale

    @property
    def start_us(self) -> int:
        """Where it begins on the channel's timeline."""
        return micros(self.segment.start_ts, self.timescale)

    @property
    def end_us(self) -> int:
        """Where it ends on the channel's timeline."""
        return micros(self.segment.start_ts + self.segment.duration_ts, self.timescale)


@dataclass(slots=True)
class Row:
    """The segments of one number."""

    number: int
    wholes: dict[str, Whole] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return sum(len(item.segment.data) for item in self.wholes.values())

    def find(self, name: str) -> bytes | None:
        """Give the bytes of one rendition."""
        whole = self.wholes.get(name)
        return whole.segment.data if whole and not whole.segment.gap else None


class Rows:
    """Rows that wait, up to `limit_bytes`; beyond that the oldest are lost."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._rows: dict[int, Row] = {}
        self._closed = False
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, whole: Whole) -> list[int]:
        """Add a segment; give the numbers of rows that had to go."""
        number = whole.segment.number
        self._rows.setdefault(number, Row(number)).wholes[whole.name] = whole
        self.size_bytes += len(whole.segment.data)
        lost: list[int] = []
        while self.size_bytes > self._limit_bytes and len(self._rows) > 1:
            lost.append(self._pop(min(self._rows)).number)
        return lost

    def close(self) -> None:
        """Say that no segment will follow: every row is whole."""
        self._closed = True

    def next(self, names: Iterable[str]) -> Row | None:
        """Take out the oldest row when all these renditions are in it, or will not be any more."""
        if not self._rows:
            return None
        first, last = min(self._rows), max(self._rows)
        have = self._rows[first].wholes
        if self._closed or last - first >= LATE_ROWS or set(names) <= set(have):
            return self._pop(first)
        return None

    def find(self, name: str, number: int) -> bytes | None:
        """Give the bytes of a segment that waits."""
        row = self._rows.get(number)
        return row.find(name) if row else None

    def _pop(self, number: int) -> Row:
        row = self._rows.pop(number)
        self.size_bytes -= row.size_bytes
        return row


class RecordingTime:
    """The recording's timeline: where the next row goes."""

    def __init__(self, ends_us: int = 0) -> None:
        self._ends_us = ends_us
        self._media_end_us: int | None = None
        self._shift_us = 0

    def shift_us(self, row: Row) -> int:
        """Give by how much a row's times move back; a hole in front of it moves it further."""
        wholes = [item for item in row.wholes.values() if not item.segment.gap]
        if not wholes:
            return self._shift_us
        start_us = min(item.start_us for item in wholes)
        if self._media_end_us is None or start_us > self._media_end_us + GAP_US:
            self._shift_us = start_us - self._ends_us
        self._media_end_us = max(item.end_us for item in wholes)
        self._ends_us = self._media_end_us - self._shift_us
        return self._shift_us


def shift_ticks(shift_us: int, whole: Whole) -> int:
    """Give a shift in a segment's own ticks, rounded, and never to a time below 0."""
    scale = whole.timescale
    shift_ts = (2 * shift_us * scale + MICROSECONDS) // (2 * MICROSECONDS)
    return min(shift_ts, whole.segment.start_ts)


def segment_key(lesson: str, generation: int, name: str, number: int, shift_ts: int) -> str:
    """Key of a recorded segment, in the layout of catalog/store/keys.py."""
    return f"media/{lesson}/{generation}/{name}/{number:06d}-t{shift_ts}.mp4"


def base_name(name: str) -> str:
    """Give the encoder's name of a rendition that the catalogue keeps as `name-r2`, `name-r3`."""
    return _AGAIN.sub("", name)


def newest(renditions: Iterable[Rendition]) -> dict[str, Rendition]:
    """Give by the encoder's name what was recorded last."""
    found: dict[str, Rendition] = {}
    for item in sorted(renditions, key=last_number):
        found[base_name(item.name)] = item
    return found


def last_number(rendition: Rendition) -> int:
    """Give the number of the last recorded segment; -1 when there is none."""
    ends = [item.first_number + len(item.sizes) for item in rendition.objects]
    return max(ends, default=0) - 1


def recorded_segments(rendition: Rendition, anchor_utc: float) -> list[tuple[Segment, Stored]]:
    """Give what is recorded of a rendition, with the times that the channel knew."""
    found: list[tuple[Segment, Stored]] = []
    for item in (segment for part in rendition.objects for segment in part.segments()):
        key = _KEY.fullmatch(item.key)
        if key is None:
            return []
        shift_ts = int(key["shift"])
        start_ts = item.start_ts + shift_ts
        segment = Segment(
            number=item.number,
            run=0,
            discontinuity=False,
            program_utc=anchor_utc + start_ts / rendition.timescale,
            start_ts=start_ts,
            duration_ts=item.duration_ts,
            size_bytes=item.size_bytes,
            keyframe_bytes=item.keyframe_bytes,
        )
        found.append((segment, Stored(item.key, item.size_bytes, shift_ts)))
    return found


def without_holes(segments: Sequence[Segment]) -> list[Segment]:
    """Put gaps where numbers are missing, as long as what is missing, so that a playlist counts."""
    whole: list[Segment] = []
    for segment in segments:
        if whole:
            whole += _between(whole[-1], segment)
        whole.append(segment)
    return whole


def _between(last: Segment, following: Segment) -> Iterator[Segment]:
    start_ts = last.start_ts + last.duration_ts
    missing = following.number - last.number - 1
    missing_ts = max(0, following.start_ts - start_ts)
    spent_ts = max(1, following.start_ts - last.start_ts)
    tick_s = (following.program_utc - last.program_utc) / spent_ts
    for at in range(missing):
        begin_ts = start_ts + missing_ts * at // missing
        yield Segment(
            last.number + 1 + at,
            0,
            False,
            last.program_utc + tick_s * (begin_ts - last.start_ts),
            begin_ts,
            start_ts + missing_ts * (at + 1) // missing - begin_ts,
            gap=True,
        )
