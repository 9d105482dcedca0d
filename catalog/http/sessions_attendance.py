"""Attendance of a session over HTTP, for those who run it: while it is live, and afterwards.

The room's log is kept with the session; how it is summed up is the data plane's (`SumUp`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from aiohttp import web

from catalog.db.pool import Pool
from catalog.db.room_log import read_events
from catalog.db.sessions import SessionRecord, read_session
from catalog.errors import NoRight, NotFound
from catalog.http.endpoint import Endpoint, viewer_of
from catalog.http.listing import id_in_path
from catalog.http.payload import answer, query_of
from catalog.http.sessions_attendance_csv import disposition, table
from catalog.http.sessions_attendance_json import Attendance, attendance_of
from catalog.live import SumUp
from catalog.session_rights import may_run

PATH = "/api/v1/sessions/{id}/attendance"


class AttendanceQuery(msgspec.Struct, forbid_unknown_fields=True):
    """As JSON, or as a table for spreadsheets."""

    format: Literal["json", "csv"] = "json"


class AttendanceApi:
    """The endpoint of a session's attendance."""

    def __init__(self, pool: Pool, sum_up: SumUp, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._sum_up = sum_up
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [
            Endpoint("GET", PATH, self.get, "Who was in a session, and what they did", "sessions",
                     query=AttendanceQuery, result=Attendance, other_types=("text/csv",)),
        ]  # fmt: skip

    async def get(self, request: web.Request) -> web.Response:
        """Answer the attendance, so far or of the whole lesson."""
        asked = query_of(request, AttendanceQuery)
        async with self._pool.connection() as connection:
            record = await read_session(connection, id_in_path(request))
            if record is None:
                raise NotFound("there is no such session")
            if not may_run(viewer_of(request), record.place):
                raise NoRight("only the session's teachers and its school's officers see that")
            log = await read_events(connection, record.id)
        # A long lesson of many has 200 000 events, and no other request should wait for them.
        found = await asyncio.to_thread(self._made, record, log)
        return answer(found) if asked.format == "json" else _as_table(found)

    def _made(self, record: SessionRecord, log: Sequence[Mapping[str, Any]]) -> Attendance:
        return attendance_of(record, self._sum_up(log, self._until_utc(record, log)))

    def _until_utc(self, record: SessionRecord, log: Sequence[Mapping[str, Any]]) -> float:
        """Give the lesson's end, or now; the room may be on a machine whose clock is ahead."""
        if record.ended_at is not None:
            return record.ended_at.timestamp()
        return max(self._clock(), log[-1]["utc"] if log else 0.0)


def _as_table(found: Attendance) -> web.Response:
    headers = {"Cache-Control": "no-store", "Content-Disposition": disposition(found)}
    return web.Response(
        body=table(found).encode(), headers=headers, content_type="text/csv", charset="utf-8"
    )
