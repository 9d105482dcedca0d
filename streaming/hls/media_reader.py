"""A media playlist read tag by tag, low-latency tags with it, and the rules between them.

Spec: RFC 8216bis 4.4.3 (playlist tags), 4.4.4 (segment tags), 4.4.5.2 (skip), 4.4.5.3 (preload
hint), 4.4.5.4 (rendition report).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

from streaming.errors import BadPlaylist
from streaming.hls.attributes import Attributes, keep_once, scaled, whole
from streaming.hls.model import (
    LOW_LATENCY_VERSION,
    ByteRange,
    MediaPart,
    MediaPlaylist,
    MediaSegment,
    OpenSegment,
    PlaylistType,
    RenditionReport,
    ServerControl,
)

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class MediaReader:
    """Take each line as (tag, value), URIs as ("", URI); then ask for the playlist."""

    def __init__(self) -> None:
        self._once: dict[str, str] = {}
        self._flags: set[str] = set()
        self._segments: list[MediaSegment] = []
        self._parts: list[MediaPart] = []
        self._reports: list[RenditionReport] = []
        self._duration_us: int | None = None
        self._byte_range: ByteRange | None = None
        self._program_ms: int | None = None
        self._discontinuity = self._gap = False
        self._map_uri: str | None = None
        self._next_map_uri = ""
        self._preload_uri = ""

    def take(self, name: str, value: str) -> None:
        """Take a line. Raises: BadPlaylist."""
        if "EXT-X-ENDLIST" in self._flags and name in ("", "EXTINF", "EXT-X-PART"):
            raise BadPlaylist("a segment after the end of the playlist")
        handler = self._TAGS.get(name)
        if handler is not None:
            handler(self, value)
        elif name in self._ONCE:
            keep_once(self._once, name, value)
        else:
            self._flags.add(name)

    def _segment(self, uri: str) -> None:
        if self._duration_us is None:
            raise BadPlaylist("a segment without a duration")
        begun = self._begun()
        segment = MediaSegment(
            uri,
            self._duration_us,
            self._byte_range,
            begun.parts,
            begun.program_ms,
            begun.discontinuity,
            begun.map_uri,
            self._gap,
        )
        self._segments.append(segment)
        self._duration_us = self._byte_range = None
        self._gap = False

    def _begun(self) -> OpenSegment:
        """Give what was said of the segment that is not here yet, and forget it."""
        begun = OpenSegment(
            tuple(self._parts), self._program_ms, self._discontinuity, self._next_map_uri
        )
        self._parts = []
        self._program_ms = None
        self._discontinuity = False
        self._next_map_uri = ""
        return begun

    def _duration(self, value: str) -> None:
        self._duration_us = scaled(value.partition(",")[0], 6)

    def _range(self, value: str) -> None:
        size, at, offset = value.partition("@")
        if not at:
            raise BadPlaylist("a byte range without its offset")
        self._byte_range = ByteRange(whole(size), whole(offset))

    def _map(self, value: str) -> None:
        uri = Attributes(value).text("URI")
        if self._map_uri is None and not (self._segments or self._parts or self._discontinuity):
            self._map_uri = uri
        else:
            self._next_map_uri = uri

    def _part(self, value: str) -> None:
        found = Attributes(value)
        if found.has("BYTERANGE"):
            raise BadPlaylist("parts that are byte ranges are not read")
        part = MediaPart(
            found.text("URI"),
            found.micros("DURATION"),
            found.flag("INDEPENDENT"),
            found.flag("GAP"),
        )
        self._parts.append(part)

    def _date(self, value: str) -> None:
        if self._program_ms is not None:
            raise BadPlaylist("two dates for one segment")
        self._program_ms = _unix_ms(value)

    def _set_discontinuity(self, value: str) -> None:
        self._discontinuity = True

    def _set_gap(self, value: str) -> None:
        self._gap = True

    def _hint(self, value: str) -> None:
        found = Attributes(value)
        if found.word("TYPE") != "PART":
            return
        if self._preload_uri:
            raise BadPlaylist("two preload hints of one type")
        self._preload_uri = found.text("URI")

    def _report(self, value: str) -> None:
        found = Attributes(value)
        uri = found.text("URI")
        if "://" in uri or uri.startswith("/"):
            raise BadPlaylist("a rendition report whose URI is not relative")
        part = found.number("LAST-PART") if found.has("LAST-PART") else None
        self._reports.append(RenditionReport(uri, found.number("LAST-MSN"), part))

    def _refuse(self, value: str) -> None:
        raise BadPlaylist("this is a multivariant playlist")

    def playlist(self) -> MediaPlaylist:
        """Give the whole. Raises: BadPlaylist when tags do not fit together."""
        if self._duration_us is not None:
            raise BadPlaylist("a duration without a segment")
        begun = self._begun()
        made = MediaPlaylist(
            target_duration_s=whole(self._once.get("EXT-X-TARGETDURATION", "")),
            segments=tuple(self._segments),
            map_uri=self._map_uri or "",
            playlist_type=_playlist_type(self._once.get("EXT-X-PLAYLIST-TYPE")),
            first_number=whole(self._once.get("EXT-X-MEDIA-SEQUENCE", "0")),
            independent="EXT-X-INDEPENDENT-SEGMENTS" in self._flags,
            iframes_only="EXT-X-I-FRAMES-ONLY" in self._flags,
            from_start="EXT-X-START" in self._flags,
            ended="EXT-X-ENDLIST" in self._flags,
            version=whole(self._once.get("EXT-X-VERSION", "1")),
            discontinuity_number=whole(self._once.get("EXT-X-DISCONTINUITY-SEQUENCE", "0")),
            control=_control(self._once.get("EXT-X-SERVER-CONTROL")),
            part_target_us=_part_target(self._once.get("EXT-X-PART-INF")),
            skipped=_skipped(self._once.get("EXT-X-SKIP")),
            open=None if begun == OpenSegment() else begun,
            preload_uri=self._preload_uri,
            reports=tuple(self._reports),
        )
        _check(made)
        return made

    _TAGS: ClassVar[dict[str, Callable[[MediaReader, str], None]]] = {
        "": _segment,
        "EXTINF": _duration,
        "EXT-X-BYTERANGE": _range,
        "EXT-X-MAP": _map,
        "EXT-X-PART": _part,
        "EXT-X-PROGRAM-DATE-TIME": _date,
        "EXT-X-DISCONTINUITY": _set_discontinuity,
        "EXT-X-GAP": _set_gap,
        "EXT-X-PRELOAD-HINT": _hint,
        "EXT-X-RENDITION-REPORT": _report,
        "EXT-X-STREAM-INF": _refuse,
        "EXT-X-MEDIA": _refuse,
    }
    _ONCE: ClassVar = frozenset(
        {
            "EXT-X-VERSION",
            "EXT-X-TARGETDURATION",
            "EXT-X-MEDIA-SEQUENCE",
            "EXT-X-DISCONTINUITY-SEQUENCE",
            "EXT-X-PLAYLIST-TYPE",
            "EXT-X-SERVER-CONTROL",
            "EXT-X-PART-INF",
            "EXT-X-SKIP",
        }
    )


def _unix_ms(text: str) -> int:
    if _DATE_TIME.fullmatch(text) is None:
        raise BadPlaylist(f"not a date and time: {text[:40]!r}")
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise BadPlaylist(f"not a date and time: {text[:40]!r}") from None


def _playlist_type(value: str | None) -> PlaylistType | None:
    if value is None:
        return None
    try:
        return PlaylistType(value)
    except ValueError:
        raise BadPlaylist(f"playlist type {value[:20]!r}") from None


def _control(value: str | None) -> ServerControl | None:
    if value is None:
        return None
    found = Attributes(value)

    def micros(name: str) -> int | None:
        return found.micros(name) if found.has(name) else None

    return ServerControl(
        found.flag("CAN-BLOCK-RELOAD"),
        micros("CAN-SKIP-UNTIL"),
        micros("HOLD-BACK"),
        micros("PART-HOLD-BACK"),
    )


def _part_target(value: str | None) -> int | None:
    return None if value is None else Attributes(value).micros("PART-TARGET")


def _skipped(value: str | None) -> int:
    return 0 if value is None else Attributes(value).number("SKIPPED-SEGMENTS")


def _check(playlist: MediaPlaylist) -> None:
    """Hold the rules between tags.

    Spec: RFC 8216bis 4.4.3.1, 4.4.3.7, 4.4.3.8, 4.4.4.9, 4.4.5.2, 8.
    """
    for segment in playlist.segments:
        if (segment.duration_us + 500_000) // 1_000_000 > playlist.target_duration_s:
            raise BadPlaylist(f"segment {segment.uri} is longer than the target duration")
    if playlist.skipped and playlist.version < LOW_LATENCY_VERSION:
        raise BadPlaylist(f"a delta update needs version {LOW_LATENCY_VERSION}")
    _check_parts(playlist)
    _check_control(playlist)


def _check_parts(playlist: MediaPlaylist) -> None:
    open_parts = playlist.open.parts if playlist.open else ()
    parts = (*(part for s in playlist.segments for part in s.parts), *open_parts)
    if parts and playlist.part_target_us is None:
        raise BadPlaylist("parts without EXT-X-PART-INF")
    for part in parts:
        if part.duration_us > (playlist.part_target_us or 0):
            raise BadPlaylist(f"part {part.uri} is longer than the part target")
    if playlist.ended and open_parts:
        raise BadPlaylist("the playlist ends in the middle of a segment")


def _check_control(playlist: MediaPlaylist) -> None:
    control = playlist.control or ServerControl()
    target_us = playlist.target_duration_s * 1_000_000
    part_us = playlist.part_target_us
    if control.hold_back_us is not None and control.hold_back_us < 3 * target_us:
        raise BadPlaylist("HOLD-BACK is less than three target durations")
    if control.can_skip_until_us is not None and control.can_skip_until_us < 6 * target_us:
        raise BadPlaylist("CAN-SKIP-UNTIL is less than six target durations")
    if part_us is not None and control.part_hold_back_us is None:
        raise BadPlaylist("parts without PART-HOLD-BACK")
    if (
        part_us
        and control.part_hold_back_us is not None
        and control.part_hold_back_us < 2 * part_us
    ):
        raise BadPlaylist("PART-HOLD-BACK is less than two part targets")
