"""The wall at work: gathers once a second, judges, and keeps history.

What changes seldom (schools, lessons on air, boxes, queues) is read each FACTS_EVERY_S, and at once
when a session changes. While the database is away the wall goes on with what it knew.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catalog.db.listen import Listener
from catalog.db.operations import Facts, classrooms, keep_minute, read_facts
from catalog.db.pool import Pool
from catalog.errors import TongbuError
from catalog.operations.board import Board
from catalog.operations.history import EVERY_S, MINUTE_S, History
from catalog.operations.known import City
from catalog.operations.rows import CheckRow, CityRow, QueueRow
from catalog.operations.telling import Boxes
from catalog.operations.viewed import Viewed
from deploy.checks import OK, Check
from deploy.operations_readings import Devices, Live, Pictures
from deploy.operations_wall import Moment, Wall
from transcoder.alive import workers_alive

log = logging.getLogger(__name__)

TICK_S = 1.0
FACTS_EVERY_S = 5.0
CHECKS_EVERY_S = 3.0
CHECK_HANGS_S = 8.0
FEEL_EVERY_S = 0.25
FELT = 40
NOTHING = Facts({}, {}, [], {}, frozenset(), [])


@dataclass(slots=True)
class _Machine:
    """How this process and its machine are."""

    late_s: deque[float] = field(default_factory=lambda: deque(maxlen=FELT))
    checks: dict[str, str] = field(default_factory=dict)
    well_at: dict[str, float] = field(default_factory=dict)
    workers: int | None = None
    free_bytes: int | None = None
    size_bytes: int | None = None

    def checked(self, now: float) -> Iterator[CheckRow]:
        """Give what was found; a check that hangs is as good as one that fails."""
        for name, said in self.checks.items():
            if said == OK and now - self.well_at[name] > CHECK_HANGS_S:
                said = "no answer"
            yield CheckRow(name, said == OK, "" if said == OK else said)

    @property
    def loop_late_s(self) -> float | None:
        """How late the loop typically was within the last ten seconds."""
        return sorted(self.late_s)[len(self.late_s) // 2] if self.late_s else None


class Operations:
    """The wall. `live` gives the figures of the live parts as they are now; `run` is its task."""

    def __init__(
        self,
        pool: Pool,
        live: Callable[[], Live],
        viewed: Viewed,
        checks: Mapping[str, Check],
        data: Path,
    ) -> None:
        self.board = Board()
        self.history = History()
        self.boxes = Boxes()
        self.ticked = asyncio.Condition()
        self._pool = pool
        self._live = live
        self._viewed = viewed
        self._checks = checks
        self._data = data
        self._facts = NOTHING
        self._machine = _Machine()
        self._pictures, self._devices, self._wall = Pictures(), Devices(), Wall()
        self._stirred = asyncio.Event()
        self._began_at = time.monotonic()
        self._sampled = self._kept = 0

    def attach(self, listener: Listener) -> None:
        """Read at once what a session's change means."""
        listener.subscribe("session", lambda _: self._stirred.set(), self._stirred.set)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, work in (
                ("facts", self._look()), ("judge", self._tick()), ("disk", self._measure()),
                ("lateness", self._feel()), ("minutes", self._keep()),
                *((f"check {name}", self._check(name, one)) for name, one in self._checks.items()),
            ):  # fmt: skip
                group.create_task(work, name=f"operations: {name}")

    async def _look(self) -> None:
        """Read the facts again and again."""
        while True:
            self._stirred.clear()
            try:
                await self._read()
            except TongbuError as error:
                log.warning("operations go on with what was known: %s", error)
            try:
                async with asyncio.timeout(FACTS_EVERY_S):
                    await self._stirred.wait()
            except TimeoutError:
                pass

    async def _read(self) -> None:
        unknown = set(self._devices.unknown)
        async with self._pool.connection() as connection:
            facts = await read_facts(connection)
            self._machine.workers = await workers_alive(connection)
            rooms = await classrooms(connection, unknown) if unknown else {}
        self._facts = facts
        self._devices.know(rooms)
        self.boxes.keep(facts.edges)

    async def _tick(self) -> None:
        while True:
            try:
                await self.look(time.monotonic(), time.time())
            except Exception:
                # Whoever looks at the wall would see it stand; the next second may be better.
                log.exception("operations could not judge this second")
            await asyncio.sleep(TICK_S)

    async def look(self, now: float, now_utc: float) -> None:
        """Judge this moment, put it on the board, and wake who waits for it."""
        # For a whole city this takes 30 ms, in which live parts must not wait.
        rows, samples = await asyncio.to_thread(self._wall.rows, self._moment(now, now_utc))
        self.board.put(rows, now_utc)
        slot = int(now_utc // EVERY_S)
        if slot != self._sampled:
            self._sampled = slot
            self.history.take(samples, now_utc)
        async with self.ticked:
            self.ticked.notify_all()

    def _moment(self, now: float, now_utc: float) -> Moment:
        live, facts = self._live(), self._facts
        boxes = self.boxes.by_school(now)
        pictures = self._pictures.read(live, facts.sessions, now)
        seated = self._devices.read(live.members, facts.sessions, pictures, now)
        return Moment(
            now_utc, now - self._began_at, facts, live, pictures, seated, boxes,
            self.boxes.newest(now), self._viewed.by_school(now), City(self._machine.loop_late_s),
            self._service(facts, now),
        )  # fmt: skip

    def _service(self, facts: Facts, now: float) -> CityRow:
        machine = self._machine
        late_s = machine.loop_late_s or 0.0
        queues = [QueueRow(q.priority, q.wanted, q.running, q.oldest_s) for q in facts.queues]
        return CityRow(
            tuple(machine.checked(now)), tuple(queues), machine.workers, round(1000 * late_s),
            machine.free_bytes, machine.size_bytes,
        )  # fmt: skip

    async def _check(self, name: str, check: Check) -> None:
        while True:
            said = self._machine.checks[name] = await check.verdict()
            if said == OK:
                self._machine.well_at[name] = time.monotonic()
            await asyncio.sleep(CHECKS_EVERY_S)

    async def _measure(self) -> None:
        while True:
            usage = await asyncio.to_thread(shutil.disk_usage, self._data)
            self._machine.free_bytes, self._machine.size_bytes = usage.free, usage.total
            await asyncio.sleep(CHECKS_EVERY_S)

    async def _feel(self) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(FEEL_EVERY_S)
            self._machine.late_s.append(max(0.0, time.monotonic() - asked - FEEL_EVERY_S))

    async def _keep(self) -> None:
        """Keep each minute that is over."""
        while True:
            await asyncio.sleep(MINUTE_S - time.time() % MINUTE_S)
            minute_utc = (time.time() // MINUTE_S - 1) * MINUTE_S
            rows = await asyncio.to_thread(self.history.minute, minute_utc)
            try:
                async with self._pool.connection() as connection:
                    await keep_minute(connection, minute_utc, rows)
            except TongbuError as error:
                log.warning("a minute of operations is not kept: %s", error)
