"""Playlists as values: what is said, not how it is written (render) or read (parse).

Durations are whole microseconds. URIs are relative references, already escaped.

Spec: RFC 8216bis 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

VERSION = 6
LOW_LATENCY_VERSION = 9


class PlaylistType(Enum):
    """How a media playlist may change: EVENT only grows, VOD stays."""

    EVENT = "EVENT"
    VOD = "VOD"


class AlternateKind(Enum):
    """What an alternate rendition is."""

    AUDIO = "AUDIO"
    SUBTITLES = "SUBTITLES"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of a resource."""

    size_bytes: int
    offset: int


@dataclass(frozen=True, slots=True)
class MediaPart:
    """A part of a segment (EXT-X-PART); `independent` ones hold a keyframe."""

    uri: str
    duration_us: int
    independent: bool = False
    gap: bool = False


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """One line of a media playlist, with the part of the resource that it means, if not all.

    `map_uri` is said where the initialization section changes; `program_ms` counts from 1970.
    """

    uri: str
    duration_us: int
    byte_range: ByteRange | None = None
    parts: tuple[MediaPart, ...] = ()
    program_ms: int | None = None
    discontinuity: bool = False
    map_uri: str = ""
    gap: bool = False


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """What is out of the segment that is not whole yet: parts, and what begins with it."""

    parts: tuple[MediaPart, ...] = ()
    program_ms: int | None = None
    discontinuity: bool = False
    map_uri: str = ""


@dataclass(frozen=True, slots=True)
class ServerControl:
    """What the server can do, and how far behind the end players should stay.

    Spec: RFC 8216bis 4.4.3.8.
    """

    can_block_reload: bool = False
    can_skip_until_us: int | None = None
    hold_back_us: int | None = None
    part_hold_back_us: int | None = None


@dataclass(frozen=True, slots=True)
class RenditionReport:
    """How far another rendition is; `uri` is relative."""

    uri: str
    last_number: int
    last_part: int | None = None


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """A media playlist; its first segment has media sequence number `first_number`.

    `from_start` asks players to begin at the beginning although the playlist still grows. A delta
    update leaves out the first `skipped` segments; they count for `first_number`.
    """

    target_duration_s: int
    segments: tuple[MediaSegment, ...]
    map_uri: str = ""
    playlist_type: PlaylistType | None = None
    first_number: int = 0
    independent: bool = False
    iframes_only: bool = False
    from_start: bool = False
    ended: bool = False
    version: int = VERSION
    discontinuity_number: int = 0
    control: ServerControl | None = None
    part_target_us: int | None = None
    skipped: int = 0
    open: OpenSegment | None = None
    preload_uri: str = ""
    reports: tuple[RenditionReport, ...] = ()

    @property
    def open_number(self) -> int:
        """Media sequence number of the segment that is not whole yet."""
        return self.first_number + self.skipped + len(self.segments)


@dataclass(frozen=True, slots=True)
class Alternate:
    """An alternate rendition in a group (EXT-X-MEDIA)."""

    kind: AlternateKind
    group: str
    name: str
    uri: str
    language: str = ""
    default: bool = False
    autoselect: bool = False
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant stream. frame_rate is in thousandths of a frame a second."""

    uri: str
    bandwidth_bps: int
    average_bandwidth_bps: int
    codecs: tuple[str, ...]
    resolution_px: tuple[int, int] | None = None
    frame_rate: int | None = None
    audio: str = ""
    subtitles: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class IFrameVariant:
    """A media playlist of keyframes, for seeking with pictures."""

    uri: str
    bandwidth_bps: int
    average_bandwidth_bps: int
    codecs: tuple[str, ...]
    resolution_px: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class MultivariantPlaylist:
    """All variants of a lesson; players that do not choose start with the first."""

    variants: tuple[Variant, ...]
    alternates: tuple[Alternate, ...] = ()
    iframes: tuple[IFrameVariant, ...] = ()
    independent: bool = False
    version: int = VERSION
