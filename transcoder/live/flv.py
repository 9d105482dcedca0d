"""FLV tags: what RTMP carries, what ffmpeg reads on stdin. Pure.

Knows enough of a tag to tell headers, keyframes and codecs. Older Chinese recording hosts send
HEVC under codec number 12 of the classic header; `modern` rewrites those to enhanced RTMP, which
ffmpeg reads. Tags of no use (metadata, end of sequence, multitrack) have no codec.

Spec: Adobe FLV 10.1 (2010) annex E; Enhanced RTMP v2 (2024).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from struct import pack
from typing import Any

from transcoder.live.amf import read_values, write_values
from transcoder.live.errors import BadContribution

TAG_HEADER_BYTES, TAIL_BYTES, FILE_HEADER_BYTES = 11, 4, 9
TAG_LIMIT_BYTES = 8 << 20
HINT_LIMIT_BYTES = 64 << 10
LARGEST_SIDE_PX, FASTEST_FPS, MOST_SOUND_KBPS = 8192, 240, 2000
_EXTENDED = 0x80
_KEYFRAME = 1
_START, _CODED, _CODED_NO_OFFSET = 0, 1, 3
_AVC, _HEVC_CLASSIC, _EX_SOUND = 7, 12, 9
_SOUNDS = {2: "mp3", 7: "alaw", 8: "ulaw", 10: "aac"}
_FOUR_CCS = {b"avc1": "h264", b"hvc1": "hevc", b"av01": "av1"}
_SOUND_FOUR_CCS = {b"mp4a": "aac", b"Opus": "opus", b".mp3": "mp3"}
_SCRIPT = 18


class Kind(Enum):
    """What a tag carries."""

    AUDIO = 8
    VIDEO = 9


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag; the time is that of decoding, in 32 bits of milliseconds on the wire."""

    kind: Kind
    time_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """What a tag's first bytes say. `body` is where codec data begins; codec None: of no use."""

    codec: str | None
    header: bool = False
    keyframe: bool = False
    body: int = 0


@dataclass(frozen=True, slots=True)
class Hints:
    """What a publisher says of itself in onMetaData; 0 is unknown."""

    width_px: int = 0
    height_px: int = 0
    fps: float = 0.0
    sound_bps: int = 0


USELESS = Look(None)


def look(tag: Tag) -> Look:
    """Tell what a tag is."""
    if not tag.data:
        return USELESS
    return _look_video(tag.data) if tag.kind is Kind.VIDEO else _look_audio(tag.data)


def _look_video(data: bytes) -> Look:
    first = data[0]
    keyframe = first >> 4 & 7 == _KEYFRAME
    if first & _EXTENDED:
        return _look_extended(data, _FOUR_CCS, keyframe=keyframe)
    if first & 15 != _AVC or len(data) < 5 or data[1] > _CODED:
        return USELESS
    return Look("h264", data[1] == _START, keyframe and data[1] == _CODED, 5)


def _look_audio(data: bytes) -> Look:
    form = data[0] >> 4
    if form == _EX_SOUND:
        return _look_extended(data, _SOUND_FOUR_CCS, keyframe=False)
    codec = _SOUNDS.get(form)
    if codec != "aac":
        return Look(codec, body=1)
    return Look(codec, data[1:2] == b"\0", body=2) if len(data) > 2 else USELESS


def _look_extended(data: bytes, names: dict[bytes, str], *, keyframe: bool) -> Look:
    kind, codec = data[0] & 15, names.get(data[1:5])
    if codec is None or kind not in (_START, _CODED, _CODED_NO_OFFSET):
        return USELESS
    offset = 3 if kind == _CODED and codec in ("h264", "hevc") else 0
    return Look(codec, kind == _START, keyframe and kind != _START, 5 + offset)


def modern(tag: Tag) -> Tag:
    """Give HEVC of the classic header as enhanced RTMP; every other tag as it is."""
    data = tag.data
    classic = tag.kind is Kind.VIDEO and len(data) >= 5 and not data[0] & _EXTENDED
    if not classic or data[0] & 15 != _HEVC_CLASSIC or data[1] > _CODED:
        return tag
    head = bytes([_EXTENDED | data[0] & 0x70 | data[1]]) + b"hvc1"
    return Tag(tag.kind, tag.time_ms, head + data[5 if data[1] == _START else 2 :])


def write_header(*, video: bool, audio: bool) -> bytes:
    """Give a file's header with the tracks that will follow."""
    return b"FLV" + bytes([1, 4 * audio | video]) + pack(">II", FILE_HEADER_BYTES, 0)


