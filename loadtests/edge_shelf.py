"""A shelf of a box that is full before it starts: an index, and a file for each of its rows.

The files have the sizes of pieces and take no room (they are holes): what a box keeps in memory of
its shelf is the same. Pieces are of 500 kB, fifty of one object a lesson, as recordings have them.
"""

from __future__ import annotations

import os
from pathlib import Path

from streaming.edge.index import Index, Row
from streaming.edge.piece import Group, Piece

PIECE_BYTES, PIECES = 500_000, 50


def write_index(shelf: Path, size_bytes: int) -> list[Piece]:
    """Write the index of a shelf of this size; give its pieces."""
    (shelf / "objects").mkdir(parents=True)
    index, pieces = Index.open(shelf / "index.sqlite"), []
    for number in range(size_bytes // PIECE_BYTES):
        lesson = f"{number // PIECES:020d}"
        offset = number % PIECES * PIECE_BYTES
        pieces.append(Piece(f"media/{lesson}/1/720p/000000-a1.mp4", offset, PIECE_BYTES))
        index.put(Row(pieces[-1], Group(lesson, lesson), number))
    index.close(clean=True)
    return pieces


def fill(shelf: Path, size_bytes: int) -> None:
    """Fill an empty directory as a shelf of this size."""
    for piece in write_index(shelf, size_bytes):
        _hole(shelf / "objects" / piece.name[:2] / piece.name)


def _hole(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.truncate(path, PIECE_BYTES)
