"""Playlists as text.

Spec: RFC 8216bis 4.2 (attribute lists), 4.4 (tags).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streaming.hls.model import (
    Alternate,
    IFrameVariant,
    MediaPlaylist,
    MultivariantPlaylist,
    Variant,
)

_NOT_QUOTABLE = {**dict.fromkeys((*range(32), 127), " "), ord('"'): "'"}
Attributes = Iterable[tuple[str, str | None]]


def quoted(text: str) -> str:
    """Write a quoted string; what may not stand in one (quotes, line breaks) is replaced."""
    return f'"{text.translate(_NOT_QUOTABLE)}"'


def seconds(duration_us: int) -> str:
    """Write microseconds as seconds, with as many decimals as they need and at least three."""
    whole, part = divmod(duration_us, 1_000_000)
    return f"{whole}.{f'{part:06d}'.rstrip('0').ljust(3, '0')}"


def render_media(playlist: MediaPlaylist) -> str:
    """Write a media playlist."""
    return "\n".join(_media_lines(playlist)) + "\n"


def render_multivariant(playlist: MultivariantPlaylist) -> str:
    """Write a multivariant playlist."""
    return "\n".join(_multivariant_lines(playlist)) + "\n"


def _head(version: int, independent: bool) -> Iterator[str]:
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{version}"
    if independent:
        yield "#EXT-X-INDEPENDENT-SEGMENTS"


def _media_lines(playlist: MediaPlaylist) -> Iterator[str]:
    yield from _head(playlist.version, playlist.independent)
    yield f"#EXT-X-TARGETDURATION:{playlist.target_duration_s}"
    if playlist.first_number:
        yield f"#EXT-X-MEDIA-SEQUENCE:{playlist.first_number}"
    if playlist.playlist_type:
        yield f"#EXT-X-PLAYLIST-TYPE:{playlist.playlist_type.value}"
    if playlist.iframes_only:
        yield "#EXT-X-I-FRAMES-ONLY"
    if playlist.from_start:
        yield "#EXT-X-START:TIME-OFFSET=0"
    if playlist.map_uri:
        yield f"#EXT-X-MAP:URI={quoted(playlist.map_uri)}"
    for segment in playlist.segments:
        yield f"#EXTINF:{seconds(segment.duration_us)},"
        if segment.byte_range:
            yield f"#EXT-X-BYTERANGE:{segment.byte_range.size_bytes}@{segment.byte_range.offset}"
        yield segment.uri
    if playlist.ended:
        yield "#EXT-X-ENDLIST"


def _multivariant_lines(playlist: MultivariantPlaylist) -> Iterator[str]:
    yield from _head(playlist.version, playlist.independent)
    for alternate in playlist.alternates:
        yield _tag("EXT-X-MEDIA", _alternate(alternate))
    for variant in playlist.variants:
        yield _tag("EXT-X-STREAM-INF", _variant(variant))
        yield variant.uri
    for iframe in playlist.iframes:
        attributes = [*_stream(iframe), ("URI", quoted(iframe.uri))]
        yield _tag("EXT-X-I-FRAME-STREAM-INF", attributes)


def _tag(name: str, attributes: Attributes) -> str:
    said = (f"{key}={value}" for key, value in attributes if value is not None)
    return f"#{name}:{','.join(said)}"


def _alternate(item: Alternate) -> Attributes:
    yield "TYPE", item.kind.value
    yield "GROUP-ID", quoted(item.group)
    yield "NAME", quoted(item.name)
    yield "LANGUAGE", quoted(item.language) if item.language else None
    yield "DEFAULT", "YES" if item.default else "NO"
    yield "AUTOSELECT", "YES" if item.autoselect else "NO"
    yield "CHANNELS", quoted(str(item.channels)) if item.channels else None
    yield "URI", quoted(item.uri)


def _stream(item: Variant | IFrameVariant) -> Attributes:
    yield "BANDWIDTH", str(item.bandwidth_bps)
    yield "AVERAGE-BANDWIDTH", str(item.average_bandwidth_bps)
    yield "CODECS", quoted(",".join(item.codecs))
    yield "RESOLUTION", "{}x{}".format(*item.resolution_px) if item.resolution_px else None


def _variant(item: Variant) -> Attributes:
    yield from _stream(item)
    rate = item.frame_rate
    yield "FRAME-RATE", f"{rate // 1000}.{rate % 1000:03d}" if rate else None
    yield "AUDIO", quoted(item.audio) if item.audio else None
    yield "SUBTITLES", quoted(item.subtitles) if item.subtitles else None
    yield "NAME", quoted(item.name) if item.name else None