def write_tag(tag: Tag) -> bytes:
    """Give a tag with its header and tail."""
    return _framed(tag.kind.value, tag.time_ms, tag.data)


def write_hints(hints: Hints) -> bytes:
    """Give onMetaData with what is known: ffmpeg then starts without looking at frames."""
    known = {"width": hints.width_px, "height": hints.height_px, "framerate": hints.fps}
    return _framed(_SCRIPT, 0, write_values("onMetaData", {k: v for k, v in known.items() if v}))


def _framed(kind: int, time_ms: int, data: bytes) -> bytes:
    low, high = time_ms & 0xFF_FFFF, time_ms >> 24 & 0xFF
    head = bytes([kind]) + len(data).to_bytes(3, "big") + low.to_bytes(3, "big")
    return b"".join((head, bytes([high, 0, 0, 0]), data, pack(">I", len(data) + TAG_HEADER_BYTES)))


def read_hints(payload: bytes) -> Hints | None:
    """Read onMetaData, with or without @setDataFrame in front; None when it is something else."""
    if len(payload) > HINT_LIMIT_BYTES:
        return None
    try:
        values = read_values(payload[payload[:1] == b"\0" :])
    except BadContribution:
        return None
    said = next((value for value in values if isinstance(value, dict)), None)
    if said is None or "onMetaData" not in values[:2]:
        return None
    names = ("width", "height", "framerate", "audiodatarate")
    return make_hints(*(said.get(name) for name in names))


def make_hints(width: Any, height: Any, fps: Any, sound_kbps: Any = 0) -> Hints:
    """Keep what is possible of a publisher's words."""
    return Hints(
        int(_within(width, LARGEST_SIDE_PX)),
        int(_within(height, LARGEST_SIDE_PX)),
        _within(fps, FASTEST_FPS),
        int(1000 * _within(sound_kbps, MOST_SOUND_KBPS)),
    )


def _within(value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 1 <= value <= most else 0.0


def split_aggregate(payload: bytes, time_ms: int) -> Iterator[Tag]:
    """Give the tags of an aggregate message, moved to the message's time. Raises: BadContribution.

    Spec: Adobe RTMP 1.0 7.1.6.
    """
    reader, first_ms = TagReader(), None
    for item in reader.feed(payload):
        if isinstance(item, Tag):
            first_ms = item.time_ms if first_ms is None else first_ms
            moved = time_ms + item.time_ms - first_ms & 0xFFFF_FFFF
            yield Tag(item.kind, moved, item.data)


class TagReader:
    """Cut tags from a stream of bytes that arrives in any pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Tag | Hints]:
        """Take the next bytes. Raises: BadContribution."""
        self._buffer += data
        found: list[Tag | Hints] = []
        at = 0
        while len(self._buffer) - at >= TAG_HEADER_BYTES:
            size = int.from_bytes(self._buffer[at + 1 : at + 4], "big")
            if size > TAG_LIMIT_BYTES:
                raise BadContribution(f"an FLV tag of {size} bytes")
            end = at + TAG_HEADER_BYTES + size
            if len(self._buffer) < end + TAIL_BYTES:
                break
            item = self._item(at, end)
            if item is not None:
                found.append(item)
            at = end + TAIL_BYTES
        del self._buffer[:at]
        return found

    def _item(self, at: int, end: int) -> Tag | Hints | None:
        head = self._buffer[at : at + TAG_HEADER_BYTES]
        data = bytes(self._buffer[at + TAG_HEADER_BYTES : end])
        if head[0] == _SCRIPT:
            return read_hints(data)
        if head[0] not in (Kind.AUDIO.value, Kind.VIDEO.value):
            raise BadContribution(f"an FLV tag of kind {head[0]}")
        return Tag(Kind(head[0]), head[7] << 24 | int.from_bytes(head[4:7], "big"), data)


class FileReader:
    """Read an FLV file while it is written: the header, then tags."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tags = TagReader()
        self._begun = False

    def feed(self, data: bytes) -> list[Tag | Hints]:
        """Take the next bytes. Raises: BadContribution."""
        if self._begun:
            return self._tags.feed(data)
        self._head += data
        if len(self._head) < FILE_HEADER_BYTES + TAIL_BYTES:
            return []
        if self._head[:3] != b"FLV":
            raise BadContribution("no FLV where FLV should come")
        self._begun = True
        return self._tags.feed(bytes(self._head[FILE_HEADER_BYTES + TAIL_BYTES :]))
