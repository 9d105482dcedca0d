"""Sessions as JSON: what is booked and changed, and what is shown to whom.

Addresses below /live are relative to the service and carry a token that says as whom the asker
joins. Where to publish, with the keys, is shown to those who may run the session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Meta, UnsetType

from catalog.db.sessions import SessionRecord
from catalog.http.lesson_json import Named
from catalog.http.listing import CURSOR_LIMIT_CHARS, PAGE_ITEMS, Id, IdOrNone, Limit
from catalog.live import SRT_KEY_BYTES, SRT_LATENCY_US, FeedName
from catalog.people import Viewer
from catalog.session import (
    LISTENING_LIMIT,
    LONGEST_S,
    SHORTEST_S,
    SPEAKERS_LIMIT,
    SessionKind,
    SessionState,
)
from catalog.session_grants import session_grant
from catalog.session_rights import may_run
from catalog.tokens import SessionGrant

RTMP_PORT = 1935
KindWord = Annotated[str, Meta(extra_json_schema={"enum": [k.value for k in SessionKind]})]
StateWord = Annotated[str, Meta(extra_json_schema={"enum": [s.value for s in SessionState]})]
Moment = Annotated[datetime, Meta(tz=True)]
Duration = Annotated[int, Meta(ge=SHORTEST_S, le=LONGEST_S)]
Listening = Annotated[list[Id], Meta(max_length=LISTENING_LIMIT)]
Speakers = Annotated[list[Id], Meta(max_length=SPEAKERS_LIMIT)]
Maybe = UnsetType


class WhatIsTaught(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a session is, whenever it takes place. The teacher is the asker unless named."""

    title: str
    kind: SessionKind
    school: Id | None = None
    main_classroom: Id | None = None
    second_classroom: Id | None = None
    listening_classrooms: Listening = []
    teacher: Id | None = None
    second_teacher: Id | None = None
    speakers: Speakers = []
    open_to_all: bool | None = None
    visibility: str = ""
    series_id: Id | None = None
    stage: str = ""
    grade: str = ""
    subject: str = ""


class NewSession(WhatIsTaught, kw_only=True, forbid_unknown_fields=True):
    """A session to book. `visibility` is the recording's; empty goes with the session."""

    starts_at: Moment
    duration_s: Duration


class SessionChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to change; a field that is left out stays."""

    title: str | Maybe = UNSET
    kind: SessionKind | Maybe = UNSET
    school: Id | Maybe | None = UNSET
    main_classroom: Id | Maybe | None = UNSET
    second_classroom: Id | Maybe | None = UNSET
    listening_classrooms: Listening | Maybe = UNSET
    teacher: Id | Maybe = UNSET
    second_teacher: Id | Maybe | None = UNSET
    speakers: Speakers | Maybe = UNSET
    open_to_all: bool | Maybe = UNSET
    visibility: str | Maybe = UNSET
    series_id: Id | Maybe | None = UNSET
    stage: str | Maybe = UNSET
    grade: str | Maybe = UNSET
    subject: str | Maybe = UNSET
    starts_at: Moment | Maybe = UNSET
    duration_s: Duration | Maybe = UNSET


class SessionQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which sessions: those of a week (any of its days), or between two moments."""

    week: date | None = None
    since: Moment | None = None
    until: Moment | None = None
    classroom: IdOrNone = ""
    school: IdOrNone = ""
    kind: SessionKind | None = None
    state: list[SessionState] = []
    mine: bool = False
    cursor: Annotated[str, Meta(max_length=CURSOR_LIMIT_CHARS)] = ""
    limit: Limit = PAGE_ITEMS


class SessionRoom(Named):
    """A classroom of a session; part is main, second or listening."""

    school: Named
    part: str


class SessionPerson(Named):
    """A person of a session; part is teacher, second_teacher or speaker."""

    part: str


class Rtmp(msgspec.Struct):
    """What an encoder such as OBS is given: the server, and the stream key that is a secret."""

    server: str
    key: str


class Ingest(msgspec.Struct):
    """Where a feed is published, with its key."""

    rtmp: Rtmp | None
    srt: str | None
    browser: str


class LiveUrls(msgspec.Struct):
    """Where a session is seen, heard and joined."""

    hls: str
    stream: str
    room: str
    second_hls: str | None = None
    second_stream: str | None = None


