"""The resumable upload protocol as decisions: request headers in, what to do out. Pure.

Spec: tus 1.0.0, core and the extensions of `EXTENSIONS`. Files, rows, rights and quota are
elsewhere (catalog/uploads, catalog/http/tus.py); nothing here touches them.

    CatalogError
    └── TusError
        ├── Malformed     a header breaks the protocol: 400
        ├── WrongVersion  not tus 1.0.0: 412
        ├── WrongType     a body of another content type: 415
        ├── WrongOffset   bytes for another place than the end: 409
        ├── TooLarge      more than one upload may have: 413
        ├── Locked        another connection is writing: 423
        ├── Gone          ended, expired or taken back: 410
        ├── BadChecksum   the bytes are not what the sender counted: 460
        └── Interrupted   the sender went away or fell silent: 400, to nobody
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from catalog.errors import CatalogError, Invalid
from catalog.ids import is_id

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "creation-defer-length", "checksum",
              "termination", "concatenation", "expiration")  # fmt: skip
CHECKSUMS = {"sha1": 20, "sha256": 32}
BODY_TYPE = "application/offset+octet-stream"
METADATA_LIMIT_BYTES = 8 * 1024
METADATA_LIMIT_KEYS = 40
PARTS_LIMIT = 64
NUMBER_LIMIT_DIGITS = 16
_KEY = re.compile(r"[!-+\--~]{1,64}")


class TusError(CatalogError):
    """Root of the protocol's errors."""


class Malformed(TusError):
    """A header breaks the protocol."""


class WrongVersion(TusError):
    """The client speaks another version."""


class WrongType(TusError):
    """The body has another content type than the protocol's."""


class WrongOffset(TusError):
    """The bytes do not begin where the upload ends."""


class TooLarge(TusError):
    """The upload would be larger than one may be."""


class Locked(TusError):
    """Another connection is writing this upload."""


class Gone(TusError):
    """The upload has ended, expired or was taken back."""


class BadChecksum(TusError):
    """The bytes that came are not those that were sent."""


class Interrupted(TusError):
    """The sender went away or fell silent; what came is kept."""


class Concat(Enum):
    """Whether an upload stands alone, is a part of a later one, or is made of parts."""

    ALONE = ""
    PARTIAL = "partial"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the sender counted over the body of one request."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Creation:
    """A wish for a new upload; length_bytes None is told later."""

    length_bytes: int | None
    metadata: dict[str, str]
    concat: Concat
    parts: tuple[str, ...]
    with_body: bool
    checksum: Checksum | None


@dataclass(frozen=True, slots=True)
class Append:
    """Bytes for an upload; length_bytes when a deferred length is told with them."""

    offset: int
    length_bytes: int | None
    checksum: Checksum | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an upload stands: bytes that are here, and in all (None: not told yet)."""

    offset: int
    length_bytes: int | None

    @property
    def complete(self) -> bool:
        """Tell whether every byte is here."""
        return self.offset == self.length_bytes


def method_of(method: str, headers: Mapping[str, str]) -> str:
    """Give the method that is meant: proxies that know only POST override it in a header."""
    return headers.get("X-HTTP-Method-Override", method).upper()


def check_version(headers: Mapping[str, str]) -> None:
    """Raises: WrongVersion unless the client speaks this version."""
    spoken = headers.get("Tus-Resumable", "")
    if spoken != VERSION:
        raise WrongVersion(f"send the header Tus-Resumable: {VERSION} (got {spoken[:20]!r})")


def read_creation(headers: Mapping[str, str], limit_bytes: int) -> Creation:
    """Read a POST. Raises: Malformed, TooLarge, WrongType, Invalid."""
    concat, parts = _concat(headers.get("Upload-Concat"))
    length = _length(headers, limit_bytes)
    deferred = headers.get("Upload-Defer-Length")
    if deferred not in (None, "1"):
        raise Malformed("Upload-Defer-Length can only be 1")
    if concat is Concat.FINAL:
        if length is not None or deferred:
            raise Malformed("a final upload has the length of its parts: leave Upload-Length out")
    elif (length is None) == (deferred is None):
        raise Malformed("send either Upload-Length or Upload-Defer-Length: 1")
    with_body = _has_body(headers)
    if with_body and concat is Concat.FINAL:
        raise Malformed("a final upload is made of its parts: send no body")
    if with_body:
        check_body_type(headers)
    metadata = read_metadata(headers.get("Upload-Metadata", ""))
    return Creation(length, metadata, concat, parts, with_body, _checksum(headers))


def read_append(headers: Mapping[str, str], limit_bytes: int) -> Append:
    """Read a PATCH. Raises: Malformed, TooLarge, WrongType."""
    check_body_type(headers)
    offset = _number(headers, "Upload-Offset")
    if offset is None:
        raise Malformed("Upload-Offset is missing")
    return Append(offset, _length(headers, limit_bytes), _checksum(headers))


def accept(at: Progress, append: Append, body_bytes: int | None) -> Progress:
    """Decide whether the bytes fit where the upload stands; give it with its length, if told.

    body_bytes is None for a body of unknown size (chunked). Raises: WrongOffset, Malformed,
    TooLarge.
    """
    length = at.length_bytes
    if append.length_bytes is not None:
        if length not in (None, append.length_bytes):
            raise Malformed(f"the length is already known: {length} bytes")
        length = append.length_bytes
    if append.offset != at.offset:
        raise WrongOffset(f"the upload stands at byte {at.offset}: go on there")
    if length is not None and length < at.offset:
        raise Malformed(f"{at.offset} bytes are already here: the length cannot be {length}")
    if length is not None and body_bytes is not None and at.offset + body_bytes > length:
        raise TooLarge(f"the upload was announced with {length} bytes; these would be more")
    return Progress(at.offset, length)


def check_body_type(headers: Mapping[str, str]) -> None:
    """Raises: WrongType unless the body is of the protocol's content type."""
    if headers.get("Content-Type", "").split(";")[0].strip().lower() != BODY_TYPE:
        raise WrongType(f"the body's Content-Type must be {BODY_TYPE}")


