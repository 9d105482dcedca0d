"""What an edge asks with its own credential: who it is, what can be played, what to fetch at night,
and the place for its reports and for the request of a new certificate.

Answers that change rarely carry an ETag, so that a thin line carries them once.

Spec: RFC 9110 8.8.3 (ETag), 13.1.2 (If-None-Match).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

import msgspec
from aiohttp import ETag, web
from msgspec import Meta

from catalog.db.edge_plan import next_days
from catalog.db.edge_reports import add_reports
from catalog.db.edges import set_names
from catalog.db.lessons import LessonRecord, read_lesson
from catalog.db.pool import Pool
from catalog.db.sessions import SessionRecord
from catalog.edge_ca import read_csr
from catalog.edge_ca_files import CaFolder
from catalog.edge_plan import DAYS, DAYS_LIMIT
from catalog.edge_reports import BODY_LIMIT_BYTES, REPORTS_LIMIT, Report, report_of
from catalog.edges import EdgeState, KnownEdge
from catalog.errors import Conflict, NotFound
from catalog.http.edges import CSR_LIMIT_CHARS
from catalog.http.endpoint import Endpoint, edge_of
from catalog.http.lesson_json import Named
from catalog.http.listing import id_in_path
from catalog.http.payload import answer, body_of, query_of
from catalog.media import Presentation, PresentationSource
from catalog.people import CITY_ZONE, may_watch
from catalog.presentation_json import encode
from catalog.tokens import Keyring, public_words

TAG_BYTES = 12
PROBE_LIMIT_BYTES = 16 * 1024 * 1024
PROBE_CHUNK_BYTES = 64 * 1024
PROBE_LEAST_BPS, PROBE_MOST_BPS = 64_000, 1_000_000_000
PROBE_STEP_S, PROBE_PACED_S = 0.02, 2.0


class EdgeSelf(msgspec.Struct):
    """Who the edge is. `keys`: the public keys of playback tokens, base64 by key id."""

    id: str
    name: str
    school: Named
    state: str
    keys: dict[str, str]
    names: list[str]
    time_zone: str


class EdgeLesson(msgspec.Struct):
    """A lesson for an edge: what its pages show, and the presentation as catalog/media.py has it
    (`catalog.presentation_json.decode` reads it; bytes are base64)."""

    id: str
    title: str
    description: str
    stage: str
    grade: str
    subject: str
    teacher: str
    school: Named | None
    series: Named | None
    duration_s: float | None
    updated: datetime
    presentation: msgspec.Raw


class PlanQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How many school days."""

    days: Annotated[int, Meta(ge=1, le=DAYS_LIMIT)] = DAYS


class ProbeQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How much, and how fast, for two seconds then; as fast as the line when that is not said."""

    bytes: Annotated[int, Meta(ge=1, le=PROBE_LIMIT_BYTES)] = PROBE_LIMIT_BYTES
    bps: Annotated[int, Meta(ge=PROBE_LEAST_BPS, le=PROBE_MOST_BPS)] | None = None

    @property
    def size_bytes(self) -> int:
        """Give how much is sent."""
        return min(self.bytes, int(self.bps * PROBE_PACED_S / 8)) if self.bps else self.bytes


class PlannedSession(msgspec.Struct):
    """A session that the school takes part in."""

    id: str
    title: str
    kind: str
    state: str
    starts_at: datetime
    duration_s: int
    grade: str
    subject: str
    open_to_all: bool
    classrooms: list[Named]


class PlannedLesson(msgspec.Struct):
    """A lesson to have on a day."""

    day: date
    lesson: str
    title: str
    updated: datetime


class EdgePlan(msgspec.Struct):
    """The next school days: their sessions by start, and lessons in the order to fetch them."""

    days: list[date]
    sessions: list[PlannedSession]
    lessons: list[PlannedLesson]


class ReportJson(msgspec.Struct):
    """One report; the edge makes the id (a UUID) and may send it again."""

    id: UUID
    kind: Annotated[str, Meta(max_length=20)]
    at: datetime
    body: dict[str, Any]


class RefusedReport(msgspec.Struct):
    """A report that will never be taken: forget it."""

    id: UUID
    reason: str


class ReportsTaken(msgspec.Struct):
    """What the edge may forget."""

    accepted: list[UUID]
    refused: list[RefusedReport]


class CertificateAsked(msgspec.Struct):
    """A request for a certificate (PEM, PKCS #10)."""

    csr: Annotated[str, Meta(max_length=CSR_LIMIT_CHARS)]


class CertificateGiven(msgspec.Struct):
    """What the certificate is for, and its chain (PEM)."""

    names: list[str]
    certificate: str


# Learns which reports were kept just now, each of them once.
Reported = Callable[[KnownEdge, Sequence[Report]], None]
Reports = Annotated[list[ReportJson], Meta(max_length=REPORTS_LIMIT)]


class EdgeFeedApi:
    """/api/v1/edge: self, presentations, plan, reports, certificate."""

    def __init__(
        self,
        pool: Pool,
        source: PresentationSource,
        keyring: Keyring,
        ca: CaFolder,
        clock: Callable[[], float] = time.time,
        reported: Reported = lambda edge, new: None,
    ) -> None:
        self._reported = reported
        self._pool = pool
        self._source = source
        self._keyring = keyring
        self._ca = ca
        self._clock = clock

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        own, tag = "/api/v1/edge", "edge"
        return [
            Endpoint("GET", f"{own}/self", self.self_, "Who this box is", tag, result=EdgeSelf,
                     edge=True, errors=(401, 403)),
            Endpoint("GET", f"{own}/presentations/{{lesson}}", self.presentation,
                     "What can be played of a lesson", tag, result=EdgeLesson, edge=True,
                     errors=(401, 403, 404)),
            Endpoint("GET", f"{own}/plan", self.plan, "What to have on the next school days", tag,
                     query=PlanQuery, result=EdgePlan, edge=True, errors=(401, 403, 422)),
            Endpoint("GET", f"{own}/probe", self.probe, "Bytes to measure the line with", tag,
                     query=ProbeQuery, result_type="application/octet-stream", edge=True,
                     errors=(401, 403, 422)),
            Endpoint("POST", f"{own}/reports", self.reports, "Report what happened", tag,
                     body=Reports, result=ReportsTaken, edge=True, errors=(401, 403, 422, 429)),
            Endpoint("POST", f"{own}/certificate", self.certificate, "Get a new certificate", tag,
                     body=CertificateAsked, result=CertificateGiven, edge=True,
                     errors=(401, 403, 409, 422)),
        ]  # fmt: skip

    async def self_(self, request: web.Request) -> web.Response:
        """Answer who the edge is, and the keys that it checks tokens with."""
        edge = edge_of(request)
        keys = dict(sorted(public_words(self._keyring.public_keys).items()))
        return tagged(request, EdgeSelf(
            edge.id, edge.name, _school(edge), EdgeState.ENROLLED.value, keys, [*edge.names],
            str(CITY_ZONE),
        ))  # fmt: skip

    async def presentation(self, request: web.Request) -> web.Response:
        """Answer a lesson that the edge's school may watch, whole enough to play it."""
        lesson, edge = id_in_path(request, "lesson"), edge_of(request)
        async with self._pool.connection() as connection:
            record = await read_lesson(connection, lesson)
        if record is None or not may_watch(edge.viewer, record.place):
            raise NotFound("there is no such lesson, or it is not for this school")
        found = await self._source.presentation(lesson)
        if found is None:
            raise NotFound("nothing of this lesson can be played yet")
        return tagged(request, _lesson(record, found))

    async def plan(self, request: web.Request) -> web.Response:
        """Answer the school's next days."""
        asked, edge = query_of(request, PlanQuery), edge_of(request)
        async with self._pool.connection() as connection:
            found = await next_days(connection, edge, asked.days, self._clock())
        return tagged(request, EdgePlan(
            [*found.days],
            [_session(item) for item in found.sessions],
            [PlannedLesson(e.day, e.lesson, e.title, e.updated) for e in found.lessons],
        ))  # fmt: skip

    async def probe(self, request: web.Request) -> web.StreamResponse:
        """Answer bytes that no line can pack; the edge leaves when it has seen enough."""
        asked = query_of(request, ProbeQuery)
        headers = {"Content-Type": "application/octet-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        response.content_length = size_bytes = asked.size_bytes
        await response.prepare(request)
        noise = secrets.token_bytes(PROBE_CHUNK_BYTES)
        chunk = noise[: int(asked.bps * PROBE_STEP_S / 8)] if asked.bps else noise
        clock = asyncio.get_running_loop().time
        began_at = clock()
        for sent in range(0, size_bytes, len(chunk)):
            if asked.bps:
                await asyncio.sleep(began_at + 8 * sent / asked.bps - clock())
            await response.write(chunk[: size_bytes - sent])
        await response.write_eof()
        return response

    async def reports(self, request: web.Request) -> web.Response:
        """Keep reports, each once; those that are refused will be so for ever."""
        asked, edge = await body_of(request, Reports, BODY_LIMIT_BYTES), edge_of(request)
        now = datetime.fromtimestamp(self._clock(), UTC)
        good: list[Report] = []
        refused: list[RefusedReport] = []
        for item in asked:
            verdict = report_of(item.id, item.kind, item.at, item.body, now)
            if isinstance(verdict, Report):
                good.append(verdict)
            else:
                refused.append(RefusedReport(item.id, verdict))
        async with self._pool.connection() as connection:
            new = set(await add_reports(connection, edge, good, now))
        # One that came twice in a batch is new once.
        self._reported(edge, [*{one.id: one for one in good if one.id in new}.values()])
        return answer(ReportsTaken([one.id for one in good], refused))

    async def certificate(self, request: web.Request) -> web.Response:
        """Give a certificate for the edge's own name and its addresses on the LAN."""
        asked, edge = await body_of(request, CertificateAsked), edge_of(request)
        csr = read_csr(asked.csr)
        ca = await asyncio.to_thread(self._ca.read)
        if ca is None:
            raise Conflict("no authority is set up: `tongbu edges ca` at the origin makes one")
        names = ca.names_for(edge.id, edge.name, csr)
        certificate = ca.issue(csr, names, self._clock())
        async with self._pool.connection() as connection:
            await set_names(connection, edge.id, names)
        return answer(CertificateGiven([*names], certificate))


def tagged(request: web.Request, value: Any) -> web.Response:
    """Answer JSON with an ETag, or 304 to who has it; compressed for who asks."""
    body = msgspec.json.encode(value)
    # Weak: the same for the plain and the compressed form.
    tag = ETag(blake2b(body, digest_size=TAG_BYTES).hexdigest(), is_weak=True)
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Authorization"}
    known = any(one.value == tag.value for one in request.if_none_match or ())
    if known:
        response = web.Response(status=304, headers=headers)
    else:
        response = web.Response(body=body, content_type="application/json", headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
    response.etag = tag
    return response


def _school(edge: KnownEdge) -> Named:
    return Named(edge.school_id, edge.school_name)


def _lesson(record: LessonRecord, found: Presentation) -> EdgeLesson:
    return EdgeLesson(
        record.id, record.title, record.description, record.stage, record.grade, record.subject,
        record.teacher_name, _named(record.school_id, record.school_name),
        _named(record.series_id, record.series_name), record.duration_s,
        record.published_at or record.created_at, msgspec.Raw(encode(found)),
    )  # fmt: skip


def _named(key: str | None, name: str | None) -> Named | None:
    return Named(key, name) if key and name else None


def _session(record: SessionRecord) -> PlannedSession:
    rooms = [Named(r["id"], f"{r['school_name']} {r['name']}") for r in record.rooms]
    return PlannedSession(
        record.id, record.title, record.kind, record.state, record.starts_at, record.duration_s,
        record.grade, record.subject, record.open_to_all, rooms,
    )  # fmt: skip
