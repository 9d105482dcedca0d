"""The head of one HTTP/1.1 request: bytes in, `Head`, `Refused` or None (more is needed) out. Pure.

Strict where two readers could disagree about where a request ends, since the bytes go on to another
reader (aiohttp) when nobody here answers: what is doubtful is refused, never mended.

Spec: RFC 9112 2.2 (lines), 3 (request line), 5 (fields), 6.3 (length), 9.3 (persistence).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache, partial

from streaming.vod.reply import takes_gzip

HEAD_LIMIT_BYTES = 16 * 1024
FIELDS_LIMIT = 100
NAME_LIMIT_CHARS = 64
METHOD_LIMIT_CHARS = 20
TARGET_LIMIT_CHARS = 8190
LENGTH_LIMIT_DIGITS = 15
REMEMBERED = 512
REMEMBERED_BYTES = 1024
REMEMBERED_VALUES = 64

_END = b"\r\n\r\n"
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_FIELD = rb"%b{1,%d}+:[\t -~\x80-\xff]*+\r\n" % (_TOKEN, NAME_LIMIT_CHARS)
_HEAD = re.compile(
    rb"([A-Z][A-Z-]{0,%d}) ([!-~\x80-\xff]{1,%d}+) HTTP/1\.([01])\r\n((?:%b)*+)\r\n"
    % (METHOD_LIMIT_CHARS - 1, TARGET_LIMIT_CHARS, _FIELD)
)
_ABSOLUTE = re.compile(r"https?://[^/?#@]+(?=[/?]|$)", re.IGNORECASE)
_OTHER_VERSION = re.compile(rb"[A-Z-]+ [!-~]+ HTTP/(?!1\.[01]\r)\d\.\d\r\n")
_LONG_TARGET = re.compile(rb"[A-Z-]{1,%d} [!-~\x80-\xff]{%d}" % (METHOD_LIMIT_CHARS, 8191))
_LENGTH = re.compile(rf"[0-9]{{1,{LENGTH_LIMIT_DIGITS}}}", re.ASCII)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_CONDITIONS = frozenset({"range", "if-none-match", "if-range"})
_ONCE = frozenset({"content-length", "transfer-encoding", "host"})


class Fields(dict[str, str]):
    """Header fields by lower-case name, and what they ask for. Read-only: shared.

    Several lines of one name are joined as RFC 9110 5.3 allows.
    """

    __slots__ = (
        "body_bytes", "chunked", "conditional", "gzip", "keep_alive", "request_id", "upgrade",
    )  # fmt: skip
    keep_alive: bool
    body_bytes: int
    chunked: bool
    upgrade: bool
    conditional: bool
    gzip: bool
    request_id: bytes | None

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """Give a field, its name in any case."""
        return super().get(name.lower(), default)


@dataclass(slots=True)
class Head:
    """One request, read-only: `target` in origin form as it was sent, never decoded.

    A request that is asked again in the same words is the same object: what a door has found for it
    may be left in `memo`.
    """

    method: str
    target: str
    fields: Fields
    size_bytes: int
    memo: object = field(default=None, compare=False, repr=False)

    @property
    def plain(self) -> bool:
        """Tell whether it has no body and the connection stays what it is."""
        fields = self.fields
        return not (fields.body_bytes or fields.chunked or fields.upgrade)


@dataclass(frozen=True, slots=True)
class Refused:
    """The connection is closed after this answer: where the next request begins is unknown."""

    status: int
    reason: str


def read_head(data: bytes, at: int = 0) -> Head | Refused | None:
    """Read the head that begins at `at`; None when its end has not come yet."""
    start = at + 2 if data.startswith(b"\r\n", at) else at
    end = data.find(_END, start, start + HEAD_LIMIT_BYTES)
    if end < 0:
        return _unfinished(data, start)
    return _read_whole(data[start : end + len(_END)], end + len(_END) - at)


def _read_whole(raw: bytes, size_bytes: int) -> Head | Refused:
    found = _HEAD.fullmatch(raw)
    if found is None:
        return _why_not(raw)
    method, target, minor, block = found.groups()
    read = _known_fields if len(block) <= REMEMBERED_BYTES else _read_fields
    fields = read(block, minor == b"1")
    if isinstance(fields, Refused):
        return fields
    reduced = _origin_form(target.decode("latin-1"), method)
    if reduced is None:
        return Refused(400, "the target is neither a path nor an http address")
    return Head(method.decode(), reduced, fields, size_bytes)


def _unfinished(data: bytes, start: int) -> Refused | None:
    """A line that ends without CR would wait for ever; a head that is too long need not end."""
    line = data.find(b"\n", start)
    if line == start or (line > start and data[line - 1] != 0x0D):
        return Refused(400, "a line does not end with CR LF")
    if len(data) - start < HEAD_LIMIT_BYTES:
        return None
    return _too_long(data, start) or Refused(431, f"the head is longer than {HEAD_LIMIT_BYTES}")


def _why_not(raw: bytes) -> Refused:
    if _OTHER_VERSION.match(raw):
        return Refused(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    return _too_long(raw, 0) or Refused(400, "this is no HTTP request")


def _too_long(data: bytes, start: int) -> Refused | None:
    if _LONG_TARGET.match(data, start):
        return Refused(414, f"the address is longer than {TARGET_LIMIT_CHARS}")
    return None


def _origin_form(target: str, method: bytes) -> str | None:
    if target[0] == "/":
        return target
    if target == "*":
        return target if method == b"OPTIONS" else None
    found = _ABSOLUTE.match(target)
    if found is None:
        return None
    rest = target[found.end() :]
    return rest if rest.startswith("/") else f"/{rest}"


def _read_fields(block: bytes, newer: bool) -> Fields | Refused:
    lines = block.decode("latin-1").split("\r\n")
    del lines[-1]
    if len(lines) > FIELDS_LIMIT:
        return Refused(431, f"more than {FIELDS_LIMIT} header fields")
    fields = Fields()
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if name in fields:
            if name in _ONCE:
                return Refused(400, f"{name} stands twice")
            value = f"{fields[name]}{'; ' if name == 'cookie' else ', '}{value}"
        fields[name] = value
    return _understood(fields, newer)


# A player asks for all that it wants with the same fields.
_known_fields = lru_cache(REMEMBERED)(_read_fields)


def _understood(fields: Fields, newer: bool) -> Fields | Refused:
    """Say how long the body is and what comes after it."""
    given = partial(dict[str, str].get, fields)
    coding, length = given("transfer-encoding"), given("content-length")
    if newer and "host" not in fields:
        return Refused(400, "host is missing")
    if coding is not None and (length is not None or not newer or coding.lower() != "chunked"):
        return Refused(400, "the length of the body is in doubt")
    if length is not None and not _LENGTH.fullmatch(length):
        return Refused(400, "content-length is no number")
    close, keep, upgrade = _options(given("connection") or "")
    fields.keep_alive = not close and (newer or keep)
    fields.body_bytes = int(length or 0)
    fields.chunked = coding is not None
    fields.conditional = not _CONDITIONS.isdisjoint(fields)
    fields.gzip = _known_gzip(given("accept-encoding") or "")
    fields.upgrade = upgrade or "upgrade" in fields
    asked_id = given("x-request-id") or ""
    fields.request_id = asked_id.encode() if REQUEST_ID.fullmatch(asked_id) else None
    return fields


@lru_cache(REMEMBERED_VALUES)
def _options(connection: str) -> tuple[bool, bool, bool]:
    """Tell whether a Connection field says close, keep-alive, upgrade."""
    options = {item.strip(" \t") for item in connection.lower().split(",")}
    return "close" in options, "keep-alive" in options, "upgrade" in options


_known_gzip = lru_cache(REMEMBERED_VALUES)(takes_gzip)
