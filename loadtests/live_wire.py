"""What simulated viewers must understand of the wire, and no more. Pure: bytes in, values out.

Spec: RFC 6455 5.2 (frames of a server are not masked, a client's are), RFC 9112 (responses with a
Content-Length), RFC 8216bis 4.4.4.9 (EXT-X-PART), ISO/IEC 14496-12 8.8.12 (tfdt).
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
STREAM_HEADER_BYTES = 4
TFDT_WITHIN_BYTES = 400
HEADER_LIMIT_BYTES = 16 * 1024
_PART = re.compile(r'#EXT-X-PART:[^\n]*URI="(([^"?]*?)(\d+)\.(\d+)\.m4s[^"]*)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WsFrame:
    """Where a frame's payload lies in the bytes that were asked about."""

    opcode: int
    start: int
    end: int


def ws_frame(data: bytes, at: int) -> WsFrame | None:
    """Find the frame that begins at `at`; None when its head is not whole."""
    if len(data) < at + 2:
        return None
    short, start = data[at + 1] & 127, at + 2
    if short < 126:
        return WsFrame(data[at] & 15, start, start + short)
    wide = 2 if short == 126 else 8
    if len(data) < start + wide:
        return None
    size = int.from_bytes(data[start : start + wide], "big")
    return WsFrame(data[at] & 15, start + wide, start + wide + size)


def ws_pong(payload: bytes) -> bytes:
    """Answer a ping; the mask is zero, which is allowed and costs nothing."""
    return bytes((128 | PONG, 128 | len(payload), 0, 0, 0, 0)) + payload


def ws_text(text: str) -> bytes:
    """Give a text message of at most 64 KiB as a client's frame; its mask is zero as well."""
    payload = text.encode()
    short = len(payload) < 126
    head = bytes((128 | TEXT, 128 | (len(payload) if short else 126)))
    size = b"" if short else struct.pack(">H", len(payload))
    return head + size + bytes(4) + payload


def get_request(url: str, more: str = "") -> bytes:
    """Give the GET of an address; `more` are header lines, each with its end."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{more}\r\n".encode()


def decode_time(data: bytes, at: int) -> int | None:
    """Give the first baseMediaDecodeTime of the fragment that begins at `at`."""
    found = data.find(b"tfdt", at, at + TFDT_WITHIN_BYTES)
    if found < 0 or len(data) < found + 16:
        return None
    if data[found + 4]:
        return int(struct.unpack_from(">Q", data, found + 8)[0])
    return int(struct.unpack_from(">I", data, found + 8)[0])


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that is whole: its status, and where its body lies."""

    status: int
    start: int
    end: int


def http_answer(data: bytes) -> Answer | None:
    """Find the response at the beginning of `data`. Raises: ValueError when it has no length."""
    head = data.find(b"\r\n\r\n", 0, HEADER_LIMIT_BYTES)
    if head < 0:
        return None
    found = _LENGTH.search(data, 0, head)
    if found is None:
        raise ValueError("a response without a Content-Length")
    start = head + 4
    end = start + int(found[1])
    return Answer(int(data[9:12]), start, end) if len(data) >= end else None


@dataclass(frozen=True, slots=True, order=True)
class PartName:
    """A part of a playlist: media sequence number, index, address."""

    number: int
    index: int
    uri: str


def parts_of(playlist: str) -> list[PartName]:
    """Give the parts that a playlist lists, oldest first."""
    return [PartName(int(n), int(i), uri) for uri, _, n, i in _PART.findall(playlist)]


def playlist_text(body: bytes) -> str:
    """Give a playlist's text, packed or not."""
    return (zlib.decompress(body, 31) if body.startswith(b"\x1f\x8b") else body).decode()
