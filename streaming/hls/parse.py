"""Playlists read from text, strictly: what a careful player would refuse is refused.

For tests, load tests and edges. Tags that are not known are passed over, as the RFC asks; a known
tag that is malformed, missing or doubled is an error.

Spec: RFC 8216bis 4.1, 4.3, 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator

from streaming.errors import BadPlaylist
from streaming.hls.attributes import Attributes, keep_once, scaled, whole
from streaming.hls.media_reader import MediaReader
from streaming.hls.model import (
    Alternate,
    AlternateKind,
    IFrameVariant,
    MediaPlaylist,
    MultivariantPlaylist,
    Variant,
)

TEXT_LIMIT_CHARS = 8 * 1024 * 1024
LINES_LIMIT = 200_000


def parse_media(text: str) -> MediaPlaylist:
    """Read a media playlist. Raises: BadPlaylist."""
    found = MediaReader()
    for name, value in _lines(text):
        found.take(name, value)
    return found.playlist()


def parse_multivariant(text: str) -> MultivariantPlaylist:
    """Read a multivariant playlist. Raises: BadPlaylist."""
    found = _MultivariantReader()
    for name, value in _lines(text):
        found.take(name, value)
    playlist = found.playlist()
    _check_groups(playlist)
    return playlist


class _MultivariantReader:
    def __init__(self) -> None:
        self._once: dict[str, str] = {}
        self._variants: list[Variant] = []
        self._alternates: list[Alternate] = []
        self._iframes: list[IFrameVariant] = []
        self._pending: Attributes | None = None
        self._independent = False

    def take(self, name: str, value: str) -> None:
        if self._pending is not None and name:
            raise BadPlaylist("a variant without its URI")
        match name:
            case "":
                self._variant(value)
            case "EXT-X-STREAM-INF":
                self._pending = Attributes(value)
            case "EXT-X-MEDIA":
                self._alternates.append(_alternate(Attributes(value)))
            case "EXT-X-I-FRAME-STREAM-INF":
                self._iframes.append(_iframe(Attributes(value)))
            case "EXT-X-INDEPENDENT-SEGMENTS":
                self._independent = True
            case "EXTINF" | "EXT-X-TARGETDURATION":
                raise BadPlaylist("this is a media playlist")
            case "EXT-X-VERSION":
                keep_once(self._once, name, value)

    def _variant(self, uri: str) -> None:
        if self._pending is None:
            raise BadPlaylist("a URI that belongs to no variant")
        self._variants.append(_variant(uri, self._pending))
        self._pending = None

    def playlist(self) -> MultivariantPlaylist:
        if self._pending is not None:
            raise BadPlaylist("a variant without its URI")
        return MultivariantPlaylist(
            tuple(self._variants),
            tuple(self._alternates),
            tuple(self._iframes),
            self._independent,
            whole(self._once.get("EXT-X-VERSION", "1")),
        )


def _check_groups(playlist: MultivariantPlaylist) -> None:
    groups = {(item.kind, item.group) for item in playlist.alternates}
    for item in playlist.variants:
        wanted = {(AlternateKind.AUDIO, item.audio), (AlternateKind.SUBTITLES, item.subtitles)}
        for kind, group in wanted - groups:
            if group:
                raise BadPlaylist(f"no {kind.value} group {group!r}")


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Give (tag, value) for tags and ("", URI) for URIs."""
    if len(text) > TEXT_LIMIT_CHARS:
        raise BadPlaylist("the playlist is too long")
    lines = text.split("\n")
    if len(lines) > LINES_LIMIT:
        raise BadPlaylist("the playlist has too many lines")
    if lines[0].rstrip("\r") != "#EXTM3U":
        raise BadPlaylist("this is not a playlist")
    for line in lines[1:]:
        line = line.removesuffix("\r")
        if line.startswith("#EXT"):
            name, _, value = line[1:].partition(":")
            yield name, value
        elif line and not line.startswith("#"):
            yield "", line


def _alternate(found: Attributes) -> Alternate:
    kind = found.word("TYPE")
    if kind not in (item.value for item in AlternateKind):
        raise BadPlaylist(f"alternate renditions of type {kind[:20]!r}")
    channels = found.text("CHANNELS", "")
    return Alternate(
        kind=AlternateKind(kind),
        group=found.text("GROUP-ID"),
        name=found.text("NAME"),
        uri=found.text("URI"),
        language=found.text("LANGUAGE", ""),
        default=found.flag("DEFAULT"),
        autoselect=found.flag("AUTOSELECT"),
        channels=whole(channels) if channels else None,
    )


def _codecs(found: Attributes) -> tuple[str, ...]:
    return tuple(found.text("CODECS").split(","))


def _resolution(found: Attributes) -> tuple[int, int] | None:
    if not found.has("RESOLUTION"):
        return None
    width, _, height = found.word("RESOLUTION").partition("x")
    return whole(width), whole(height)


def _variant(uri: str, found: Attributes) -> Variant:
    return Variant(
        uri=uri,
        bandwidth_bps=found.number("BANDWIDTH"),
        average_bandwidth_bps=found.number("AVERAGE-BANDWIDTH"),
        codecs=_codecs(found),
        resolution_px=_resolution(found),
        frame_rate=scaled(found.word("FRAME-RATE"), 3) if found.has("FRAME-RATE") else None,
        audio=found.text("AUDIO", ""),
        subtitles=found.text("SUBTITLES", ""),
        name=found.text("NAME", ""),
    )


def _iframe(found: Attributes) -> IFrameVariant:
    return IFrameVariant(
        uri=found.text("URI"),
        bandwidth_bps=found.number("BANDWIDTH"),
        average_bandwidth_bps=found.number("AVERAGE-BANDWIDTH"),
        codecs=_codecs(found),
        resolution_px=_resolution(found),
    )
