"""A shelf that is full before its box starts is one that the box takes for its own."""

from __future__ import annotations

from pathlib import Path

from loadtests.edge_shelf import PIECE_BYTES, PIECES, fill
from streaming.edge.disk import PREFIXES
from tests.support.shelves import disk_at

SIZE_BYTES = (PIECES + 3) * PIECE_BYTES


def test_a_box_keeps_all_that_was_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "shelf"
    fill(path, SIZE_BYTES)
    disk = disk_at(path, 2 * SIZE_BYTES)
    disk.open()
    for prefix in PREFIXES:
        disk.sweep(prefix)
    assert (disk.size_bytes, len(disk.gone)) == (SIZE_BYTES, 0)
    disk.close(clean=True)
