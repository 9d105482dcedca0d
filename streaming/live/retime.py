"""Media times of fragments moved, so that a recording has no hole where the publisher was away.

Only `tfdt` (and the media time of `prft`) change; nothing moves, so offsets stay true. Pure.

Spec: ISO/IEC 14496-12 8.8.12 (tfdt), 8.16.5 (prft).
"""

from __future__ import annotations

from collections.abc import Iterator

from streaming.errors import BadMedia
from streaming.isobmff.box import child, read_header

_PRFT_TIME_AT = 16


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
