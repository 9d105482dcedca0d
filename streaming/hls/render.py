"""Playlists as text.

Spec: RFC 8216bis 4.2 (attribute lists), 4.4 (tags); RFC 3339 (dates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from streaming.hls.model import (
    Alternate,
    IFrameVariant,
    MediaPart,
    MediaPlaylist,
    MediaSegment,
    MultivariantPlaylist,
    OpenSegment,
    RenditionReport,
    ServerControl,
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


def date_time(unix_ms: int) -> str:
    """Write milliseconds since 1970 as a date and time in UTC."""
    whole_s, part_ms = divmod(unix_ms, 1000)
    return f"{datetime.fromtimestamp(whole_s, UTC):%Y-%m-%dT%H:%M:%S}.{part_ms:03d}Z"


def render_media(playlist: MediaPlaylist) -> str:
    """Write a media playlist."""
    blocks = (segment_text(segment) for segment in playlist.segments)
    return "".join((media_head(playlist), *blocks, media_tail(playlist)))


def media_head(playlist: MediaPlaylist) -> str:
    """Write what stands in front of a media playlist's segments."""
    return _text(_head_lines(playlist))


def segment_text(segment: MediaSegment) -> str:
    """Write one segment: always the same text, so a live playlist keeps it."""
    return _text(_segment_lines(segment))


def media_tail(playlist: MediaPlaylist) -> str:
    """Write what stands behind a media playlist's segments."""
    return _text(_tail_lines(playlist))


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def render_multivariant(playlist: MultivariantPlaylist) -> str:
    """Write a multivariant playlist."""
    return "\n".join(_multivariant_lines(playlist)) + "\n"


def _head(version: int, independent: bool) -> Iterator[str]:
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{version}"
    if independent:
        yield "#EXT-X-INDEPENDENT-SEGMENTS"


def _head_lines(playlist: MediaPlaylist) -> Iterator[str]:
    yield from _head(playlist.version, playlist.independent)
    yield f"#EXT-X-TARGETDURATION:{playlist.target_duration_s}"
    if playlist.control:
        yield _tag("EXT-X-SERVER-CONTROL", _control(playlist.control))
    if playlist.part_target_us is not None:
        yield f"#EXT-X-PART-INF:PART-TARGET={seconds(playlist.part_target_us)}"
    if playlist.first_number:
        yield f"#EXT-X-MEDIA-SEQUENCE:{playlist.first_number}"
    if playlist.discontinuity_number:
        yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{playlist.discontinuity_number}"
    if playlist.playlist_type:
        yield f"#EXT-X-PLAYLIST-TYPE:{playlist.playlist_type.value}"
    if playlist.iframes_only:
        yield "#EXT-X-I-FRAMES-ONLY"
    if playlist.from_start:
        yield "#EXT-X-START:TIME-OFFSET=0"
    if playlist.skipped:
        yield f"#EXT-X-SKIP:SKIPPED-SEGMENTS={playlist.skipped}"
    if playlist.map_uri:
        yield _map(playlist.map_uri)


def _segment_lines(segment: MediaSegment) -> Iterator[str]:
    yield from _beginning(segment)
    if segment.gap:
        yield "#EXT-X-GAP"
    yield f"#EXTINF:{seconds(segment.duration_us)},"
    if segment.byte_range:
        yield f"#EXT-X-BYTERANGE:{segment.byte_range.size_bytes}@{segment.byte_range.offset}"
    yield segment.uri


def _beginning(segment: MediaSegment | OpenSegment) -> Iterator[str]:
    """What is said where a segment begins, and its parts."""
    if segment.discontinuity:
        yield "#EXT-X-DISCONTINUITY"
    if segment.map_uri:
        yield _map(segment.map_uri)
    if segment.program_ms is not None:
        yield f"#EXT-X-PROGRAM-DATE-TIME:{date_time(segment.program_ms)}"
    for part in segment.parts:
        yield _tag("EXT-X-PART", _part(part))


def _tail_lines(playlist: MediaPlaylist) -> Iterator[str]:
    if playlist.open:
        yield from _beginning(playlist.open)
    if playlist.preload_uri:
        yield f"#EXT-X-PRELOAD-HINT:TYPE=PART,URI={quoted(playlist.preload_uri)}"
    for report in playlist.reports:
        yield _tag("EXT-X-RENDITION-REPORT", _report(report))
    if playlist.ended:
        yield "#EXT-X-ENDLIST"


def _map(uri: str) -> str:
    return f"#EXT-X-MAP:URI={quoted(uri)}"


def _control(control: ServerControl) -> Attributes:
    def written(duration_us: int | None) -> str | None:
        return None if duration_us is None else seconds(duration_us)

    yield "CAN-BLOCK-RELOAD", "YES" if control.can_block_reload else None
    yield "CAN-SKIP-UNTIL", written(control.can_skip_until_us)
    yield "HOLD-BACK", written(control.hold_back_us)
    yield "PART-HOLD-BACK", written(control.part_hold_back_us)


def _part(part: MediaPart) -> Attributes:
    yield "DURATION", seconds(part.duration_us)
    yield "URI", quoted(part.uri)
    yield "INDEPENDENT", "YES" if part.independent else None
    yield "GAP", "YES" if part.gap else None


def _report(report: RenditionReport) -> Attributes:
    yield "URI", quoted(report.uri)
    yield "LAST-MSN", str(report.last_number)
    yield "LAST-PART", None if report.last_part is None else str(report.last_part)


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
