"""What a pupil's player reads out of playlists: rungs, and segments by absolute address. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urljoin

from loadtests.pupil_abr import Rung
from loadtests.pupil_playback import Piece
from streaming.hls.parse import parse_media, parse_multivariant


class Lane(Enum):
    """Which connection."""

    LISTS = "lists"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class Ask:
    """Fetch this; `of` is a part of the resource as (offset, size)."""

    lane: Lane
    uri: str
    of: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A line of a playlist, made absolute."""

    ask: Ask
    piece: Piece
    init: Ask | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A media playlist as it was last seen.

    `target_s` is the mean of its segments: hls.js goes by that, not by the longest there may be.
    """

    first: int
    segments: tuple[Segment, ...]
    target_s: float
    ended: bool

    @property
    def next(self) -> int:
        """The number of the segment that is not there yet."""
        return self.first + len(self.segments)


def listing_of(uri: str, text: str) -> Listing:
    """Read a media playlist. Raises: BadPlaylist."""
    found = parse_media(text)
    segments, init_uri, program_ms = [], found.map_uri, None
    for one in found.segments:
        init_uri = one.map_uri or init_uri
        program_ms = one.program_ms if one.program_ms is not None else program_ms
        init = Ask(Lane.MEDIA, urljoin(uri, init_uri)) if init_uri else None
        of = (one.byte_range.offset, one.byte_range.size_bytes) if one.byte_range else None
        made_s = None if program_ms is None else program_ms / 1000
        piece = Piece(one.duration_us / 1e6, made_s)
        segments.append(Segment(Ask(Lane.MEDIA, urljoin(uri, one.uri), of), piece, init))
        program_ms = None if program_ms is None else program_ms + one.duration_us // 1000
    target_s = _mean_s(segments) if segments else float(found.target_duration_s)
    return Listing(found.first_number + found.skipped, tuple(segments), target_s, found.ended)


def _mean_s(segments: Sequence[Segment]) -> float:
    return sum(one.piece.duration_s for one in segments) / len(segments)


def rungs_of(
    uri: str, text: str, most_height_px: int, least_height_px: int = 0
) -> tuple[Rung, ...]:
    """Read a multivariant playlist, for heights that are wanted; at least the lowest.

    Raises: BadPlaylist.
    """
    found = [
        Rung(urljoin(uri, one.uri), one.bandwidth_bps, one.average_bandwidth_bps,
             one.resolution_px[1] if one.resolution_px else 0)
        for one in parse_multivariant(text).variants
    ]  # fmt: skip
    rising = sorted(found, key=lambda rung: rung.peak_bps)
    rising = [rung for rung in rising if rung.height_px >= least_height_px] or rising
    return tuple(rung for rung in rising if rung.height_px <= most_height_px) or (rising[0],)
