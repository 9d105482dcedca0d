"""What a classroom's device asks: its timetable of today, and what to join now, without typing.

The device signs in once (role classroom) and then asks again and again: with `seen` and `wait_s`
the answer comes when something of the classroom has changed (channel `classroom`), else after that
time. So a start is known within a second, and over a line that broke one just asks again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from catalog.db.listen import Listener
from catalog.db.pool import Pool
from catalog.db.sessions import SessionRecord, sessions_of_classroom
from catalog.errors import NoRight, TooMany
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.lesson_json import Named
from catalog.http.payload import answer, query_of
from catalog.http.sessions import host_of
from catalog.http.sessions_device import DeviceLogin
from catalog.http.sessions_json import Session, SessionShow
from catalog.people import CITY_ZONE, Role, Viewer
from catalog.session import JOINABLE, SessionState

WAIT_LIMIT_S = 60.0
WAITING_LIMIT = 5000
WAITING_LIMIT_A_CLASSROOM = 20
VERSION_CHARS = 16


class NowQuery(msgspec.Struct, forbid_unknown_fields=True):
    """`seen` is the version of the last answer; wait that long for another."""

    seen: Annotated[str, Meta(max_length=VERSION_CHARS)] = ""
    wait_s: Annotated[float, Meta(ge=0, le=WAIT_LIMIT_S)] = 0.0


class OwnClassroom(Named):
    """The classroom that the device stands in."""

    school: Named


class ClassroomNow(msgspec.Struct):
    """Today's sessions in order; `current` is to be joined now, `next` comes after."""

    classroom: OwnClassroom
    now: datetime
    version: str
    current: Session | None
    next: Session | None
    sessions: list[Session]


class Bells:
    """Those who wait for news of a classroom."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closed = False

    def attach(self, listener: Listener) -> None:
        """Ring by the channel `classroom`; after a gap ring all."""
        listener.subscribe("classroom", self.ring, self.ring_all)

    def ring(self, classroom: str) -> None:
        """Wake those who wait for this classroom."""
        for event in self._waiting.get(classroom, ()):
            event.set()

    def ring_all(self) -> None:
        """Wake everyone."""
        for classroom in self._waiting:
            self.ring(classroom)

    def close(self) -> None:
        """Let everyone go, and those that still come."""
        self._closed = True
        self.ring_all()

    @contextmanager
    def waiting(self, classroom: str) -> Iterator[asyncio.Event]:
        """Give an event that is set at the classroom's next news. Raises: TooMany."""
        own = self._waiting.setdefault(classroom, set())
        event = asyncio.Event()
        try:
            total = sum(map(len, self._waiting.values()))
            if total >= WAITING_LIMIT or len(own) >= WAITING_LIMIT_A_CLASSROOM:
                raise TooMany("too many devices wait for this classroom: close some", 10.0)
            own.add(event)
            if self._closed:
                event.set()
            yield event
        finally:
            own.discard(event)
            if not own:
                self._waiting.pop(classroom, None)


class ClassroomApi:
    """GET /api/v1/classroom/now."""

    def __init__(
        self,
        pool: Pool,
        bells: Bells,
        show: SessionShow,
        device: DeviceLogin,
        now: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._device = device
        self._bells = bells
        self._show = show
        self._now = now

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [
            Endpoint("GET", "/api/v1/classroom/now", self.now, "What a classroom joins now",
                     "sessions", query=NowQuery, result=ClassroomNow, errors=(401, 403, 422, 429)),
        ]  # fmt: skip

    async def now(self, request: web.Request) -> web.Response:
        """Answer at once, or when there is news."""
        asked, viewer = query_of(request, NowQuery), viewer_of(request)
        classroom = _classroom_of(viewer)
        with self._bells.waiting(classroom) as rung:
            records = await self._read(classroom)
            if asked.wait_s and asked.seen == _version(records):
                records = await self._news(classroom, rung, asked)
        response = answer(await self._whole(request, viewer, classroom, records))
        async with self._pool.connection() as connection:
            await self._device.keep(connection, request, response)
        return response

    async def _news(
        self, classroom: str, rung: asyncio.Event, asked: NowQuery
    ) -> list[SessionRecord]:
        try:
            async with asyncio.timeout(asked.wait_s):
                await rung.wait()
        except TimeoutError:
            pass  # nothing new: the device hears that all is well, and of a new day
        return await self._read(classroom)

    async def _read(self, classroom: str) -> list[SessionRecord]:
        midnight = datetime.combine(self._now().astimezone(CITY_ZONE).date(), time(), CITY_ZONE)
        async with self._pool.connection() as connection:
            return await sessions_of_classroom(
                connection, classroom, midnight, midnight + timedelta(days=1)
            )

    async def _whole(
        self, request: web.Request, viewer: Viewer, classroom: str, records: list[SessionRecord]
    ) -> ClassroomNow:
        shown = [self._show.session(item, viewer, host_of(request)) for item in records]
        joined = [s for s in shown if SessionState(s.state) in JOINABLE]
        coming = [s for s in shown if s.state == SessionState.SCHEDULED.value]
        live_first = sorted(joined, key=lambda s: s.state != SessionState.LIVE.value)
        return ClassroomNow(
            await self._own(classroom), self._now(), _version(records),
            next(iter(live_first), None), next(iter(coming), None), shown,
        )  # fmt: skip

    async def _own(self, classroom: str) -> OwnClassroom:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "select c.name, s.id as school_id, s.name as school_name from classroom c"
                " join school s on s.id = c.school_id where c.id = %s",
                (classroom,),
            )
            row = await cursor.fetchone()
        assert row is not None, "an affiliation points at it"
        return OwnClassroom(classroom, row["name"], Named(row["school_id"], row["school_name"]))


def _classroom_of(viewer: Viewer) -> str:
    found = [a.classroom_id for a in viewer.affiliations if a.role is Role.CLASSROOM]
    if not found or not found[0]:
        raise NoRight("this is for the device in a classroom: give its account that role")
    return found[0]


def _version(records: Sequence[SessionRecord]) -> str:
    seen = [
        (r.id, r.state, r.title, r.starts_at.isoformat(), r.duration_s, r.lesson_id)
        for r in records
    ]
    return hashlib.sha256(msgspec.json.encode(seen)).hexdigest()[:VERSION_CHARS]