def read_metadata(text: str) -> dict[str, str]:
    """Decode Upload-Metadata: `key base64,key base64`. Raises: Malformed, Invalid for non-UTF-8."""
    if len(text) > METADATA_LIMIT_BYTES:
        raise Malformed(f"Upload-Metadata may have {METADATA_LIMIT_BYTES} bytes")
    found: dict[str, str] = {}
    pairs = [pair.strip() for pair in text.split(",")] if text.strip() else []
    if len(pairs) > METADATA_LIMIT_KEYS:
        raise Malformed(f"Upload-Metadata may have {METADATA_LIMIT_KEYS} keys")
    for pair in pairs:
        key, _, value = pair.partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise Malformed(f"Upload-Metadata: {key[:20]!r} is not a key, or comes twice")
        found[key] = _text(key, value.strip())
    return found


def write_metadata(metadata: Mapping[str, str]) -> str:
    """Encode as Upload-Metadata."""
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}".rstrip()
        for key, value in metadata.items()
    )


def _text(key: str, value: str) -> str:
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        raise Malformed(f"Upload-Metadata: the value of {key!r} is not base64") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(key, "is not text in UTF-8") from None
    if "\x00" in text:
        raise _refused(key, "has the character NUL: take it out")
    return text


def _refused(key: str, what: str) -> Invalid:
    return Invalid(f"{key} {what}", {key: what})


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > NUMBER_LIMIT_DIGITS:
        raise Malformed(f"{name} must be a whole number of bytes")
    return int(text)


def _length(headers: Mapping[str, str], limit_bytes: int) -> int | None:
    length = _number(headers, "Upload-Length")
    if length is not None and length > limit_bytes:
        raise TooLarge(
            f"the file has {length} bytes, one upload may have {limit_bytes}: make it smaller "
            "or cut it"
        )
    return length


def _has_body(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers


def _concat(text: str | None) -> tuple[Concat, tuple[str, ...]]:
    if text is None:
        return Concat.ALONE, ()
    if text == "partial":
        return Concat.PARTIAL, ()
    kind, _, urls = text.partition(";")
    if kind != "final":
        raise Malformed("Upload-Concat must be partial, or final; with the parts' addresses")
    parts = tuple(url.rstrip("/").rpartition("/")[2] for url in urls.split())
    if not 1 <= len(parts) <= PARTS_LIMIT or len(set(parts)) != len(parts):
        raise Malformed(f"a final upload has 1 to {PARTS_LIMIT} different parts")
    if not all(is_id(part) for part in parts):
        raise Malformed("Upload-Concat names something that is no upload of this service")
    return Concat.FINAL, parts


def _checksum(headers: Mapping[str, str]) -> Checksum | None:
    text = headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    if algorithm not in CHECKSUMS:
        raise Malformed(f"Upload-Checksum: use one of {', '.join(CHECKSUMS)}")
    try:
        digest = base64.b64decode(value, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != CHECKSUMS[algorithm]:
        raise Malformed(f"Upload-Checksum: that is no base64 of a {algorithm} digest")
    return Checksum(algorithm, digest)
