"""How much memory a full shelf takes, measured in a process of its own.

python -m tests.support.full_shelf make|open DIRECTORY
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from pathlib import Path

from streaming.edge.index import Index, Row
from streaming.edge.piece import Group, Piece
from streaming.edge.shelf import Shelf, ShelfSettings
from tests.support.shelves import no_sync

GROUPS, PIECES, PIECE_BYTES = 4000, 50, 500_000
TOTAL_BYTES = GROUPS * PIECES * PIECE_BYTES
SETTINGS = ShelfSettings(sweep_pause_s=3600.0, min_free_bytes=-2 * TOTAL_BYTES)


def piece(group: int, number: int) -> Piece:
    return Piece(f"media/{group:020d}/1/720p/000000-a1.mp4", number * 2**20, PIECE_BYTES)


def make(path: Path) -> None:
    """Write an index of 100 GB; the files are not needed."""
    (path / "objects").mkdir(parents=True)
    index = Index.open(path / "index.sqlite")
    for group in range(GROUPS):
        for number in range(PIECES):
            row = Row(piece(group, number), Group(f"{group:020d}", f"{group:020d}"), number)
            index.put(row)
    index.close(clean=True)


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def measure(path: Path) -> None:
    """Say what opening the shelf adds, and what there is in all."""
    before = resident_bytes()
    async with Shelf(path, TOTAL_BYTES, SETTINGS, sync=no_sync) as shelf:
        assert shelf.figures().size_bytes == TOTAL_BYTES
        gc.collect()
        now = await asyncio.to_thread(resident_bytes)
    sys.stdout.write(f"{now - before} {now}\n")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        asyncio.run(measure(Path(sys.argv[2])))
