"""Media times of fragments moved and cut, because of holes where the publisher was away. Pure.

A recording has no hole: `tfdt` (and the media time of `prft`) change. A live segment does not last
over the hole behind it: one duration changes. Nothing moves, so offsets stay true.

Spec: ISO/IEC 14496-12 8.8.7 (tfhd), 8.8.8 (trun), 8.8.12 (tfdt), 8.16.5 (prft).
"""

from __future__ import annotations

from collections.abc import Iterator

from streaming.errors import BadMedia
from streaming.isobmff.box import child, children, read_header
from streaming.isobmff.fields import Fields

_PRFT_TIME_AT = 16
_BASE_DATA_OFFSET, _DESCRIPTION_INDEX, _DEFAULT_DURATION = 0x1, 0x2, 0x8
_DATA_OFFSET, _FIRST_FLAGS, _DURATION = 0x1, 0x4, 0x100
_SAMPLE_FIELDS = (0x100, 0x200, 0x400, 0x800)


def retime(data: bytes, delta_ts: int) -> bytes:
    """Give fragments with delta_ts added to their times. Raises: BadMedia when that is no time."""
    if delta_ts == 0:
        return data
    moved = bytearray(data)
    for kind, payload in _boxes(memoryview(moved)):
        if kind == b"moof":
            _add(child(payload, b"traf", b"tfdt"), 4, delta_ts)
        elif kind == b"prft":
            _add(payload, _PRFT_TIME_AT, delta_ts)
    return bytes(moved)


def shorten(data: bytes, excess_ts: int) -> tuple[bytes, int]:
    """Let a fragment's last sample last excess_ts less, but 1; give how much was taken.

    Nothing is taken where its duration is not its own. Raises: BadMedia.
    """
    cut = bytearray(data)
    for kind, payload in _boxes(memoryview(cut)):
        if kind != b"moof":
            continue
        field = _last_duration(child(payload, b"traf"))
        if field is not None:
            lasts_ts = int.from_bytes(field, "big")
            taken_ts = max(0, min(excess_ts, lasts_ts - 1))
            field[:] = (lasts_ts - taken_ts).to_bytes(4, "big")
            return bytes(cut), taken_ts
    return data, 0


def _last_duration(traf: memoryview) -> memoryview | None:
    """Give the four bytes that say how long the last sample lasts."""
    runs = [inside for kind, inside in children(traf) if kind == b"trun"]
    if not runs:
        return None
    _, flags = Fields(runs[-1]).full_box()
    count = int.from_bytes(runs[-1][4:8], "big")
    if flags & _DURATION:
        stride = 4 * sum(bool(flags & one) for one in _SAMPLE_FIELDS)
        at = 8 + 4 * bool(flags & _DATA_OFFSET) + 4 * bool(flags & _FIRST_FLAGS)
        return _field(runs[-1], at + (count - 1) * stride)
    tfhd = child(traf, b"tfhd")
    _, flags = Fields(tfhd).full_box()
    if len(runs) > 1 or count != 1 or not flags & _DEFAULT_DURATION:
        return None
    return _field(
        tfhd, 8 + 8 * bool(flags & _BASE_DATA_OFFSET) + 4 * bool(flags & _DESCRIPTION_INDEX)
    )


def _field(box: memoryview, at: int) -> memoryview | None:
    return box[at : at + 4] if 0 <= at <= len(box) - 4 else None


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    start = 0
    while start < len(data):
        header = read_header(data, start)
        if header is None or header[2] > len(data) - start:
            raise BadMedia("a segment that ends in the middle of a box")
        kind, header_bytes, size = header
        yield kind, data[start + header_bytes : start + size]
        start += size


def _add(full_box: memoryview, at: int, delta_ts: int) -> None:
    size = 8 if len(full_box) and full_box[0] == 1 else 4
    if len(full_box) < at + size:
        raise BadMedia("a box is shorter than its fields")
    value = int.from_bytes(full_box[at : at + size], "big") + delta_ts
    if not 0 <= value < 1 << 8 * size:
        raise BadMedia(f"media time {value} does not fit its box")
    full_box[at : at + size] = value.to_bytes(size, "big")
