"""What has come of a piece, over as many answers as that takes. Pure.

An upstream may break off, lie or change its mind: each answer is held against what the piece is
known to be (size, type) and what came before (entity tag, bytes). `Broken` ends a try, and the next
one asks for the rest; `Spoilt` ends the piece's arrival, because what readers were given cannot be
continued or trusted.

Spec: RFC 9110 8.8.3 (entity tags), 13.1.5 (If-Range), 14.4 (Content-Range), 15.3.7 (206).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from streaming.errors import StreamingError

PIECE_LIMIT_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)", re.ASCII)
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]{0,200}"', re.ASCII)
_LENGTH = re.compile(r"\d{1,15}", re.ASCII)
_MEDIA = frozenset({"video/mp4", "audio/mp4"})
_PICTURES = frozenset({"image/jpeg"})
_GONE = frozenset({404, 410})
_LATER = frozenset({408, 425, 429})


class Broken(StreamingError):
    """This answer is of no use; another may be."""


class Spoilt(StreamingError):
    """What came cannot be continued; only a new beginning helps."""


class Refused(StreamingError):
    """The upstream does not give this piece. `gone` tells "there is none" from "not to you"."""

    def __init__(self, message: str, gone: bool) -> None:
        super().__init__(message)
        self.gone = gone


class Arrival:
    """Gathers the bytes of one piece. Use: wish, head, take…, end; again until `whole`."""

    def __init__(self, path: str, size_bytes: int) -> None:
        if size_bytes > PIECE_LIMIT_BYTES:
            limit = PIECE_LIMIT_BYTES >> 20
            raise Spoilt(f"{path} would be {size_bytes} bytes; pieces have at most {limit} MiB")
        self.path = path
        self.size_bytes = size_bytes
        self.whole = False
        self._data = bytearray()
        self._etag = ""
        self._at = 0

    @property
    def have_bytes(self) -> int:
        """How many bytes are here, from the piece's first on."""
        return len(self._data)

    def read(self, start: int, end: int) -> bytes:
        """Give at most CHUNK_BYTES of what is here between start and end."""
        with memoryview(self._data) as view:
            return bytes(view[start : min(end, start + CHUNK_BYTES)])

    def wish(self) -> dict[str, str]:
        """Give the headers that ask for what is missing; without a tag for all once more."""
        if not self._data or not self._etag:
            return {}
        return {"Range": f"bytes={len(self._data)}-", "If-Range": self._etag}

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take the head of an answer. Raises: Broken, Spoilt, Refused."""
        self._require_status(status)
        if status == 200 or "Content-Type" in headers:
            self._require_form(headers)
        tag = headers.get("ETag", "").strip()
        tag = tag if _STRONG_TAG.fullmatch(tag) else ""
        if self._data and self._etag and tag and tag != self._etag:
            raise Spoilt(f"{self.path} became another thing while it came")
        if status == 206 and not tag:
            raise Broken(f"{self.path} was continued without saying what it is")
        self._at = self._begin(status, headers)
        self._require_length(headers)
        if not self._data:
            self._etag = tag

    def take(self, chunk: bytes) -> bytes:
        """Take what came next; give the part that is new. Raises: Spoilt."""
        known = min(len(chunk), len(self._data) - self._at)
        if known and not self._is_same(chunk, known):
            raise Spoilt(f"{self.path} came with other bytes the second time")
        new = chunk[known:] if known else chunk
        if len(self._data) + len(new) > self.size_bytes:
            raise Spoilt(f"{self.path} is longer than its {self.size_bytes} bytes")
        self._at += len(chunk)
        self._data += new
        return new

    def end(self) -> None:
        """The answer ended as its own length said. Raises: Broken."""
        if self._at != self.size_bytes:
            raise Broken(f"{self.path} ended after {self._at} of {self.size_bytes} bytes")
        self.whole = True

    def _require_status(self, status: int) -> None:
        if status == 200 or (status == 206 and self._etag and self._data):
            return
        if status in _GONE:
            raise Refused(f"the upstream has no {self.path}", gone=True)
        if status == 416 and self._data:
            raise Spoilt(f"{self.path} became shorter while it came")
        if 400 <= status < 500 and status not in _LATER:
            raise Refused(f"the upstream answers {status} to {self.path}", gone=False)
        raise Broken(f"the upstream answers {status} to {self.path}")

    def _require_form(self, headers: Mapping[str, str]) -> None:
        found = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if found not in (_PICTURES if self.path.endswith(".jpg") else _MEDIA):
            raise Broken(f"{self.path} came as {found[:40] or 'nothing'}: no media")
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Broken(f"{self.path} came packed")

    def _begin(self, status: int, headers: Mapping[str, str]) -> int:
        if status == 200:
            return 0
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        wanted = (len(self._data), self.size_bytes - 1)
        if found is None or (int(found[1]), int(found[2])) != wanted:
            raise Broken(f"{self.path} came as another range than was asked for")
        if found[3] not in ("*", str(self.size_bytes)):
            raise Spoilt(f"{self.path} is {found[3]} bytes long now")
        return len(self._data)

    def _require_length(self, headers: Mapping[str, str]) -> None:
        said = headers.get("Content-Length")
        wanted = self.size_bytes - self._at
        if said is not None and not (_LENGTH.fullmatch(said) and int(said) == wanted):
            raise Broken(f"{self.path} would be {said[:20]} bytes instead of {wanted}")

    def _is_same(self, chunk: bytes, known: int) -> bool:
        with memoryview(self._data) as view, memoryview(chunk) as come:
            return view[self._at : self._at + known] == come[:known]
