"""Playlists as values: what is said, not how it is written (render) or read (parse).

Durations are whole microseconds. URIs are relative references, already escaped.

Spec: RFC 8216bis 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

VERSION = 6


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
class MediaSegment:
    """One line of a media playlist, with the part of the resource that it means, if not all."""

    uri: str
    duration_us: int
    byte_range: ByteRange | None = None


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """A media playlist; its first segment has media sequence number `first_number`.

    `from_start` asks players to begin at the beginning although the playlist still grows.
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
