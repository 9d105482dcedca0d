"""Open files of the shelf, the most recently used kept open. Loop side only.

A file that is given out stays readable until its last user lets go, whatever happens to its name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Self

from streaming.edge.piece import Piece

OPEN_LIMIT = 512


class _File:
    """A descriptor and how many hold it; the table is one of them."""

    __slots__ = ("fd", "holders")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.holders = 1


class Kept:
    """A piece's file, open: `fd` is good for pread and sendfile until `close`."""

    __slots__ = ("_file", "_files", "fd", "size_bytes")

    def __init__(self, files: OpenFiles, file: _File, size_bytes: int) -> None:
        self._files = files
        self._file: _File | None = file
        self.fd = file.fd
        self.size_bytes = size_bytes

    def close(self) -> None:
        """Let go; once is enough."""
        file, self._file = self._file, None
        if file is not None:
            self._files.let_go(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class OpenFiles:
    """Descriptors by piece; `close_fd` is what closes one, and may do so elsewhere."""

    def __init__(self, close_fd: Callable[[int], None], limit: int = OPEN_LIMIT) -> None:
        self._close_fd = close_fd
        self._limit = limit
        self._files: OrderedDict[Piece, _File] = OrderedDict()

    def __len__(self) -> int:
        return len(self._files)

    def lend(self, piece: Piece) -> Kept | None:
        """Give an open file."""
        file = self._files.get(piece)
        if file is None:
            return None
        self._files.move_to_end(piece)
        return self._lend(file, piece)

    def take(self, piece: Piece, fd: int) -> Kept:
        """Take a descriptor of a piece's file, to keep and to lend."""
        if piece in self._files:
            self._close_fd(fd)
        else:
            self._files[piece] = _File(fd)
        kept = self._lend(self._files[piece], piece)
        self._files.move_to_end(piece)
        while len(self._files) > self._limit:
            self.drop(next(iter(self._files)))
        return kept

    def drop(self, piece: Piece) -> None:
        """Keep a piece's file open no longer than its users do."""
        file = self._files.pop(piece, None)
        if file is not None:
            self.let_go(file)

    def clear(self) -> None:
        """Drop all."""
        for piece in list(self._files):
            self.drop(piece)

    def let_go(self, file: _File) -> None:
        """One holds the file no more."""
        file.holders -= 1
        if not file.holders:
            self._close_fd(file.fd)

    def _lend(self, file: _File, piece: Piece) -> Kept:
        file.holders += 1
        return Kept(self, file, piece.size_bytes)
