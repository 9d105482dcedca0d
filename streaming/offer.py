"""What of a presentation is offered to players now: announced segments and measured bit rates.

The common ground of HLS and DASH. A lesson that still grows offers every rendition that has
begun, but AV1 only when whole: it is made later and would end in mid-lesson. Its sound, which is
ready long before, is announced no further than its pictures, since browsers play sound on over
pictures that are not there. Video and audio are ordered from the largest rung to the smallest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from catalog.media import (
    CappedPresentation,
    Media,
    Presentation,
    Rendition,
    Segment,
    SubtitleTrack,
    average_bps,
    contiguous_end_ts,
    peak_bps,
)

AV1 = "av01"
OPUS = "opus"
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Offered:
    """A rendition with the segments that may be announced, and what they need of a line.

    `complete` says that nothing will follow these.
    """

    rendition: Rendition
    segments: tuple[Segment, ...]
    peak_bps: int
    average_bps: int
    complete: bool

    @property
    def end_s(self) -> float:
        """Where the announced segments end."""
        return contiguous_end_ts(self.segments) / self.rendition.timescale

    def codec_is(self, family: str) -> bool:
        """Tell whether the codec string is of this family."""
        return self.rendition.codecs.lower().startswith(family)

    def durations_us(self) -> list[int]:
        """Duration of each segment in microseconds; roundings do not add up along the lesson."""
        ends = [s.start_ts + s.duration_ts for s in self.segments]
        starts = [self.segments[0].start_ts, *ends] if self.segments else []
        rounded = [_microseconds(ts, self.rendition.timescale) for ts in starts]
        return [end - start for start, end in pairwise(rounded)]


@dataclass(frozen=True, slots=True)
class Offer:
    """A lesson as players see it now. `target_s` is the same in all of its media playlists."""

    presentation: Presentation
    complete: bool
    target_s: int
    videos: tuple[Offered, ...]
    audios: tuple[Offered, ...]

    @property
    def duration_s(self) -> float:
        """Where the longest announced rendition ends."""
        return max((item.end_s for item in (*self.videos, *self.audios)), default=0.0)

    @property
    def shown(self) -> tuple[Offered, ...]:
        """The pictures that everyone is told of."""
        if not isinstance(self.presentation, CappedPresentation):
            return self.videos
        hidden = self.presentation.hidden
        return tuple(item for item in self.videos if item.rendition.id not in hidden)

    @property
    def subtitles(self) -> tuple[SubtitleTrack, ...]:
        """The lesson's subtitles."""
        return self.presentation.subtitles


def make_offer(presentation: Presentation) -> Offer:
    """Find what may be announced and measure it."""
    announced = _announced(presentation)
    target_s = max((_target_s(item, segments) for item, segments in announced), default=1)
    offered = [
        Offered(
            rendition=item,
            segments=segments,
            peak_bps=peak_bps(segments, item.timescale, target_s),
            average_bps=average_bps(segments, item.timescale),
            complete=presentation.complete and item.complete,
        )
        for item, segments in announced
    ]
    return Offer(
        presentation=presentation,
        complete=presentation.complete and all(item.complete for item in offered),
        target_s=target_s,
        videos=tuple(item for item in offered if item.rendition.media is Media.VIDEO),
        audios=tuple(item for item in offered if item.rendition.media is Media.AUDIO),
    )


def _announced(presentation: Presentation) -> list[tuple[Rendition, tuple[Segment, ...]]]:
    found = [
        (item, tuple(item.segments()))
        for item in sorted(presentation.renditions, key=lambda item: item.rung)
        if item.complete or not (presentation.complete or item.codecs.startswith(AV1))
    ]
    if not presentation.complete:
        found = _not_beyond_the_pictures(found)
    return [(item, segments) for item, segments in found if segments]


def _not_beyond_the_pictures(
    found: list[tuple[Rendition, tuple[Segment, ...]]],
) -> list[tuple[Rendition, tuple[Segment, ...]]]:
    ends = [
        contiguous_end_ts(segments) / item.timescale
        for item, segments in found
        if item.media is Media.VIDEO
    ]
    if not ends:
        return found
    return [
        (item, tuple(s for s in segments if s.start_ts / item.timescale < min(ends)))
        for item, segments in found
    ]


def _target_s(item: Rendition, segments: tuple[Segment, ...]) -> int:
    """Longest segment, rounded as players round it; a tick more for its own rounding."""
    longest_ts = max(segment.duration_ts for segment in segments)
    return max(1, (_microseconds(longest_ts, item.timescale) + 500_001) // MICROSECONDS)


def _microseconds(ticks: int, timescale: int) -> int:
    return (2 * ticks * MICROSECONDS + timescale) // (2 * timescale)
