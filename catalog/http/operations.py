"""The API of operations: the wall, a school, how it was; and the wall as it changes.

For officers: an administrator sees the city, a district's officer the district, a school's the
school. What is not theirs is not told, nor that it is there.

Spec: HTML Living Standard 9.2 (server-sent events). Each connection begins with everything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta

from catalog.db.operations import past
from catalog.db.pool import Pool
from catalog.errors import NotFound, TooMany
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.events import EventSettings
from catalog.http.payload import answer, query_of
from catalog.operations.board import Board, Change, Scope, scope_of
from catalog.operations.history import (
    FIGURES,
    KEPT_DAYS,
    MINUTE_S,
    POINTS_LIMIT,
    RING_S,
    History,
    Point,
)
from catalog.operations.rows import RoomRow, SchoolRow, SessionRow

STREAMS_LIMIT = 100
HOURS_LIMIT = KEPT_DAYS * 24


class Wall(Protocol):
    """What the composition root keeps up (deploy/operations.py)."""

    board: Board
    history: History
    ticked: asyncio.Condition


class SchoolNow(msgspec.Struct):
    """A school with its classrooms in lessons, and those lessons."""

    school: SchoolRow
    rooms: list[RoomRow]
    sessions: list[SessionRow]


class PastQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Whose figures, and of how many hours; `id` is empty for the city."""

    kind: Annotated[str, Meta(pattern=r"\A(city|district|school|session|room)\Z")] = "city"
    id: Annotated[str, Meta(max_length=40)] = ""
    hours: Annotated[int, Meta(ge=1, le=HOURS_LIMIT)] = 1


class Past(msgspec.Struct):
    """Points in order of time: Unix seconds, then the figures by name; null: not known."""

    step_s: int
    figures: list[str]
    points: list[list[float | None]]


class OperationsApi:
    """/api/v1/operations."""

    def __init__(
        self,
        pool: Pool,
        wall: Wall,
        settings: EventSettings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._wall = wall
        self._settings = settings or EventSettings()
        self._clock = clock
        self._streams = 0
        self._closed = False

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        own, tag = "/api/v1/operations", "operations"
        return [
            Endpoint("GET", own, self.now, "The wall as it is", tag, result=Change,
                     errors=(401, 403)),
            Endpoint("GET", f"{own}/events", self.events, "The wall as it changes", tag,
                     result=Change, result_type="text/event-stream", errors=(401, 403, 429)),
            Endpoint("GET", f"{own}/schools/{{id}}", self.school, "A school, its classrooms and"
                     " lessons", tag, result=SchoolNow, errors=(401, 403, 404)),
            Endpoint("GET", f"{own}/past", self.past, "Figures of the past hours", tag,
                     query=PastQuery, result=Past, errors=(401, 403, 404, 422)),
        ]  # fmt: skip

    async def close(self) -> None:
        """Let the readers of events go."""
        self._closed = True
        async with self._wall.ticked:
            self._wall.ticked.notify_all()

    async def now(self, request: web.Request) -> web.Response:
        """Answer everything that the viewer may see."""
        response = answer(self._wall.board.changes(scope_of(viewer_of(request))))
        response.enable_compression()
        return response

    async def school(self, request: web.Request) -> web.Response:
        """Answer one school."""
        scope, board = scope_of(viewer_of(request)), self._wall.board
        school = board.find(scope, "school", request.match_info["id"])
        if not isinstance(school, SchoolRow):
            raise NotFound("there is no such school, or it is not in your charge")
        rooms = [r for r in board.of_kind(scope, "room") if isinstance(r, RoomRow)]
        sessions = [s for s in board.of_kind(scope, "session") if isinstance(s, SessionRow)]
        return answer(SchoolNow(
            school, [room for room in rooms if room.school == school.id],
            [one for one in sessions if one.id in school.sessions],
        ))  # fmt: skip

    async def past(self, request: web.Request) -> web.Response:
        """Answer the last hour from memory, more from the database."""
        asked, scope = query_of(request, PastQuery), scope_of(viewer_of(request))
        self._check(scope, asked)
        subject, now_utc = (asked.kind, asked.id), self._clock()
        if asked.hours * 3600 <= RING_S:
            return _past(10, self._wall.history.points(subject, now_utc))
        step_s = _step_s(asked.hours)
        from_utc = now_utc // step_s * step_s - asked.hours * 3600
        async with self._pool.connection() as connection:
            return _past(step_s, await past(connection, subject, from_utc, now_utc, step_s))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Send what changes, each second at most, until the reader goes or the time is over."""
        scope = scope_of(viewer_of(request))
        async with self._room_for_one():
            response = web.StreamResponse(headers={
                "Content-Type": "text/event-stream", "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            })  # fmt: skip
            await response.prepare(request)
            try:
                async with asyncio.timeout(self._settings.longest_s):
                    await self._send(response, scope)
            except (TimeoutError, ConnectionResetError):
                pass  # the reader connects again and is told everything
        return response

    async def _send(self, response: web.StreamResponse, scope: Scope) -> None:
        await response.write(f"retry: {self._settings.reconnect_s * 1000:.0f}\n\n".encode())
        known = -1
        while not self._closed:
            change = self._wall.board.changes(scope, known)
            known = change.version
            async with asyncio.timeout(self._settings.write_limit_s):
                await response.write(b"data: " + msgspec.json.encode(change) + b"\n\n")
            async with self._wall.ticked:
                await self._wall.ticked.wait()

    @asynccontextmanager
    async def _room_for_one(self) -> AsyncIterator[None]:
        if self._streams >= STREAMS_LIMIT:
            raise TooMany("too many walls are open: close some", 10.0)
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def _check(self, scope: Scope, asked: PastQuery) -> None:
        """Let only what is on the board be asked for, or by who sees all. Raises: NotFound."""
        if scope.city or asked.kind == "city":
            return
        board = self._wall.board
        if asked.kind == "room":
            rooms = board.of_kind(scope, "room")
            if any(isinstance(room, RoomRow) and room.id == asked.id for room in rooms):
                return
        elif board.find(scope, asked.kind, asked.id) is not None:
            return
        raise NotFound("there is no such place, or it is not in your charge")


def _step_s(hours: int) -> int:
    """Give a step of whole minutes, so that there are at most POINTS_LIMIT."""
    minutes = -(-hours * 60 // (POINTS_LIMIT - 1))
    return round(MINUTE_S) * max(1, minutes)


def _past(step_s: int, points: Sequence[Point]) -> web.Response:
    rows: list[list[float | None]] = [
        [at, *(None if v is None else round(v, 1) for v in values)] for at, values in points
    ]
    return answer(Past(step_s, [*FIGURES], rows))
