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


def fill(shelf: Path, size_bytes: int) -> int:
    """Fill an empty directory as a shelf of this size; give the number of pieces."""
    shelf.mkdir(parents=True)
    made = size_bytes // PIECE_BYTES
    index = Index.open(shelf / "index.sqlite")
    for number in range(made):
        lesson = f"{number // PIECES:020d}"
        offset = number % PIECES * PIECE_BYTES
        piece = Piece(f"media/{lesson}/1/720p/000000-a1.mp4", offset, PIECE_BYTES)
        index.put(Row(piece, Group(lesson, lesson), number))
        _hole(shelf / "objects" / piece.name[:2] / piece.name)
    index.close(clean=True)
    return made


def _hole(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, PIECE_BYTES)
