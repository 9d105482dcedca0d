"""Who fetches what is not on the shelf: one request upstream for each object, whoever asks.

A fill belongs to the box, not to a viewer. It waits for its turn on the line, goes on after a break
where it stood, and is kept on the shelf as it comes. It is given up when nobody has wanted it for a
moment and less than half is there, or when patience is at its end; only then do those who wait
learn of it. There is no time limit that would turn a waiter into one more request.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import Generic, Protocol, TypeVar

from catalog.store.port import ObjectMissing, StoreAway, StoreError
from streaming.edge.arrival import Broken, Refused, Spoilt
from streaming.edge.fill import END_STATES, Fill, FillState, Place
from streaming.edge.patience import Patience, PatienceSettings
from streaming.edge.piece import Group, Piece
from streaming.edge.upstream import Incoming, LineCut
from streaming.errors import StreamingError
from streaming.vod.kept import Kept

log = logging.getLogger(__name__)

FILLS_LIMIT = 2000
REFUSALS_LIMIT = 10_000
REFUSAL_S = 0.5
LINGER_S = 0.2
HELD_LIMIT_BYTES = 32 * 1024 * 1024


class Urgent(Protocol):
    """How urgent a piece is: `schedule.Wish`."""

    @property
    def order(self) -> tuple[int, float]:
        """Sort by this: the most urgent first."""


WishT = TypeVar("WishT", bound=Urgent)
_Contra = TypeVar("_Contra", contravariant=True)


class Source(Protocol):
    """Whom pieces come from; an `Upstream` is one."""

    def media(self, path: str, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Incoming]:
        """Open a transfer. Raises: LineCut, Broken."""

    async def reachable(self) -> None:
        """Return when the line is not cut."""


class Turns(Protocol[_Contra]):
    """Who says when a fill may use the line."""

    def turn(self, place: Place, wish: _Contra) -> AbstractAsyncContextManager[None]:
        """Wait for a turn and hold it."""

    def hurry(self, place: Place, wish: _Contra) -> None:
        """Somebody else wants it too."""


class Writer(Protocol):
    """A piece that is being put on the shelf. Trouble with the disk is the shelf's own."""

    def write(self, data: bytes) -> None:
        """Take the next bytes; does not block."""

    async def commit(self) -> bool:
        """Keep the piece; tell whether it is kept."""

    def abort(self) -> None:
        """Forget the piece."""


class Keeper(Protocol):
    """Where whole pieces stay; a `Shelf` is one."""

    def begin(self, piece: Piece, group: Group) -> Writer:
        """Begin to keep a piece."""


