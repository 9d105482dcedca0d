"""A box that fetches pieces and kills itself with SIGKILL at one step, as a process of its own.

python -m tests.support.killed_box DIRECTORY URL CLASS.METHOD before|after TIMES
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streaming.edge.cached import Cached
from streaming.edge.disk import Disk
from streaming.edge.fill import Place
from streaming.edge.fills import Fills
from streaming.edge.half import Half
from streaming.edge.index import Index
from streaming.edge.piece import Piece
from streaming.edge.schedule import Schedule, Wish
from streaming.edge.shelf import Shelf
from streaming.edge.turns import Turns
from streaming.edge.upstream import Upstream, UpstreamSettings
from tests.support.filling import QUICK, Tally
from tests.support.scripted_upstream import place_of
from tests.support.shelves import MIB, shelf_at

ROOT = Path(__file__).parents[2]
PIECES = 12
PIECE_BYTES = 600_000
BUDGET_BYTES = 6 * MIB
OWNERS = {"Half": Half, "Index": Index, "Disk": Disk}


def place(number: int) -> Place:
    """Say where a piece comes from; one rendition has four of them."""
    return place_of(number, PIECE_BYTES, f"r{number // 4}")


def locate(key: str, offset: int) -> Place | None:
    """Find a piece by one of its bytes."""
    found = (place(number) for number in range(PIECES))
    return next(
        (p for p in found if p.piece.key == key and p.piece.offset <= offset < p.piece.end), None
    )


@dataclass
class Box:
    """A school's shelf and fills."""

    shelf: Shelf
    fills: Fills[Wish]
    cached: Cached
    upstream: Upstream

    async def read(self, piece: Piece, first: int = 0, length: int | None = None) -> bytes:
        """Read a part of a piece as /media does."""
        whole = piece.size_bytes - first if length is None else length
        async with self.cached.read(piece.key, piece.offset + first, whole) as chunks:
            return b"".join([chunk async for chunk in chunks])


@asynccontextmanager
async def box(path: Path, url: str, budget_bytes: int = BUDGET_BYTES) -> AsyncIterator[Box]:
    """Run one."""
    turns = Turns(Schedule[Piece](), time.monotonic)
    settings = UpstreamSettings(url, knock_first_s=0.02)
    async with (
        shelf_at(path, budget_bytes) as shelf,
        Upstream(settings, lambda: "Edge key", Tally()) as upstream,
    ):
        fills = Fills[Wish](upstream, turns, shelf, QUICK)
        yield Box(shelf, fills, Cached(shelf, fills, locate), upstream)
        await fills.close()
        turns.close()


def kill_at(owner: type, method: str, when: str, times: int) -> None:
    """Put a SIGKILL before or after the so many'th call of a method."""
    real: Callable[..., Any] = getattr(owner, method)
    calls = iter(range(1, 1_000_000))

    def wrapped(*values: Any, **named: Any) -> Any:
        last = next(calls) == times
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*values, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, wrapped)


async def main(directory: str, url: str, point: str, when: str, times: str) -> None:
    """Read all pieces again and again until the chosen step."""
    owner, _, method = point.partition(".")
    kill_at(OWNERS[owner], method, when, int(times))
    async with box(Path(directory), url) as found:
        while True:
            for number in range(PIECES):
                await found.read(place(number).piece)


async def run_until_killed(path: Path, url: str, point: str, when: str, times: int) -> None:
    """Run this file as a process until it is gone."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.killed_box", str(path), url, point, when,
        str(times), cwd=ROOT,
    )  # fmt: skip
    try:
        assert await process.wait() == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
