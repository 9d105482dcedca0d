"""A school's shelf and fills as they stand together, behind a scripted upstream."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from streaming.edge.cached import Cached
from streaming.edge.fill import Place
from streaming.edge.fills import Fills
from streaming.edge.piece import Piece
from streaming.edge.schedule import Schedule, Wish
from streaming.edge.shelf import Shelf
from streaming.edge.turns import Turns
from streaming.edge.upstream import Upstream, UpstreamSettings
from tests.support.filling import QUICK, Tally
from tests.support.scripted_upstream import place_of
from tests.support.shelves import MIB, shelf_at

PIECES = 12
PIECE_BYTES = 600_000
BUDGET_BYTES = 6 * MIB


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
        Upstream(settings, lambda: {"Authorization": "Edge key"}, Tally()) as upstream,
    ):
        fills = Fills[Wish](upstream, turns, shelf, QUICK)
        yield Box(shelf, fills, Cached(shelf, fills, locate), upstream)
        await fills.close()
        turns.close()
