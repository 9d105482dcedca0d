"""Sessions over HTTP: book, list, read, change, call off; open the room, end, make a new key.

A transition is one transaction that holds the session's row; the channel `session` tells the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from aiohttp import web

from catalog.db.pool import Connection, Pool
from catalog.db.sessions import SessionFilter, SessionRecord, list_sessions, read_session
from catalog.db.sessions_booking import book, rebook
from catalog.db.sessions_life import advance, new_key
from catalog.errors import Conflict, Invalid, NoRight, NotFound, SignInNeeded
from catalog.http.endpoint import Endpoint, Handler, viewer_of
from catalog.http.listing import Page, id_in_path, page_of, read_cursor
from catalog.http.payload import answer, body_of, query_of
from catalog.http.sessions_asked import booking_of, changed
from catalog.http.sessions_json import (
    NewSession,
    Session,
    SessionChange,
    SessionQuery,
    SessionShow,
)
from catalog.live import Capacity
from catalog.people import CITY_ZONE
from catalog.session import SessionInput, SessionState
from catalog.session_rights import may_join, may_run
from catalog.timetable import check_day

MANY = "/api/v1/sessions"
ONE = "/api/v1/sessions/{id}"
PAST_S = 3600.0
AHEAD_S = 5 * 366 * 86_400.0


class SessionsApi:
    """The endpoints below /api/v1/sessions."""

    def __init__(
        self, pool: Pool, capacity: Capacity, show: SessionShow, clock: Callable[[], float]
    ) -> None:
        self._pool = pool
        self._capacity = capacity
        self._show = show
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""

        def act(method: str, path: str, handler: Handler, summary: str) -> Endpoint:
            return Endpoint(method, path, handler, summary, "sessions", status=204,
                            errors=(401, 403, 404, 409))  # fmt: skip

        return [
            Endpoint("GET", MANY, self.list, "List sessions by start", "sessions",
                     query=SessionQuery, result=Page[Session], guest=True, errors=(401, 422)),
            Endpoint("POST", MANY, self.book, "Book a session", "sessions", body=NewSession,
                     result=Session, status=201, errors=(401, 403, 409, 422)),
            Endpoint("GET", ONE, self.get, "Read a session", "sessions", result=Session,
                     guest=True),
            Endpoint("PATCH", ONE, self.change, "Change a session that is scheduled", "sessions",
                     body=SessionChange, result=Session, errors=(401, 403, 404, 409, 422)),
            act("DELETE", ONE, self.cancel, "Call a session off"),
            act("POST", f"{ONE}/cancel", self.cancel, "Call a session off, without DELETE"),
            act("POST", f"{ONE}/open", self.open, "Open a session's room before its time"),
            act("POST", f"{ONE}/end", self.end, "End a session"),
            Endpoint("POST", f"{ONE}/key", self.key, "Make new publishing keys", "sessions",
                     result=Session, errors=(401, 403, 404)),
        ]  # fmt: skip

    async def list(self, request: web.Request) -> web.Response:
        """Answer a page of sessions that the asker may join."""
        asked, viewer = query_of(request, SessionQuery), viewer_of(request)
        if asked.mine and not viewer.signed_in:
            raise SignInNeeded("sign in to see your sessions")
        since, until = _between(asked)
        wanted = SessionFilter(
            since, until, asked.classroom, asked.school, viewer.person_id if asked.mine else "",
            asked.kind.value if asked.kind else "", tuple(state.value for state in asked.state),
        )  # fmt: skip
        async with self._pool.connection() as connection:
            rows = await list_sessions(
                connection, viewer, wanted, asked.limit + 1, _after(asked.cursor)
            )
        return answer(
            page_of(rows, asked.limit, lambda row: self._shown(request, row),
                    lambda row: (row.starts_at.isoformat(), row.id))
        )  # fmt: skip

    async def book(self, request: web.Request) -> web.Response:
        """Book a session."""
        asked, viewer = await body_of(request, NewSession), viewer_of(request)
        starts_utc = asked.starts_at.timestamp()
        self._require_ahead(starts_utc)
        async with self._pool.connection() as connection:
            booking = await booking_of(connection, viewer, asked, starts_utc, asked.duration_s)
            session = await book(connection, booking, viewer.person_id, self._capacity)
            record = await read_session(connection, session)
        assert record is not None, "just booked"
        headers = {"Location": f"{MANY}/{session}"}
        return answer(self._shown(request, record), 201, headers)

    def _require_ahead(self, starts_utc: float) -> None:
        if starts_utc < self._clock() - PAST_S:
            raise Invalid("starts_at: is in the past", {"starts_at": "is in the past"})
        if starts_utc > self._clock() + AHEAD_S:
            raise Invalid(
                "starts_at: sessions are booked at most five years ahead",
                {"starts_at": "is too far ahead"},
            )

    async def get(self, request: web.Request) -> web.Response:
        """Answer a session to those who may join it."""
        async with self._pool.connection() as connection:
            record = await joinable(connection, request)
        return answer(self._shown(request, record))

    async def change(self, request: web.Request) -> web.Response:
        """Change a session that is scheduled."""
        asked = await body_of(request, SessionChange)
        async with self._pool.connection() as connection:
            record = await runnable(connection, request)
            if record.session_state is not SessionState.SCHEDULED:
                raise Conflict(
                    f"this session is {record.state}: only one that is scheduled changes"
                )
            booking = await changed(connection, viewer_of(request), record, asked)
            if booking.starts_utc != record.starts_at.timestamp():
                self._require_ahead(booking.starts_utc)
            await rebook(connection, record.id, booking, self._capacity)
            found = await read_session(connection, record.id)
        assert found is not None, "held"
        return answer(self._shown(request, found))

    async def cancel(self, request: web.Request) -> web.Response:
        """Call a session off that has not begun."""
        return await self._advance(request, SessionInput.CANCELLED)

    async def open(self, request: web.Request) -> web.Response:
        """Let classrooms in."""
        return await self._advance(request, SessionInput.ROOM_OPENED)

    async def end(self, request: web.Request) -> web.Response:
        """End a session; its recording is a lesson as soon as the last segment is kept."""
        return await self._advance(request, SessionInput.ENDED)

    async def _advance(self, request: web.Request, event: SessionInput) -> web.Response:
        async with self._pool.connection() as connection:
            record = await runnable(connection, request)
            await advance(connection, record.id, event, self._clock())
        return web.Response(status=204)

    async def key(self, request: web.Request) -> web.Response:
        """Make the keys void that are known, and give new ones."""
        async with self._pool.connection() as connection:
            record = await runnable(connection, request)
            await new_key(connection, record.id)
            found = await read_session(connection, record.id)
        assert found is not None, "held"
        return answer(self._shown(request, found))

    def _shown(self, request: web.Request, record: SessionRecord) -> Session:
        return self._show.session(record, viewer_of(request), host_of(request))


async def joinable(connection: Connection, request: web.Request) -> SessionRecord:
    """Give the session of the path. Raises: NotFound, SignInNeeded, NoRight."""
    record = await read_session(connection, id_in_path(request))
    if record is None:
        raise NotFound("there is no such session")
    viewer = viewer_of(request)
    if may_join(viewer, record.place):
        return record
    if not viewer.signed_in:
        raise SignInNeeded("this session is not open to all: sign in first")
    raise NoRight("this session is for invited classrooms and their schools: ask its teacher")


async def runnable(connection: Connection, request: web.Request) -> SessionRecord:
    """Give the session of the path, held for update, to one who may run it.

    Raises: NotFound, NoRight.
    """
    record = await read_session(connection, id_in_path(request), lock=True)
    if record is None:
        raise NotFound("there is no such session")
    if not may_run(viewer_of(request), record.place):
        raise NoRight("only the session's teachers and its school's officers may do that")
    return record


def host_of(request: web.Request) -> str:
    """Give the host that the asker used, without its port; an IPv6 one in brackets."""
    host = request.url.host or "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _between(asked: SessionQuery) -> tuple[datetime | None, datetime | None]:
    if asked.week is None:
        return asked.since, asked.until
    if asked.since or asked.until:
        raise Invalid("week: give a week, or since and until", {"week": "goes without since"})
    check_day(asked.week, "week")
    monday = week_start(asked.week)
    return monday, monday + timedelta(days=7)


def week_start(day: date) -> datetime:
    """Give the city's midnight that begins a day's week."""
    return datetime.combine(day - timedelta(days=day.weekday()), time(), CITY_ZONE)


def _after(cursor: str) -> tuple[datetime, str] | None:
    name, key = read_cursor(cursor)
    if not name:
        return None
    try:
        at = datetime.fromisoformat(name)
        if at.tzinfo is not None:
            return at.astimezone(UTC), key
    except (ValueError, OverflowError):
        pass
    raise Invalid("cursor: ask for the first page again", {"cursor": "not one of ours"})
