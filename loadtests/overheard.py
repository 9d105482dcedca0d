"""HTTP/1.1 connections as somebody in between overhears them: what is asked, how large it is. Pure.

Both ends are believed: lengths, chunks and upgrades are as they say. An answer without a length
ends with its connection and is not counted.

Spec: RFC 9112 6 (message body), 7.1 (chunked); RFC 9110 15.2.2 (101).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from enum import Enum

BODILESS = (204, 304)
ENDLESS_BYTES = 1 << 62


class Counts:
    """What was asked for, and how large it was: the largest whole body counts."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.sizes_bytes: Counter[str] = Counter()

    def grow(self, path: str, size_bytes: int) -> None:
        """Learn of a body."""
        self.sizes_bytes[path] = max(self.sizes_bytes[path], size_bytes)

    def told(self) -> dict[str, tuple[int, int]]:
        """Give both by path."""
        return {path: (count, self.sizes_bytes[path]) for path, count in self.asked.items()}


class Heard:
    """One connection: bytes of either way in. A WebSocket counts as a body without an end."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._asked: deque[tuple[str, str]] = deque()
        self._status = 0
        self._asking = _Messages(self._on_request, lambda size_bytes: None)
        self._answering = _Messages(self._on_answer, self._on_whole)
        self._upgraded: str | None = None
        self._upgraded_bytes = 0

    def up(self, data: bytes) -> None:
        """Hear what is asked."""
        if self._upgraded is None:
            self._asking.take(data)

    def down(self, data: bytes) -> None:
        """Hear what is answered."""
        if self._upgraded is None:
            self._answering.take(data)
        else:
            self._upgraded_bytes += len(data)
            self._counts.grow(self._upgraded, self._upgraded_bytes)

    def _on_request(self, lines: list[str]) -> int | None:
        method, path = lines[0].split()[:2]
        self._asked.append((method, path))
        self._counts.asked[path] += 1
        return _body_bytes(lines, 0)

    def _on_answer(self, lines: list[str]) -> int | None:
        self._status = int(lines[0].split()[1])
        method, path = self._asked[0]
        if self._status == 101:
            self._upgraded = path
        if self._status < 200 or self._status in BODILESS or method == "HEAD":
            return 0
        return _body_bytes(lines, ENDLESS_BYTES)

    def _on_whole(self, size_bytes: int) -> None:
        if self._status >= 200:
            _, path = self._asked.popleft()
            if self._status in (200, 206):
                self._counts.grow(path, size_bytes)


class _At(Enum):
    HEAD = "head"
    BODY = "body"
    CHUNK_HEAD = "size of a chunk"
    CHUNK = "chunk"
    LAST_LINE = "empty line after the last chunk"


class _Messages:
    """Messages one after the other. `on_head` gives the body's size, None when it comes in chunks;
    `on_whole` hears how large it was.
    """

    def __init__(
        self, on_head: Callable[[list[str]], int | None], on_whole: Callable[[int], None]
    ) -> None:
        self._on_head, self._on_whole = on_head, on_whole
        self._data = b""
        self._at = _At.HEAD
        self._left_bytes = self._size_bytes = 0

    def take(self, data: bytes) -> None:
        self._data += data
        while self._step():
            pass

    def _step(self) -> bool:
        if self._at in (_At.BODY, _At.CHUNK):
            return self._skip()
        end = b"\r\n\r\n" if self._at is _At.HEAD else b"\r\n"
        text, found, rest = self._data.partition(end)
        if not found:
            return False
        self._data = rest
        self._on_text(text.decode("latin-1"))
        return True

    def _on_text(self, text: str) -> None:
        if self._at is _At.HEAD:
            size_bytes = self._on_head(text.split("\r\n"))
            self._size_bytes = 0
            self._left_bytes = size_bytes or 0
            self._at = _At.CHUNK_HEAD if size_bytes is None else _At.BODY
            self._end_body()
        elif self._at is _At.CHUNK_HEAD:
            # The end of a line stands after each chunk.
            self._left_bytes = int(text.partition(";")[0], 16) + 2
            self._at = _At.CHUNK if self._left_bytes > 2 else _At.LAST_LINE
            self._size_bytes -= 2 * (self._at is _At.CHUNK)
        else:
            self._at, self._left_bytes = _At.BODY, 0
            self._end_body()

    def _skip(self) -> bool:
        taken_bytes = min(len(self._data), self._left_bytes)
        self._data = self._data[taken_bytes:]
        self._left_bytes -= taken_bytes
        self._size_bytes += taken_bytes
        if self._at is _At.CHUNK and not self._left_bytes:
            self._at = _At.CHUNK_HEAD
        self._end_body()
        return bool(taken_bytes)

    def _end_body(self) -> None:
        if self._at is _At.BODY and not self._left_bytes:
            self._at = _At.HEAD
            self._on_whole(self._size_bytes)


def _body_bytes(lines: list[str], unsaid_bytes: int) -> int | None:
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    if "transfer-encoding" in fields:
        return None
    return int(fields.get("content-length", unsaid_bytes))