class Session(msgspec.Struct, kw_only=True):
    """A session. `role` is what the asker is in its room; `lesson` is the recording."""

    id: str
    title: str
    kind: KindWord
    state: StateWord
    starts_at: datetime
    duration_s: int
    open_to_all: bool
    visibility: str
    series: Named | None
    stage: str
    grade: str
    subject: str
    school: Named | None
    rooms: list[SessionRoom]
    people: list[SessionPerson]
    timetable: str | None
    live_at: datetime | None
    ended_at: datetime | None
    lesson: str | None
    second_lesson: str | None
    role: str | None
    can_run: bool
    urls: LiveUrls
    ingest: Ingest | None = None
    second_ingest: Ingest | None = None


def no_srt(_session: str, _feed: FeedName) -> int | None:
    """Give no port."""
    return None


@dataclass(frozen=True, slots=True)
class IngestAddresses:
    """Where encoders reach this service. An empty host is the one that the asker used.

    `srt_port` gives the port on which a feed is expected now, or None. `rtmp_port` 0: no RTMP.
    """

    rtmp_port: int = RTMP_PORT
    srt_port: Callable[[str, FeedName], int | None] = no_srt
    host: str = ""

    def ingest(self, asked_host: str, session: str, feed: FeedName, key: str) -> Ingest:
        """Give the ways in for one feed."""
        host = self.host or asked_host
        path = session if feed is FeedName.MAIN else f"{session}/{feed.value}"
        rtmp = Rtmp(f"rtmp://{host}:{self.rtmp_port}/live", f"{path}?key={key}")
        port = self.srt_port(session, feed)
        srt = _srt(host, port, key) if port else None
        browser = f"/live/{session}/publish?feed={feed.value}&key={key}"
        return Ingest(rtmp if self.rtmp_port else None, srt, browser)


def _srt(host: str, port: int, key: str) -> str:
    options = {
        "mode": "caller", "passphrase": key, "pbkeylen": SRT_KEY_BYTES, "latency": SRT_LATENCY_US,
    }  # fmt: skip
    return f"srt://{host}:{port}?{urlencode(options)}"


@dataclass(frozen=True, slots=True)
class SessionShow:
    """Shows sessions. `key_of` gives publishing keys, `sign` tokens that hold for `holds_s`."""

    key_of: Callable[[SessionRecord, FeedName], str]
    sign: Callable[[SessionGrant], str]
    addresses: IngestAddresses
    clock: Callable[[], float]
    holds_s: int

    def session(self, record: SessionRecord, viewer: Viewer, host: str) -> Session:
        """Give a session as this viewer sees it."""
        place = record.place
        grant = session_grant(viewer, record.id, place, record.rooms, self.clock(), self.holds_s)
        runs, two = may_run(viewer, place), record.session_kind is SessionKind.PAIRED_LESSON
        return Session(
            id=record.id, title=record.title, kind=record.kind, state=record.state,
            starts_at=record.starts_at, duration_s=record.duration_s,
            open_to_all=record.open_to_all, visibility=record.visibility,
            series=_named(record.series_id, record.series_name), stage=record.stage,
            grade=record.grade, subject=record.subject,
            school=_named(record.school_id, record.school_name),
            rooms=[_room(item) for item in record.rooms],
            people=[SessionPerson(p["id"], p["name"], p["part"]) for p in record.people],
            timetable=record.timetable_id, live_at=record.live_at, ended_at=record.ended_at,
            lesson=record.lesson_id, second_lesson=record.second_lesson_id,
            role=grant.role.value if grant else None, can_run=runs,
            urls=_urls(record.id, self.sign(grant) if grant else "", two),
            ingest=self._ingest(record, FeedName.MAIN, host) if runs else None,
            second_ingest=self._ingest(record, FeedName.SECOND, host) if runs and two else None,
        )  # fmt: skip

    def _ingest(self, record: SessionRecord, feed: FeedName, host: str) -> Ingest:
        return self.addresses.ingest(host, record.id, feed, self.key_of(record, feed))


def _urls(session: str, token: str, two: bool) -> LiveUrls:
    base, query = f"/live/{session}", f"?token={token}" if token else ""
    more = f"&token={token}" if token else ""
    return LiveUrls(
        f"{base}/multivariant.m3u8{query}", f"{base}/stream{query}", f"{base}/room{query}",
        f"{base}/second/multivariant.m3u8{query}" if two else None,
        f"{base}/stream?feed=second{more}" if two else None,
    )  # fmt: skip


def _named(key: str | None, name: str | None) -> Named | None:
    return Named(key, name or "") if key else None


def _room(item: Any) -> SessionRoom:
    school = Named(item["school_id"], item["school_name"])
    return SessionRoom(item["id"], item["name"], school, item["part"])
