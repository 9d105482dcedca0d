"""A message of the WebSocket `stream` that holds media, made once for all viewers. Pure.

A server's WebSocket frames carry no mask, so their bytes, head and all, are the same for everyone.

Spec: RFC 6455 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

TEXT, BINARY = 0x81, 0x82
MESSAGE_HEAD_BYTES = 4
_SHORT_LIMIT, _MIDDLE_LIMIT = 126, 1 << 16


class Kind(Enum):
    """What a binary message holds; the value is its second byte."""

    INIT = 0
    KEYFRAME = 1
    PICTURE = 2
    SOUND = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """A message as it goes over the wire. `at_us` is its media time."""

    rendition: int
    kind: Kind
    run: int
    at_us: int
    wire: bytes

    @property
    def message(self) -> bytes:
        """The binary message without the WebSocket's head (a copy)."""
        second = self.wire[1]
        head_bytes = 2 if second < _SHORT_LIMIT else 4 if second == _SHORT_LIMIT else 10
        return self.wire[head_bytes:]


def frame_of(rendition: int, kind: Kind, run: int, at_us: int, media: bytes) -> Frame:
    """Make a frame of CMAF bytes: rendition, kind and run number in front, then the media."""
    size_bytes = MESSAGE_HEAD_BYTES + len(media)
    head = bytes((rendition, kind.value)) + run.to_bytes(2, "big")
    wire = b"".join((header(BINARY, size_bytes), head, media))
    return Frame(rendition, kind, run, at_us, wire)


def header(opcode: int, size_bytes: int) -> bytes:
    """Give the head of a whole, unmasked WebSocket message."""
    if size_bytes < _SHORT_LIMIT:
        return bytes((opcode, size_bytes))
    if size_bytes < _MIDDLE_LIMIT:
        return bytes((opcode, _SHORT_LIMIT)) + size_bytes.to_bytes(2, "big")
    return bytes((opcode, _SHORT_LIMIT + 1)) + size_bytes.to_bytes(8, "big")
