"""What a viewer has sent and nobody has taken yet. Pure."""

from __future__ import annotations

from streaming.hot.head import Head, Refused, read_head


class Inbox:
    """Bytes in order: heads are read from the front, bodies are taken behind them."""

    __slots__ = ("_at", "_begin", "_data")

    def __init__(self) -> None:
        self._data = b""
        self._begin = self._at = 0

    def __len__(self) -> int:
        return len(self._data) - self._at

    @property
    def empty(self) -> bool:
        """Tell whether nothing waits, and all that was read has been packed."""
        return not self._data

    @property
    def alone(self) -> bool:
        """Tell whether the head that was just read is all that there was."""
        return not self._begin and self._at == len(self._data) and self._data[:1] != b"\r"

    def add(self, data: bytes) -> None:
        """Put bytes behind the others."""
        self._data = self._data + data if self._data else data

    def read(self) -> Head | Refused | None:
        """Read the next head; None when it is not whole."""
        found = read_head(self._data, self._at)
        if isinstance(found, Head):
            self._begin, self._at = self._at, self._at + found.size_bytes
        return found

    def head(self) -> bytes:
        """Give the bytes of the head that was read last, before anything was packed."""
        return self._data[self._begin : self._at].lstrip(b"\r\n")

    def take(self, size_bytes: int) -> bytes:
        """Take what is there, at most so much."""
        taken = self._data[self._at : self._at + size_bytes]
        self._at += len(taken)
        return taken

    def pack(self) -> None:
        """Forget what has been read and taken."""
        self._data = self._data[self._at :] if self._at < len(self._data) else b""
        self._begin = self._at = 0

    def clear(self) -> None:
        """Forget all."""
        self._data = b""
        self._begin = self._at = 0