class Fills(Generic[WishT]):
    """All fills of the box. Close it before what it stands on."""

    def __init__(
        self,
        source: Source,
        turns: Turns[WishT],
        shelf: Keeper,
        patience: PatienceSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._turns = turns
        self._shelf = shelf
        self._patience = patience or PatienceSettings()
        self._clock = clock
        self._fills: dict[Piece, Fill] = {}
        self._wishes: dict[Piece, WishT] = {}
        self._tasks: dict[Piece, asyncio.Task[None]] = {}
        self._held: OrderedDict[Piece, Fill] = OrderedDict()
        self._leaving: dict[Piece, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._refusals: Kept[Piece, StoreError] = Kept(REFUSALS_LIMIT)
        self.requests = 0
        self.ended: dict[FillState, int] = dict.fromkeys(END_STATES, 0)

    def __len__(self) -> int:
        """How many pieces come now."""
        return len(self._fills) - len(self._held)

    def find(self, piece: Piece) -> Fill | None:
        """Give the fill that brings a piece now."""
        return self._fills.get(piece)

    @asynccontextmanager
    async def join(
        self, place: Place, wish: WishT, first: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read a piece, or a part of it, while it comes; it begins to come when it must.

        Raises: ObjectMissing, StoreAway; also while iterating.
        """
        size = place.piece.size_bytes
        end = size if length is None else min(size, first + length)
        fill = self._fill(place, wish)
        fill.readers += 1
        try:
            if first < end:
                await fill.reach(first)
            async with aclosing(fill.chunks(first, end)) as chunks:
                yield chunks
        finally:
            fill.readers -= 1
            if fill.unwanted:
                self._drop_soon(fill)

    async def fetch(self, place: Place, wish: WishT) -> None:
        """Bring a piece to the shelf for later. Raises: ObjectMissing, StoreAway."""
        async with self.join(place, wish, place.piece.size_bytes - 1):
            task = self._tasks.get(place.piece)
            if task is not None:
                await asyncio.wait((task,))

    async def close(self) -> None:
        """End all fills; whoever waits is told. What is whole is kept first."""
        for piece, fill in list(self._fills.items()):
            if piece in self._held:
                self._forget(fill)
            elif fill.state is FillState.WHOLE:
                self._ending.add(self._tasks[piece])
            else:
                self._drop(fill)
        while self._ending:
            await asyncio.wait(self._ending)

    def _fill(self, place: Place, wish: WishT) -> Fill:
        fill = self._fills.get(place.piece)
        if fill is not None:
            self._wishes[place.piece] = min(self._wishes[place.piece], wish, key=_order)
            self._turns.hurry(place, wish)
            return fill
        refusal = self._refusals.fresh(place.piece, self._clock())
        if refusal is not None:
            raise type(refusal)(str(refusal))
        if len(self) >= FILLS_LIMIT:
            raise StoreAway("the school's line has too much to fetch already; try again soon")
        return self._begin(place, wish)

    def _begin(self, place: Place, wish: WishT) -> Fill:
        try:
            fill = Fill(place)
        except Spoilt as error:
            raise StoreAway(str(error)) from error
        task = asyncio.create_task(self._bring(fill), name=f"fill {place.path}")
        self._fills[place.piece] = fill
        self._wishes[place.piece] = wish
        self._tasks[place.piece] = task
        task.add_done_callback(lambda task: self._note_end(fill, task))
        return fill

    def _note_end(self, fill: Fill, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if fill.place.piece not in self._held:
            self._forget(fill)
        if fill.state in END_STATES:
            self.ended[fill.state] += 1
        if not task.cancelled() and task.exception() is not None:
            log.error("fill of %s failed", fill.place.path, exc_info=task.exception())
        if fill.state not in END_STATES:
            fill.fail(StoreAway(f"{fill.place.path} could not be fetched"))

    def _drop_soon(self, fill: Fill) -> None:
        """Drop it unless somebody wants it again: who looks on the shelf first is on the way."""
        piece = fill.place.piece
        if self._fills.get(piece) is fill:
            self._stop_timer(piece)
            loop = asyncio.get_running_loop()
            self._leaving[piece] = loop.call_later(LINGER_S, self._drop_unwanted, fill)

    def _drop_unwanted(self, fill: Fill) -> None:
        if fill.unwanted:
            self._drop(fill)

    def _stop_timer(self, piece: Piece) -> None:
        timer = self._leaving.pop(piece, None)
        if timer is not None:
            timer.cancel()

    def _drop(self, fill: Fill) -> None:
        """Cancel; whoever asks from now on begins anew."""
        task = self._tasks[fill.place.piece]
        self._forget(fill)
        self._ending.add(task)
        task.cancel()
        if fill.state not in END_STATES:
            fill.fail(StoreAway(f"{fill.place.path} is not fetched any more"), FillState.DROPPED)

    def _forget(self, fill: Fill) -> None:
        if self._fills.get(fill.place.piece) is fill:
            self._held.pop(fill.place.piece, None)
            del self._fills[fill.place.piece]
            del self._wishes[fill.place.piece]
            self._stop_timer(fill.place.piece)
            del self._tasks[fill.place.piece]

    async def _bring(self, fill: Fill) -> None:
        """Fetch a piece, keep it, and tell those who wait how it ended."""
        kept = _Keeping(self._shelf, fill.place)
        try:
            await self._until_whole(fill, kept)
        except Refused as error:
            self._refuse(fill, error)
        except StoreError as error:
            self._forget(fill)
            fill.fail(error)
        else:
            fill.become(FillState.WHOLE)
            if not await kept.commit():
                self._hold(fill)
        finally:
            kept.leave()

    def _hold(self, fill: Fill) -> None:
        """The shelf does not take it: let those who follow soon have it from memory."""
        self._held[fill.place.piece] = fill
        while sum(held.arrival.size_bytes for held in self._held.values()) > HELD_LIMIT_BYTES:
            self._forget(next(iter(self._held.values())))

    def _refuse(self, fill: Fill, error: Refused) -> None:
        told = ObjectMissing(str(error)) if error.gone else StoreAway(str(error))
        self._refusals.put(fill.place.piece, told, self._clock() + REFUSAL_S)
        self._forget(fill)
        fill.fail(told)

    async def _until_whole(self, fill: Fill, kept: _Keeping) -> None:
        """Try until all is here. Raises: Refused, StoreAway."""
        patience = Patience(self._patience)
        while not fill.arrival.whole:
            try:
                async with self._turns.turn(fill.place, self._wishes[fill.place.piece]):
                    await self._try(fill, kept)
            except Spoilt as error:
                log.warning("%s", error)
                raise StoreAway(str(error)) from error
            except (Broken, LineCut) as error:
                await self._pause(fill, patience, error)

    async def _try(self, fill: Fill, kept: _Keeping) -> None:
        arrival = fill.arrival
        fill.become(FillState.COMING)
        fill.requests += 1
        self.requests += 1
        async with self._source.media(fill.place.path, arrival.wish()) as answer:
            arrival.head(answer.status, answer.headers)
            async for chunk in answer.chunks:
                kept.write(arrival.take(chunk))
                fill.move()
            arrival.end()

    async def _pause(self, fill: Fill, patience: Patience, error: StreamingError) -> None:
        """Wait until another try makes sense. Raises: StoreAway."""
        pause_s = patience.pause_s(self._clock())
        if pause_s is None or fill.arrival.have_bytes == fill.arrival.size_bytes:
            raise StoreAway(f"{error}; try again soon") from error
        log.info("%s; tried again in %.1f s", error, pause_s)
        fill.become(FillState.BROKEN)
        await asyncio.sleep(pause_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.left_s(self._clock())):
                await self._source.reachable()
        fill.become(FillState.WAITING)


def _order(wish: Urgent) -> tuple[int, float]:
    return wish.order


class _Keeping:
    """A writer on the shelf from the first byte on: what never comes takes no room."""

    def __init__(self, shelf: Keeper, place: Place) -> None:
        self._shelf = shelf
        self._place = place
        self._writer: Writer | None = None

    def write(self, data: bytes) -> None:
        if self._writer is None:
            self._writer = self._shelf.begin(self._place.piece, self._place.group)
        self._writer.write(data)

    async def commit(self) -> bool:
        writer, self._writer = self._writer, None
        return writer is not None and await writer.commit()

    def leave(self) -> None:
        if self._writer is not None:
            self._writer.abort()
