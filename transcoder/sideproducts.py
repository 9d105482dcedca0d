"""Thumbnails and chapters out of what the encoder says beside the rungs. Pure.

The side branch of a run gives two streams: sheets of thumbnails as JPEGs one behind the other, and
two scores a second that tell how much the picture changed. Times here count from the run's first
frame; callers add where that lies in the lesson.

Spec: ITU-T T.81 B.1.1 (a 0xFF in coded data is stuffed, so FF D9 is always the end of an image);
ffmpeg-filters(1) scdet, metadata.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.media import Chapter
from transcoder.errors import ProcessError
from transcoder.plan import SidePlan

END_OF_IMAGE = b"\xff\xd9"
LARGEST_SHEET_BYTES = 8 << 20
LONGEST_LINE_BYTES = 4096
CHANGE_SCORE = 2.0
SHORTEST_CHAPTER_S = 5.0
MOST_CHAPTERS_A_MINUTE = 6.0


class SheetSplitter:
    """Cuts a stream of JPEGs into images."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they come; give the images that are whole now.

        Raises: ProcessError when an image does not end.
        """
        *images, self._rest = (self._rest + data).split(END_OF_IMAGE)
        if len(self._rest) > LARGEST_SHEET_BYTES:
            raise ProcessError(f"a thumbnail sheet is larger than {LARGEST_SHEET_BYTES} bytes")
        return [image + END_OF_IMAGE for image in images]


@dataclass(frozen=True, slots=True)
class Change:
    """How much the picture differs from the one half a second before, 0..100."""

    at_s: float
    score: float


class ChangeReader:
    """Reads the scores that the metadata filter prints."""

    __slots__ = ("_at_s", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._at_s = 0.0

    def feed(self, data: bytes) -> list[Change]:
        """Take bytes as they come; give the changes that a chapter may begin with."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest if len(rest) <= LONGEST_LINE_BYTES else b""
        found: list[Change] = []
        for line in lines:
            text = line.decode("ascii", "replace")
            if "pts_time:" in text:
                self._at_s = float(text.rpartition("pts_time:")[2])
            elif text.startswith("lavfi.scd.score="):
                score = float(text.rpartition("=")[2])
                if score >= CHANGE_SCORE:
                    found.append(Change(self._at_s, score))
        return found


def chapters(changes: Sequence[Change], duration_s: float) -> tuple[Chapter, ...]:
    """Let a chapter begin with each page that stays; none when the picture never rests.

    Changes close together are one turning of a page (an animation): the last of them counts.
    """
    starts: list[float] = [0.0]
    for change in sorted(changes, key=lambda change: change.at_s):
        if change.at_s - starts[-1] >= SHORTEST_CHAPTER_S:
            starts.append(change.at_s)
        elif len(starts) > 1:
            starts[-1] = change.at_s
    starts = [start for start in starts if duration_s - start >= SHORTEST_CHAPTER_S or not start]
    restless = len(changes) > MOST_CHAPTERS_A_MINUTE * max(1.0, duration_s / 60)
    if restless or len(starts) < 2:
        return ()
    return tuple(Chapter(round(start, 3), str(n)) for n, start in enumerate(starts, 1))


def sheet_times(side: SidePlan, start_s: float, end_s: float) -> list[tuple[float, ...]]:
    """Give the time of each cell, sheet by sheet, of a run from start_s to end_s."""
    count = max(1, math.ceil((end_s - start_s) / side.every_s - 0.001))
    times = [round(start_s + n * side.every_s, 3) for n in range(count)]
    size = side.columns * side.rows
    return [tuple(times[at : at + size]) for at in range(0, count, size)]
