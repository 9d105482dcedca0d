"""The first picture of a video segment, taken out and written as a fragment of its own.

The bytes up to `Fragment.first_sample_end` are enough to read it; what is written may stand at any
time behind the same initialization section. A picture is one sync sample, whatever its codec.

Spec: ISO/IEC 14496-12 8.8.4 to 8.8.12.
"""

from __future__ import annotations

from struct import pack

from streaming.errors import BadMedia
from streaming.isobmff.box import child, children, read_header
from streaming.isobmff.fields import Fields

_DATA_OFFSET = 0x1
_RUN_FLAGS = 0x1
_BASE_IS_MOOF, _DURATION, _SIZE, _FLAGS = 0x2_0000, 0x8, 0x10, 0x20
_SYNC = 0x200_0000
_LONGEST_TS = (1 << 32) - 1


def first_picture(start: bytes) -> bytes:
    """Give the first sample of a segment whose bytes up to that sample's end are `start`.

    Raises: BadMedia.
    """
    at, moof_at, offset = 0, -1, None
    while (header := read_header(start, at)) is not None:
        kind, header_bytes, size = header
        if kind == b"moof":
            moof_at = at
            offset = _data_offset(memoryview(start)[at + header_bytes : at + size])
        elif kind == b"mdat":
            first_at = at + header_bytes if offset is None else moof_at + offset
            if moof_at < 0 or not at + header_bytes <= first_at < len(start):
                break
            return start[first_at:]
        at += size
    raise BadMedia("a segment that does not begin with a picture")


def still(track_id: int, number: int, start_ts: int, duration_ts: int, picture: bytes) -> bytes:
    """Write a picture as fragment `number` of its track, shown from start_ts for duration_ts."""
    tfhd = _full(
        b"tfhd", 0, _BASE_IS_MOOF | _DURATION | _SIZE | _FLAGS,
        pack(">IIII", track_id, min(duration_ts, _LONGEST_TS), len(picture), _SYNC),
    )  # fmt: skip
    tfdt = _full(b"tfdt", 1, 0, pack(">Q", start_ts))
    mfhd = _full(b"mfhd", 0, 0, pack(">I", number))

    def moof(offset: int) -> bytes:
        trun = _full(b"trun", 0, _RUN_FLAGS, pack(">Ii", 1, offset))
        return _box(b"moof", mfhd, _box(b"traf", tfhd, tfdt, trun))

    return moof(len(moof(0)) + len(_box(b"mdat"))) + _box(b"mdat", picture)


def _data_offset(moof: memoryview) -> int | None:
    traf = child(moof, b"traf")
    for kind, payload in children(traf):
        if kind == b"trun":
            fields = Fields(payload)
            _, flags = fields.full_box()
            fields.u(4)
            return fields.i32() if flags & _DATA_OFFSET else None
    raise BadMedia("a fragment without samples")


def _box(kind: bytes, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return pack(">I4s", 8 + len(payload), kind) + payload


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, pack(">I", version << 24 | flags), *parts)
