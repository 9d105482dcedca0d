"""A piece's file while it is written; used from one thread."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from streaming.edge.piece import Group, Piece

_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_MODE = 0o640


class Half:
    """A piece on its way to the shelf. Raises OSError when the disk does not take it."""

    def __init__(self, piece: Piece, group: Group, path: Path) -> None:
        self.piece = piece
        self.group = group
        self.path = path
        self.size_bytes = 0
        self.crc32 = 0
        self._fd = os.open(path, _MAKE, _MODE)

    @property
    def whole(self) -> bool:
        """Tell whether it is as long as the piece is."""
        return self.size_bytes == self.piece.size_bytes

    def write(self, data: bytes) -> None:
        """Write the next bytes."""
        self.crc32 = zlib.crc32(data, self.crc32)
        self.size_bytes += len(data)
        with memoryview(data) as view:
            written = 0
            while written < len(data):
                written += os.write(self._fd, view[written:])

    def move(self, target: Path) -> None:
        """Put the file in its place."""
        self._close()
        target.parent.mkdir(exist_ok=True)
        self.path.rename(target)

    def remove(self) -> None:
        """Remove the file."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
