"""What to answer to a request for a resource: conditions, ranges, encodings. Pure.

The decision is a value; shells (aiohttp here, a faster one later) write it to the wire.

Spec: RFC 9110 8.8.3 (ETag), 12.5.3 (Accept-Encoding), 13.1 (conditions), 14 (ranges).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))", re.ASCII)
_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes of an object in the store."""

    key: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that can be asked for. `etag` is strong and stands for exactly these bytes.

    A text has its gzip form ready. Only what is stored or small and binary takes ranges.
    """

    body: bytes | Stored
    etag: str
    content_type: str
    cache_control: str
    gzipped: bytes | None = None
    ranges: bool = False

    @property
    def size_bytes(self) -> int:
        """Length without an encoding."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.size_bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and what to send; `length` is the Content-Length, also without a body."""

    status: int
    headers: dict[str, str]
    length: int
    body: bytes | Stored | None


def answer(method: str, asked: Mapping[str, str], resource: Resource) -> Reply:
    """Decide the reply to GET or HEAD; `asked` holds the request's headers, any case."""
    gzipped = resource.gzipped is not None and takes_gzip(asked.get("Accept-Encoding", ""))
    etag = f'"{resource.etag}-gz"' if gzipped else f'"{resource.etag}"'
    headers = {"ETag": etag, "Cache-Control": resource.cache_control}
    if resource.gzipped is not None:
        headers["Vary"] = "Accept-Encoding"
    if _is_known(asked.get("If-None-Match"), etag):
        return Reply(304, headers, 0, None)
    headers["Content-Type"] = resource.content_type
    if gzipped and resource.gzipped is not None:
        headers["Content-Encoding"] = "gzip"
        return _whole(method, headers, resource.gzipped, len(resource.gzipped))
    if resource.ranges:
        headers["Accept-Ranges"] = "bytes"
        if method == "GET" and asked.get("If-Range", etag) == etag:
            part = _part(asked.get("Range", ""), resource, headers)
            if part is not None:
                return part
    return _whole(method, headers, resource.body, resource.size_bytes)


def _whole(method: str, headers: dict[str, str], body: bytes | Stored, length: int) -> Reply:
    return Reply(200, headers, length, None if method == "HEAD" else body)


def _part(asked: str, resource: Resource, headers: dict[str, str]) -> Reply | None:
    """Answer a single range; None for several, for none and for what is no range."""
    found = _RANGE.fullmatch(asked.replace(" ", ""))
    if found is None or (found[1] and found[2] and int(found[2]) < int(found[1])):
        return None
    size = resource.size_bytes
    span = _span(found, size)
    if span is None:
        return Reply(416, {**headers, "Content-Range": f"bytes */{size}"}, 0, b"")
    first, last = span
    headers = {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}
    length = last - first + 1
    return Reply(206, headers, length, _slice(resource.body, first, length))


def _span(found: re.Match[str], size: int) -> tuple[int, int] | None:
    first, last, tail = found.groups()
    if tail is not None:
        start, end = max(0, size - int(tail)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    return (start, end) if start <= end else None


def _slice(body: bytes | Stored, first: int, length: int) -> bytes | Stored:
    if isinstance(body, bytes):
        return body[first : first + length]
    return Stored(body.key, body.offset + first, length)


def _is_known(asked: str | None, etag: str) -> bool:
    """Compare weakly, as If-None-Match wants it."""
    if asked is None:
        return False
    if asked.strip() == "*":
        return True
    return etag[1:-1] in _ENTITY_TAG.findall(asked)


def takes_gzip(accept: str) -> bool:
    """Tell whether gzip may be sent; a quality of 0 forbids it."""
    wanted: dict[str, float] = {}
    for item in accept.lower().split(","):
        name, _, parameters = item.partition(";")
        wanted[name.strip()] = _quality(parameters)
    return wanted.get("gzip", wanted.get("*", 0.0)) > 0


def _quality(parameters: str) -> float:
    _, equals, value = parameters.partition("q=")
    try:
        return float(value) if equals else 1.0
    except ValueError:
        return 0.0
