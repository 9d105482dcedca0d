"""What a movie fragment says about its samples.

Spec: ISO/IEC 14496-12 8.8.4 to 8.8.12; ISO/IEC 23000-19 7.5.15 (one track, offsets from moof).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streaming.errors import BadMedia
from streaming.isobmff.box import Box, child, children
from streaming.isobmff.fields import Fields
from streaming.isobmff.init import SampleDefaults, Track

SAMPLES_LIMIT = 100_000
_BASE_DATA_OFFSET, _DESCRIPTION_INDEX = 0x1, 0x2
_DEFAULT_DURATION, _DEFAULT_SIZE, _DEFAULT_FLAGS = 0x8, 0x10, 0x20
_DATA_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x100, 0x200, 0x400, 0x800
_NON_SYNC = 0x1_0000


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment (moof and mdat, with what led it) of one track. Times in the track's ticks.

    `first_sample_end` is where in `data` the first sample ends: the bytes up to there are all that
    a player needs to show one picture.
    """

    start_ts: int
    duration_ts: int
    samples: int
    starts_with_sync: bool
    first_sample_end: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Sample:
    duration_ts: int
    size_bytes: int
    flags: int


def read_fragment(track: Track, lead: bytes, moof: Box, mdat: Box) -> Fragment:
    """Join a moof with its mdat. Raises: BadMedia when they do not belong together."""
    traf = child(moof.payload, b"traf")
    defaults = _track_defaults(child(traf, b"tfhd"), track)
    runs = [inside for kind, inside in children(traf) if kind == b"trun"]
    samples: list[_Sample] = []
    first_offset: int | None = None
    for run in runs:
        offset, found = _read_run(run, defaults, SAMPLES_LIMIT - len(samples))
        samples += found
        first_offset = offset if first_offset is None else first_offset
    if not samples:
        raise BadMedia("a fragment without samples")
    start = len(moof.data) + mdat.header_bytes if first_offset is None else first_offset
    _check_bytes(start, samples, moof, mdat)
    return Fragment(
        start_ts=_decode_time(child(traf, b"tfdt")),
        duration_ts=sum(sample.duration_ts for sample in samples),
        samples=len(samples),
        starts_with_sync=not samples[0].flags & _NON_SYNC,
        first_sample_end=len(lead) + start + samples[0].size_bytes,
        data=b"".join((lead, moof.data, mdat.data)),
    )


def _check_bytes(start: int, samples: list[_Sample], moof: Box, mdat: Box) -> None:
    begin = len(moof.data) + mdat.header_bytes
    end = len(moof.data) + len(mdat.data)
    if start < begin or start + sum(sample.size_bytes for sample in samples) > end:
        raise BadMedia("a fragment's samples lie outside of its mdat")


def _track_defaults(tfhd: memoryview, track: Track) -> SampleDefaults:
    fields = Fields(tfhd)
    _, flags = fields.full_box()
    if fields.u(4) != track.id:
        raise BadMedia("a fragment of another track")
    if flags & _BASE_DATA_OFFSET:
        raise BadMedia("a fragment with absolute offsets is no CMAF")
    if flags & _DESCRIPTION_INDEX:
        fields.u(4)
    return SampleDefaults(
        fields.u(4) if flags & _DEFAULT_DURATION else track.defaults.duration_ts,
        fields.u(4) if flags & _DEFAULT_SIZE else track.defaults.size_bytes,
        fields.u(4) if flags & _DEFAULT_FLAGS else track.defaults.flags,
    )


def _decode_time(tfdt: memoryview) -> int:
    fields = Fields(tfdt)
    version, _ = fields.full_box()
    return fields.u(8 if version == 1 else 4)


def _read_run(
    trun: memoryview, defaults: SampleDefaults, limit: int
) -> tuple[int | None, list[_Sample]]:
    """Give the run's data offset from the start of moof, if it says one, and its samples."""
    fields = Fields(trun)
    _, flags = fields.full_box()
    count = fields.u(4)
    if count > limit:
        raise BadMedia(f"more than {SAMPLES_LIMIT} samples in a fragment")
    offset = fields.i32() if flags & _DATA_OFFSET else None
    first_flags = fields.u(4) if flags & _FIRST_FLAGS else None
    samples = list(_samples(fields, flags, count, defaults))
    if first_flags is not None and samples and not flags & _FLAGS:
        first = samples[0]
        samples[0] = _Sample(first.duration_ts, first.size_bytes, first_flags)
    return offset, samples


def _samples(fields: Fields, flags: int, count: int, defaults: SampleDefaults) -> Iterator[_Sample]:
    for _ in range(count):
        duration = fields.u(4) if flags & _DURATION else defaults.duration_ts
        size = fields.u(4) if flags & _SIZE else defaults.size_bytes
        own = fields.u(4) if flags & _FLAGS else defaults.flags
        if flags & _COMPOSITION:
            fields.u(4)
        yield _Sample(duration, size, own)
