"""What `/media` reads from in a school: the shelf, else a fill (`streaming.vod.bodies.BodySource`).

A part of a segment is read from the whole segment: that is what crosses the line and is kept. What
is on the shelf is also given as an open file to send (`streaming.hot.files.FileSource`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
)

from catalog.store.port import ObjectMissing
from streaming.edge.fill import Place
from streaming.edge.fills import Fills
from streaming.edge.openfiles import Kept as KeptFile
from streaming.edge.pacing import Slowing, Turn
from streaming.edge.piece import Group, Piece
from streaming.edge.schedule import Priority, Wish
from streaming.edge.shelf import Shelf
from streaming.hot.door import FileSlice
from streaming.vod.kept import Kept
from streaming.vod.reply import Stored

PLACES_LIMIT = 4096
Locate = Callable[[str, int], Place | None]


def _now(place: Place) -> Wish:
    return Wish(Priority.WAITED)


class Cached:
    """Reads pieces. `locate` says of which piece a byte is and where that comes from, `used` hears
    of each group that is read, `wish` says how urgent a piece is.
    """

    def __init__(
        self,
        shelf: Shelf,
        fills: Fills[Wish],
        locate: Locate,
        used: Callable[[Group], None] = lambda group: None,
        wish: Callable[[Place], Wish] = _now,
    ) -> None:
        self._shelf = shelf
        self._fills = fills
        self._locate = locate
        self._used = used
        self._wish = wish
        self._places: Kept[tuple[str, int], Place] = Kept(PLACES_LIMIT)
        self.shelf_bytes = 0
        self.fill_bytes = 0

    def read(
        self, key: str, offset: int = 0, length: int | None = None, slowing: Slowing | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a part of an object as chunks. Raises: ObjectMissing, StoreAway.

        `slowing` holds back a viewer who makes pieces cross the line.
        """
        return self._read(key, offset, length, slowing)

    @asynccontextmanager
    async def _read(
        self, key: str, offset: int, length: int | None, slowing: Slowing | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        place = self._find(key, offset)
        if place is None:
            raise ObjectMissing(f"nothing is known of {key} at {offset}")
        end = place.piece.end if length is None else offset + length
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(self._piece(place, offset, end, slowing))
            yield await stack.enter_async_context(aclosing(self._on(first, place, end, slowing)))

    def held(self, stored: Stored) -> FileSlice | None:
        """Give a part of a piece if its file is open; never waits."""
        place = self._find_whole(stored)
        return None if place is None else self._slice(place, stored, self._shelf.at_hand)

    async def open(self, stored: Stored) -> FileSlice | None:
        """Open the file of a piece; None when it is not on the shelf."""
        place = self._find_whole(stored)
        if place is None or self._fills.find(place.piece) is not None:
            return None
        kept = await self._shelf.get(place.piece)
        return None if kept is None else self._slice(place, stored, lambda piece: kept)

    def close(self) -> None:
        """Close nothing: open files are the shelf's."""

    def _slice(
        self, place: Place, stored: Stored, lend: Callable[[Piece], KeptFile | None]
    ) -> FileSlice | None:
        kept = lend(place.piece)
        if kept is None:
            return None
        self._used(place.group)
        self.shelf_bytes += stored.size_bytes
        first = stored.offset - place.piece.offset
        return FileSlice(kept.fd, first, stored.size_bytes, kept.close)

    def _find_whole(self, stored: Stored) -> Place | None:
        """Find the one piece that has all of this."""
        place = self._find(stored.key, stored.offset)
        end = stored.offset + stored.size_bytes
        return place if place is not None and end <= place.piece.end else None

    def _find(self, key: str, offset: int) -> Place | None:
        """Locate a byte; where a piece lies never changes, so it is remembered."""
        place = self._places.fresh((key, offset), 0.0)
        if place is None:
            place = self._locate(key, offset)
            if place is not None:
                self._places.put((key, offset), place, 1.0)
        return place

    async def _on(
        self, chunks: AsyncIterator[bytes], place: Place, end: int, slowing: Slowing | None
    ) -> AsyncGenerator[bytes, None]:
        """Give the chunks of a piece, then those of the pieces behind it up to the end."""
        async for chunk in chunks:
            yield chunk
        at = place.piece.end
        while at < end:
            following = self._find(place.piece.key, at)
            if following is None:
                return
            async with self._piece(following, at, end, slowing) as chunks:
                async for chunk in chunks:
                    yield chunk
            at = following.piece.end

    @asynccontextmanager
    async def _piece(
        self, place: Place, start: int, end: int, slowing: Slowing | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the part of one piece that lies between two offsets of its object."""
        piece = place.piece
        first, length = start - piece.offset, min(end, piece.end) - start
        self._used(place.group)
        async with AsyncExitStack() as stack:
            kept, turn = await self._find_kept(piece), None
            if kept is None and slowing is not None and self._fills.find(piece) is None:
                turn = await stack.enter_async_context(slowing.turn(piece.size_bytes))
                kept = None if turn is None else await self._find_kept(piece)
            if kept is not None:
                stack.enter_context(kept)
                chunks = self._shelf.chunks(kept, first, length)
                yield self._from_shelf(await stack.enter_async_context(aclosing(chunks)))
                return
            turn = turn if self._fills.find(piece) is None else None
            joined = self._fills.join(place, self._wish(place), first, length)
            coming = self._from_fill(await stack.enter_async_context(joined))
            weight = piece.size_bytes / max(1, length)
            yield coming if turn is None else _slowly(coming, turn, weight)

    async def _find_kept(self, piece: Piece) -> KeptFile | None:
        """Give a piece's file, unless it comes just now."""
        kept = self._shelf.at_hand(piece)
        if kept is None and self._fills.find(piece) is None:
            kept = await self._shelf.get(piece)
        return kept

    async def _from_shelf(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            self.shelf_bytes += len(chunk)
            yield chunk

    async def _from_fill(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            self.fill_bytes += len(chunk)
            yield chunk


async def _slowly(
    chunks: AsyncGenerator[bytes, None], turn: Turn, weight: float
) -> AsyncGenerator[bytes, None]:
    """Give a fill's bytes as its viewer may have them; a part costs what the whole piece does."""
    async with aclosing(chunks):
        async for chunk in chunks:
            for grain in turn.grains(chunk):
                await turn.give(len(grain) * weight)
                yield grain
