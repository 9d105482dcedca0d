"""Fills between a scripted upstream and a shelf in memory, on an open line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from streaming.edge.fill import Place
from streaming.edge.fills import Fills
from streaming.edge.patience import PatienceSettings
from streaming.edge.piece import Group, Piece
from streaming.edge.schedule import Priority, Wish
from streaming.edge.upstream import Upstream, UpstreamSettings
from tests.support.scripted_upstream import ScriptedUpstream, serving

WAITED, NIGHT = Wish(Priority.WAITED), Wish(Priority.NIGHT)
QUICK = PatienceSettings(patience_s=1.5, tries=6, pause_first_s=0.01, pause_limit_s=0.05)


class OpenLine:
    """Every fill has its turn at once; notes who hurried."""

    def __init__(self) -> None:
        self.hurried: list[Wish] = []
        self.turns: list[tuple[Piece, Wish]] = []

    @asynccontextmanager
    async def turn(self, place: Place, wish: Wish) -> AsyncIterator[None]:
        self.turns.append((place.piece, wish))
        yield

    def hurry(self, place: Place, wish: Wish) -> None:
        self.hurried.append(wish)


class Tally:
    """What the line's meter was told."""

    def __init__(self) -> None:
        self.flows = 0
        self.most_flows = 0
        self.size_bytes = 0

    def began(self, now: float) -> None:
        self.flows += 1
        self.most_flows = max(self.flows, self.most_flows)

    def arrived(self, size_bytes: int, now: float) -> None:
        self.size_bytes += size_bytes

    def ended(self, now: float) -> None:
        self.flows -= 1


@dataclass
class MemoryWriter:
    """A piece on its way into memory."""

    shelf: MemoryShelf
    piece: Piece
    data: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes) -> None:
        self.data += data

    async def commit(self) -> bool:
        if not self.shelf.full:
            self.shelf.kept[self.piece] = bytes(self.data)
        return not self.shelf.full

    def abort(self) -> None:
        self.shelf.aborted.append(self.piece)


class MemoryShelf:
    """Keeps what fills bring."""

    def __init__(self) -> None:
        self.kept: dict[Piece, bytes] = {}
        self.aborted: list[Piece] = []
        self.full = False

    def begin(self, piece: Piece, group: Group) -> MemoryWriter:
        return MemoryWriter(self, piece)


@dataclass
class Filling:
    """All parts of a test's line."""

    upstream: ScriptedUpstream
    client: Upstream
    shelf: MemoryShelf
    line: OpenLine
    meter: Tally
    fills: Fills[Wish]

    async def read(self, place: Place, first: int = 0, length: int | None = None) -> bytes:
        """Read a piece as a viewer does."""
        async with self.fills.join(place, WAITED, first, length) as chunks:
            return b"".join([chunk async for chunk in chunks])


@asynccontextmanager
async def filling(patience: PatienceSettings = QUICK, **times_s: float) -> AsyncIterator[Filling]:
    """Run an upstream, a client and fills."""
    shelf, line, meter = MemoryShelf(), OpenLine(), Tally()
    async with serving(ScriptedUpstream()) as upstream:
        settings = UpstreamSettings(upstream.url, **{"knock_first_s": 0.02, **times_s})
        async with Upstream(settings, lambda: {"Authorization": "Edge key"}, meter) as client:
            fills = Fills(client, line, shelf, patience)
            yield Filling(upstream, client, shelf, line, meter, fills)
            await fills.close()
