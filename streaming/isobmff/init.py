"""What an initialization section says about its one track.

Spec: ISO/IEC 14496-12 8.2 to 8.8, 12.1, 12.2; ISO/IEC 23000-19 7.3.1 (one track a file).
"""

from __future__ import annotations

from dataclasses import dataclass

from streaming.errors import BadMedia
from streaming.isobmff import codecs
from streaming.isobmff.box import Box, child, children, optional
from streaming.isobmff.fields import Fields

VIDEO_ENTRY_BYTES = 78
AUDIO_ENTRY_BYTES = 28


@dataclass(frozen=True, slots=True)
class SampleDefaults:
    """What a sample has when its fragment does not say: duration in ticks, bytes, flags."""

    duration_ts: int
    size_bytes: int
    flags: int


@dataclass(frozen=True, slots=True)
class Track:
    """A CMAF track. `skip_ts` is the media time at which presentation begins (audio priming)."""

    id: int
    handler: str
    timescale: int
    codecs: str
    defaults: SampleDefaults
    skip_ts: int = 0
    width_px: int | None = None
    height_px: int | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    codecs: str
    width_px: int | None = None
    height_px: int | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None


def read_moov(moov: Box) -> Track:
    """Read the track that moov declares. Raises: BadMedia."""
    trak = child(moov.payload, b"trak")
    mdia = child(trak, b"mdia")
    timescale = _timescale(child(mdia, b"mdhd"))
    entry = _sample_entry(child(mdia, b"minf", b"stbl", b"stsd"))
    number, defaults = _trex(child(moov.payload, b"mvex", b"trex"))
    return Track(
        id=number,
        handler=_handler(child(mdia, b"hdlr")),
        timescale=timescale,
        codecs=entry.codecs,
        defaults=defaults,
        skip_ts=_skip(optional(trak, b"edts", b"elst")),
        width_px=entry.width_px,
        height_px=entry.height_px,
        sample_rate_hz=entry.sample_rate_hz,
        channels=entry.channels,
    )


def _timescale(mdhd: memoryview) -> int:
    fields = Fields(mdhd)
    version, _ = fields.full_box()
    fields.take(16 if version == 1 else 8)
    timescale = fields.u(4)
    if timescale == 0:
        raise BadMedia("a track with timescale 0")
    return timescale


def _handler(hdlr: memoryview) -> str:
    fields = Fields(hdlr)
    fields.take(8)
    return bytes(fields.take(4)).decode("ascii", "replace")


def _trex(trex: memoryview) -> tuple[int, SampleDefaults]:
    fields = Fields(trex)
    fields.full_box()
    number = fields.u(4)
    fields.u(4)
    return number, SampleDefaults(fields.u(4), fields.u(4), fields.u(4))


def _skip(elst: memoryview | None) -> int:
    """Media time of the first edit that is not empty."""
    if elst is None:
        return 0
    fields = Fields(elst)
    version, _ = fields.full_box()
    size = 8 if version == 1 else 4
    for _ in range(min(fields.u(4), 2)):
        fields.u(size)
        media_time = int.from_bytes(fields.take(size), "big", signed=True)
        fields.u(4)
        if media_time >= 0:
            return media_time
    return 0


def _sample_entry(stsd: memoryview) -> _Entry:
    fields = Fields(stsd)
    fields.full_box()
    fields.u(4)
    entries = list(children(fields.rest()))
    if len(entries) != 1:
        raise BadMedia(f"{len(entries)} sample entries where one is needed")
    kind, entry = entries[0]
    if kind in (b"avc1", b"avc3", b"hvc1", b"hev1", b"av01"):
        return _video_entry(kind, entry)
    if kind in (b"mp4a", b"Opus"):
        return _audio_entry(kind, entry)
    raise BadMedia(f"sample entry {kind!r} is not served")


def _video_entry(kind: bytes, entry: memoryview) -> _Entry:
    fields = Fields(entry)
    fields.take(24)
    width, height = fields.u(2), fields.u(2)
    inner = entry[VIDEO_ENTRY_BYTES:]
    name = kind.decode("ascii")
    if kind == b"av01":
        text = codecs.av1(child(inner, b"av1C"))
    elif kind in (b"hvc1", b"hev1"):
        text = codecs.hevc(name, child(inner, b"hvcC"))
    else:
        text = codecs.avc(name, child(inner, b"avcC"))
    return _Entry(text, width_px=width, height_px=height)


def _audio_entry(kind: bytes, entry: memoryview) -> _Entry:
    fields = Fields(entry)
    fields.take(16)
    channels = fields.u(2)
    fields.take(6)
    rate = fields.u(4) >> 16
    inner = entry[AUDIO_ENTRY_BYTES:]
    text = "opus" if kind == b"Opus" else codecs.mp4a(child(inner, b"esds"))
    return _Entry(text, sample_rate_hz=rate, channels=channels)
