"""Terms and timetables over HTTP: the school's calendar, and what recurs by week and period."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from catalog.db.pool import Connection, Pool
from catalog.db.sessions_booking import read_school
from catalog.db.timetable import (
    TermRecord,
    TimetableRecord,
    add_term,
    delete_term,
    end_timetable,
    list_terms,
    list_timetables,
    make_timetable,
    read_term,
    read_timetable,
)
from catalog.errors import Invalid, NotFound
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.listing import Page, id_in_path, page_of, read_cursor
from catalog.http.payload import answer, body_of, query_of
from catalog.http.sessions_asked import booking_of
from catalog.http.timetable_json import (
    NewTerm,
    NewTimetable,
    TermJson,
    TermQuery,
    TimetableJson,
    TimetableQuery,
    term_json,
    term_of,
    timetable_json,
)
from catalog.live import Capacity
from catalog.people import Viewer, city_day
from catalog.rights import Place, may_change_city, require, rules
from catalog.text import line
from catalog.timetable import Slot


class TimetableApi:
    """The endpoints of terms and timetables."""

    def __init__(self, pool: Pool, capacity: Capacity, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._capacity = capacity
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        terms, tables, tag = "/api/v1/terms", "/api/v1/timetables", "timetable"
        changes = (401, 403, 404, 409, 422)
        return [
            Endpoint("GET", terms, self.list_terms, "List terms", tag, query=TermQuery,
                     result=Page[TermJson], guest=True, errors=(422,)),
            Endpoint("POST", terms, self.add_term, "Add a term", tag, body=NewTerm,
                     result=TermJson, status=201, errors=changes),
            Endpoint("DELETE", f"{terms}/{{id}}", self.delete_term, "Remove an unused term", tag,
                     status=204, errors=(401, 403, 404, 409)),
            Endpoint("GET", tables, self.list, "List timetables", tag, query=TimetableQuery,
                     result=Page[TimetableJson], errors=(401, 422)),
            Endpoint("POST", tables, self.make, "Make a timetable", tag, body=NewTimetable,
                     result=TimetableJson, status=201, errors=changes),
            Endpoint("GET", f"{tables}/{{id}}", self.get, "Read a timetable", tag,
                     result=TimetableJson, errors=(401, 404)),
            Endpoint("DELETE", f"{tables}/{{id}}", self.end, "End a timetable",
                     tag, status=204, errors=(401, 403, 404)),
        ]  # fmt: skip

    async def list_terms(self, request: web.Request) -> web.Response:
        """Answer the terms that hold for a school."""
        asked = query_of(request, TermQuery)
        async with self._pool.connection() as connection:
            found = await list_terms(connection, asked.school)
        return answer(Page([self._term(item) for item in found]))

    async def add_term(self, request: web.Request) -> web.Response:
        """Add a term, by those who rule the place."""
        asked, viewer = await body_of(request, NewTerm), viewer_of(request)
        term = term_of(asked)
        async with self._pool.connection() as connection:
            await _require_term(connection, viewer, asked.school)
            key = await add_term(connection, line(asked.name, "name"), asked.school, term)
            record = await read_term(connection, key)
        assert record is not None, "just added"
        return answer(self._term(record), 201)

    async def delete_term(self, request: web.Request) -> web.Response:
        """Remove a term that nothing goes by."""
        async with self._pool.connection() as connection:
            record = await _found_term(connection, id_in_path(request))
            await _require_term(connection, viewer_of(request), record.school_id)
            await delete_term(connection, record.id)
        return web.Response(status=204)

    def _term(self, record: TermRecord) -> TermJson:
        return term_json(record, city_day(self._clock()))

    async def list(self, request: web.Request) -> web.Response:
        """Answer a page of timetables."""
        asked = query_of(request, TimetableQuery)
        async with self._pool.connection() as connection:
            found = await list_timetables(
                connection, asked.term, asked.school, asked.limit + 1, read_cursor(asked.cursor)[1]
            )
        return answer(page_of(found, asked.limit, timetable_json, lambda item: ("", item.id)))

    async def make(self, request: web.Request) -> web.Response:
        """Book every session of what recurs, or none and say why."""
        asked, viewer = await body_of(request, NewTimetable), viewer_of(request)
        slot = Slot(asked.weekday, asked.period, asked.first_week, asked.last_week, asked.parity)
        now_utc = self._clock()
        async with self._pool.connection() as connection:
            term = await read_term(connection, asked.term)
            if term is None or not 1 <= slot.period <= len(term.term.periods):
                raise Invalid("term: there is no such term, or it has no such period")
            length_s = term.term.periods[slot.period - 1].duration_s
            booking = await booking_of(connection, viewer, asked, now_utc, length_s)
            if term.school_id not in (None, booking.school_id):
                raise Invalid("term: it is another school's", {"term": "is another school's"})
            key = await make_timetable(
                connection, term, slot, booking, viewer.person_id, self._capacity, now_utc
            )
            record = await read_timetable(connection, key)
        assert record is not None, "just made"
        return answer(timetable_json(record), 201)

    async def get(self, request: web.Request) -> web.Response:
        """Answer one timetable."""
        async with self._pool.connection() as connection:
            return answer(timetable_json(await _found(connection, id_in_path(request))))

    async def end(self, request: web.Request) -> web.Response:
        """Call off what is still to come."""
        viewer = viewer_of(request)
        async with self._pool.connection() as connection:
            record = await _found(connection, id_in_path(request))
            place = Place(record.district_id, record.school_id)
            require(
                record.created_by == viewer.person_id or rules(viewer, place),
                "only who made a timetable and the school's officers end it",
            )
            await end_timetable(connection, record.id, self._clock())
        return web.Response(status=204)


async def _require_term(connection: Connection, viewer: Viewer, school: str | None) -> None:
    if school is None:
        require(may_change_city(viewer), "only an administrator changes the city's terms")
        return
    place = (await read_school(connection, school)).place
    require(rules(viewer, place), "only the school's officers change its terms")


async def _found_term(connection: Connection, key: str) -> TermRecord:
    found = await read_term(connection, key)
    if found is None:
        raise NotFound("there is no such term")
    return found


async def _found(connection: Connection, key: str) -> TimetableRecord:
    found = await read_timetable(connection, key)
    if found is None:
        raise NotFound("there is no such timetable")
    return found
