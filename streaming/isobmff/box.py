"""Boxes of the ISO base media file format, cut from a byte stream that arrives in any pieces.

Knows sizes and types only. Every size is checked against a limit before a byte of the box is
awaited, so a hostile header can neither fill the memory nor send the walk backwards.

Spec: ISO/IEC 14496-12 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

from streaming.errors import BadMedia

MDAT_LIMIT_BYTES = 64 * 1024 * 1024
BOX_LIMIT_BYTES = 1024 * 1024
CHILDREN_LIMIT = 1024
_SHORT, _LONG = 8, 16


@dataclass(frozen=True, slots=True)
class Box:
    """One whole box; `data` includes its header of `header_bytes`."""

    kind: bytes
    header_bytes: int
    data: bytes

    @property
    def payload(self) -> memoryview:
        """What follows the header."""
        return memoryview(self.data)[self.header_bytes :]


class BoxStream:
    """Cut top-level boxes out of a stream: `feed` gives those that became whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Box]:
        """Take the next bytes. Raises: BadMedia on a size that is impossible or over its limit."""
        self._buffer += data
        found: list[Box] = []
        start = 0
        while (header := read_header(self._buffer, start)) is not None:
            kind, header_bytes, size = header
            if size > limit_of(kind):
                raise BadMedia(f"box {_name(kind)} of {size} bytes is larger than allowed")
            if len(self._buffer) - start < size:
                break
            found.append(Box(kind, header_bytes, bytes(self._buffer[start : start + size])))
            start += size
        if start:
            del self._buffer[:start]
        return found

    def finish(self) -> None:
        """Say that the stream has ended. Raises: BadMedia in the middle of a box."""
        if self._buffer:
            raise BadMedia(f"the stream ends {len(self._buffer)} bytes into a box")


def limit_of(kind: bytes) -> int:
    """Largest size in bytes that a box of this type may have."""
    return MDAT_LIMIT_BYTES if kind == b"mdat" else BOX_LIMIT_BYTES


def read_header(data: bytes | bytearray | memoryview, start: int) -> tuple[bytes, int, int] | None:
    """Read type, header length and whole size of the box at start; None when bytes are missing.

    Raises: BadMedia when the size is smaller than the header, or open-ended (a stream has no end).
    """
    if len(data) - start < _SHORT:
        return None
    size, kind = unpack_from(">I4s", data, start)
    header_bytes = _SHORT
    if size == 1:
        if len(data) - start < _LONG:
            return None
        (size,) = unpack_from(">Q", data, start + _SHORT)
        header_bytes = _LONG
    if size < header_bytes:
        raise BadMedia(f"box {_name(kind)} says it has {size} bytes")
    return kind, header_bytes, size


def children(payload: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Walk the boxes inside a box. Raises: BadMedia when they do not fill it exactly."""
    start = 0
    for _ in range(CHILDREN_LIMIT):
        if start == len(payload):
            return
        header = read_header(payload, start)
        if header is None or header[2] > len(payload) - start:
            raise BadMedia("a box reaches over the end of its parent")
        kind, header_bytes, size = header
        yield kind, payload[start + header_bytes : start + size]
        start += size
    raise BadMedia(f"more than {CHILDREN_LIMIT} boxes in one")


def child(payload: memoryview, *path: bytes) -> memoryview:
    """Give the payload of the only box at this path. Raises: BadMedia when it is not there once."""
    for wanted in path:
        found = [inside for kind, inside in children(payload) if kind == wanted]
        if len(found) != 1:
            raise BadMedia(f"{len(found)} boxes {_name(wanted)} where one is needed")
        payload = found[0]
    return payload


def optional(payload: memoryview, *path: bytes) -> memoryview | None:
    """Give the payload of the first box at this path, if there is one."""
    inside: memoryview | None = payload
    for wanted in path:
        if inside is None:
            return None
        inside = next((found for kind, found in children(inside) if kind == wanted), None)
    return inside


def _name(kind: bytes) -> str:
    return kind.decode("ascii", "backslashreplace")
