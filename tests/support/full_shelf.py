"""How much memory a full shelf takes, measured in a process of its own.

python -m tests.support.full_shelf make|open DIRECTORY
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from pathlib import Path

from loadtests.edge_shelf import write_index
from streaming.edge.shelf import Shelf, ShelfSettings
from tests.support.shelves import no_sync

TOTAL_BYTES = 100 * 10**9
SETTINGS = ShelfSettings(sweep_pause_s=3600.0, min_free_bytes=-2 * TOTAL_BYTES)


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
        write_index(Path(sys.argv[2]), TOTAL_BYTES)
    else:
        asyncio.run(measure(Path(sys.argv[2])))
