"""One room at work: the task that owns the machine, its lines, its log and its floor.

    sockets ── post(mail) ──► run: handle ──► Keeper (log)
                                     ├──────► Errands (keys of the floor, end of the session)
                                     └──────► flush: one bytes object to all lines

All inputs pass through the mail, in order; nothing but `run` touches the machine. Changes go out at
most 10 a second, in large rooms less often (3000 sends a second); health to teachers once a second.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from catalog.errors import TongbuError, Unavailable
from catalog.live import RoomRole
from streaming.room import messages
from streaming.room.course import LESSON, STATE
from streaming.room.errors import Refused
from streaming.room.figures import RoomFigures, RoomTally
from streaming.room.inputs import NAMES, Arrive, Depart, Hand, Input, Report, Say
from streaming.room.keeper import Keeper
from streaming.room.line import Close, Line
from streaming.room.members import MemberFigures, members_of
from streaming.room.metrics import RoomMetrics
from streaming.room.rights import rights_of
from streaming.room.room import (
    TICK_S,
    EndAsked,
    Event,
    FloorClosed,
    FloorOpened,
    Keep,
    Room,
    Welcomed,
)

FLUSH_S = 0.1
SENDS_PER_S = 3000
IDLE_S = 60.0
TURN_LIMIT = 500
WRITTEN_LIMIT_S = 2.0
BACKLOG_LIMIT = 5000
_OF_A_LINE = (Say, Depart)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Mail:
    """An input, whose line it concerns, and who waits for the answer.

    The member of what a line says, or of its end, is filled in from the line.
    """

    input: Input
    line: Line | None = None
    done: asyncio.Future[None] | None = field(default=None)


class LiveRoom:
    """The shell of one room. `errand` runs what takes its time: keys, the end of the session."""

    def __init__(
        self,
        session: str,
        room: Room,
        keeper: Keeper,
        errand: Callable[[FloorOpened | FloorClosed | EndAsked], None],
        metrics: RoomMetrics,
    ) -> None:
        self.closing = False
        self._session = session
        self._room = room
        self._keeper = keeper
        self._errand = errand
        self._metrics = metrics
        self._tally = RoomTally()
        self._clock = asyncio.get_running_loop().time
        self._mail: deque[Mail] = deque()
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._lines: dict[str, Line] = {}
        self._snapshot: bytes | None = None
        self._told_d_ms = room.d_ms
        self._since_at = self._clock()
        self._flushed_at = self._ticked_at = self._busy_at = self._since_at

    def post(self, mail: Mail) -> None:
        """Leave mail. A room that is closing answers at once that it is not there."""
        if self.closing:
            return _fail(mail, Unavailable("the room is closing: connect again"))
        self._mail.append(mail)
        self._wake.set()
        return None

    async def ask(self, event: Input, line: Line | None = None) -> None:
        """Leave mail and wait until it is handled. Raises: Refused, Unavailable."""
        done = asyncio.get_running_loop().create_future()
        self.post(Mail(event, line, done))
        await done

    async def record(self, event: Input) -> None:
        """Let it be handled and its entries written. Raises: Refused, Unavailable."""
        await self.ask(event)
        try:
            async with asyncio.timeout(WRITTEN_LIMIT_S):
                await self._keeper.written()
        except TimeoutError as error:
            raise Unavailable("the room's log is away: say it again later") from error

    async def ready(self) -> None:
        """Wait while the room has more mail than it can read."""
        while len(self._mail) > BACKLOG_LIMIT and not self.closing:
            self._drained.clear()
            await self._drained.wait()

    def send(self, member: str, data: bytes) -> None:
        """Say something to one member, if it is connected."""
        line = self._lines.get(member)
        if line is not None:
            self._push(line, data)

    def figures(self) -> RoomFigures:
        """Give D, and what was counted since the room was opened."""
        return self._tally.figures(self._session, self._since_at, self._room.d_ms / 1000)

    def members(self) -> Iterator[MemberFigures]:
        """Give what those in the room say of themselves."""
        return members_of(self._session, self._room, self._clock())

    async def run(self) -> None:
        """Own the room until nobody has been in it for a minute."""
        timer: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        try:
            while not self.closing and not self._idle_too_long():
                timer = loop.call_at(self._next_deadline(), self._wake.set)
                await self._wake.wait()
                self._wake.clear()
                timer.cancel()
                self._read_mail()
                self._pass_time()
                await asyncio.sleep(0)
        finally:
            if timer is not None:
                timer.cancel()
            self.close()

    def close(self) -> None:
        """Take no more mail, answer who waits, and close every line."""
        self.closing = True
        self._wake.set()
        self._drained.set()
        while self._mail:
            _fail(self._mail.popleft(), Unavailable("the room is closing: connect again"))
        for line in list(self._lines.values()):
            line.close(Close.AWAY)
            self._unplug(line)

    def _read_mail(self) -> None:
        for _ in range(min(TURN_LIMIT, len(self._mail))):
            mail = self._mail.popleft()
            try:
                self._handle(mail)
            except Refused as error:
                self._refuse(mail, error)
            except BaseException:
                _fail(mail, Unavailable("the room broke: connect again"))
                raise
            else:
                if mail.done is not None and not mail.done.done():
                    mail.done.set_result(None)
        if self._mail:
            self._wake.set()
        if len(self._mail) < BACKLOG_LIMIT:
            self._drained.set()

    def _handle(self, mail: Mail) -> None:
        """Handle one piece of mail; what an older connection of a member says no longer counts."""
        now, event, line = self._clock(), mail.input, mail.line
        self._busy_at = now
        if line is not None and not isinstance(event, Arrive):
            if line.member is None or self._lines.get(line.member) is not line:
                return
            event = replace(event, member=line.member) if isinstance(event, _OF_A_LINE) else event
            if isinstance(event, Depart):
                self._unplug(line)
        self._count(event)
        self._act(self._room.handle(event, now), line)

    def _act(self, events: list[Event], line: Line | None) -> None:
        for event in events:
            match event:
                case Keep(entry):
                    self._keeper.keep(entry)
                    if entry["kind"] in ("floor_granted", "floor_ended"):
                        self._metrics.floor.labels(entry["kind"].removeprefix("floor_")).inc()
                case Welcomed() if line is not None:
                    self._welcome(event, line)
                case FloorOpened() | FloorClosed() | EndAsked():
                    self._errand(event)

    def _welcome(self, event: Welcomed, line: Line) -> None:
        older = self._lines.get(event.member)
        if older is not None:
            older.close(Close.TAKEN_OVER)
            self._unplug(older)
        line.member = event.member
        self._lines[event.member] = line
        self._metrics.members.labels(line.role.value).inc()
        if event.resumed:
            self._tally.reconnects += 1
            self._metrics.reconnects.labels(line.role.value).inc()
        if self._snapshot is None:
            self._snapshot = messages.encode(self._room.whole())
        self._push(line, messages.welcome(
            event.member, line.role, self._room.utc(self._clock()), rights_of(line.role),
            self._room.you(event.member), self._snapshot,
        ))  # fmt: skip
        self._push(line, messages.target(self._room.d_ms))
        if line.role is RoomRole.TEACHER:
            self._push(line, messages.health(self._room.health_now()))

    def _unplug(self, line: Line) -> None:
        if line.member is not None and self._lines.get(line.member) is line:
            del self._lines[line.member]
            self._metrics.members.labels(line.role.value).dec()

    def _pass_time(self) -> None:
        now = self._clock()
        if now - self._ticked_at >= TICK_S:
            self._ticked_at = now
            self._act(self._room.on_timer(now), None)
            self._tell_teachers()
            if self._lines:
                self._metrics.delay.observe(self._room.d_ms / 1000)
        if self._has_news() and now >= self._flushed_at + self._flush_s():
            self._flushed_at = now
            self._flush()

    def _flush(self) -> None:
        """Say what has changed: rendered once, the same bytes to all."""
        news = []
        if self._room.changed:
            self._snapshot = None
            found = self._room.changes()
            news.append(messages.changes(found))
            if any(change["key"] in (STATE, LESSON) for change in found):
                news.append(messages.state(self._room.state.course))
        if self._room.d_ms != self._told_d_ms:
            self._told_d_ms = self._room.d_ms
            news.append(messages.target(self._told_d_ms))
        for line in list(self._lines.values()):
            for data in news:
                self._push(line, data)

    def _tell_teachers(self) -> None:
        teachers = [one for one in self._lines.values() if one.role is RoomRole.TEACHER]
        if not teachers:
            return
        health = self._room.health_changes()
        if health is not None:
            data = messages.health(health)
            for line in teachers:
                self._push(line, data)

    def _push(self, line: Line, data: bytes) -> None:
        if not line.push(data):
            self._metrics.dropped.labels("slow").inc()
            log.info("room %s: %s reads too slowly and is cut off", self._session, line.member)

    def _refuse(self, mail: Mail, error: Refused) -> None:
        self._metrics.refused.labels(error.reason.value).inc()
        if mail.done is not None:
            if not mail.done.done():
                mail.done.set_exception(error)
        elif mail.line is not None and isinstance(mail.input, Say):
            self._push(mail.line, messages.refused(error, NAMES[type(mail.input.message)]))

    def _count(self, event: Input) -> None:
        if not isinstance(event, Say):
            return
        if isinstance(event.message, Report) and event.message.skew_ms is not None:
            skew_s = abs(event.message.skew_ms) / 1000
            self._tally.skew(skew_s)
            self._metrics.skew.observe(skew_s)
        elif isinstance(event.message, Hand) and event.message.up:
            self._tally.floor_requests += 1
            self._metrics.floor.labels("asked").inc()

    def _has_news(self) -> bool:
        return self._room.changed or self._room.d_ms != self._told_d_ms

    def _flush_s(self) -> float:
        return max(FLUSH_S, len(self._lines) / SENDS_PER_S)

    def _next_deadline(self) -> float:
        tick_at = self._ticked_at + TICK_S
        return min(tick_at, self._flushed_at + self._flush_s()) if self._has_news() else tick_at

    def _idle_too_long(self) -> bool:
        used = self._mail or self._lines or not self._room.empty
        return not used and self._clock() - self._busy_at > IDLE_S


def _fail(mail: Mail, error: TongbuError) -> None:
    if mail.done is not None and not mail.done.done():
        mail.done.set_exception(error)
