"""All rooms of an origin: opened from their log when somebody comes, closed when nobody is left.

    rooms = Rooms(book, log, keys, metrics)       one for the process; `await rooms.close()` drains
    await rooms.tell(session, CourseState.LIVE, began_utc=…)     from the live origin, the catalogue

Each room has one task (live_room.py) with two beside it (keeper.py, errands.py) in one group.
Limit: 1500 rooms in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from catalog.errors import NotFound, Unavailable
from catalog.live import LiveSession, RoomLog, SessionBook
from catalog.session import SessionState
from streaming.room.errands import Errands
from streaming.room.figures import RoomFigures
from streaming.room.inputs import CourseState, Turn
from streaming.room.keeper import Keeper
from streaming.room.live_room import LiveRoom, Mail
from streaming.room.members import MemberFigures
from streaming.room.metrics import RoomMetrics
from streaming.room.port import FloorKeys
from streaming.room.room import Room

ROOMS_LIMIT = 1500
REPLAY_SLICE = 2000
TELL_TRIES = 3
_OVER = {
    SessionState.ENDED: (CourseState.ENDED,),
    SessionState.FAILED: (CourseState.ENDED,),
    SessionState.CANCELLED: (CourseState.ENDED,),
    SessionState.RECORDED: (CourseState.ENDED, CourseState.RECORDED),
}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Slot:
    """A room that is opening, open or closing."""

    opened: asyncio.Future[LiveRoom]
    task: asyncio.Task[None] | None = field(default=None)


class Rooms:
    """Gives a session's room, the same to all who ask."""

    def __init__(
        self,
        book: SessionBook,
        room_log: RoomLog,
        keys: FloorKeys,
        metrics: RoomMetrics,
        clock_utc: Callable[[], float] = time.time,
    ) -> None:
        self.metrics = metrics
        self.clock_utc = clock_utc
        self._book = book
        self._log = room_log
        self._keys = keys
        self._slots: dict[str, _Slot] = {}
        self._closed = False

    async def get(self, session: str) -> LiveRoom:
        """Give a session's room. Raises: NotFound, Unavailable."""
        while True:
            slot = self._slots.get(session) or self._open(session)
            room = await asyncio.shield(slot.opened)
            if not room.closing:
                return room
            assert slot.task is not None
            await asyncio.wait([slot.task])

    async def tell(
        self,
        session: str,
        state: CourseState,
        began_utc: float | None = None,
        lesson: str | None = None,
    ) -> None:
        """Say what turn a session takes. Raises: Refused when it cannot; NotFound, Unavailable."""
        for left in reversed(range(TELL_TRIES)):
            room = await self.get(session)
            try:
                return await room.ask(Turn(state, began_utc, lesson))
            except Unavailable:
                if not left:
                    raise
        return None

    def figures(self) -> Iterator[RoomFigures]:
        """Give the figures of all rooms that are open."""
        for slot in self._slots.values():
            if slot.opened.done():
                yield slot.opened.result().figures()

    def members(self) -> Iterator[MemberFigures]:
        """Give what those in all open rooms say of themselves."""
        for slot in self._slots.values():
            if slot.opened.done():
                yield from slot.opened.result().members()

    async def close(self) -> None:
        """Close every connection and write what is left for the logs."""
        self._closed = True
        slots = list(self._slots.values())
        tasks = [slot.task for slot in slots if slot.task]
        for slot in slots:
            with contextlib.suppress(Exception):
                (await asyncio.shield(slot.opened)).close()
        if tasks:
            await asyncio.wait(tasks)

    def _open(self, session: str) -> _Slot:
        if self._closed or len(self._slots) >= ROOMS_LIMIT:
            raise Unavailable("no more rooms can be opened here now: try again in a minute")
        slot = _Slot(asyncio.get_running_loop().create_future())
        self._slots[session] = slot
        slot.task = asyncio.create_task(self._serve(session, slot), name=f"room {session}")
        return slot

    async def _serve(self, session: str, slot: _Slot) -> None:
        """Own one room from its log to its end."""
        try:
            found = await self._find(session)
            room = await self._restored(session)
        except Exception as error:
            self._slots.pop(session)
            slot.opened.set_exception(error)
            return
        self.metrics.rooms.inc()
        try:
            await self._run(found, room, slot)
        except Exception:
            log.exception("room %s broke; it opens again from its log", session)
        finally:
            self.metrics.rooms.dec()
            self._slots.pop(session)

    async def _run(self, found: LiveSession, room: Room, slot: _Slot) -> None:
        session = found.id
        keeper = Keeper(session, self._log, self.metrics)
        errands = Errands(
            session, self._book, self._keys,
            lambda event: live.post(Mail(event)), lambda member, data: live.send(member, data),
        )  # fmt: skip
        live = LiveRoom(session, room, keeper, errands.add, self.metrics)
        told = room.state.course.state is CourseState.RECORDED
        for state in () if told else _OVER.get(found.state, ()):
            live.post(Mail(Turn(state, lesson=found.lesson)))
        slot.opened.set_result(live)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(keeper.run()), group.create_task(errands.run())]
            try:
                await live.run()
            finally:
                await keeper.last_words()
            for task in beside:
                task.cancel()

    async def _find(self, session: str) -> LiveSession:
        found = await self._book.find(session)
        if found is None:
            raise NotFound("there is no such session")
        return found

    async def _restored(self, session: str) -> Room:
        """Replay the log, letting others run between its pieces."""
        entries = await self._log.read(session)
        now = asyncio.get_running_loop().time()
        room = Room(self.clock_utc() - now)
        for first in range(0, len(entries), REPLAY_SLICE):
            room.replay(entries[first : first + REPLAY_SLICE])
            await asyncio.sleep(0)
        room.settle(now)
        return room
