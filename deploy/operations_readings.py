"""From the figures of live parts to what is known: pictures and devices, second by second.

No clock and no sockets: the readings of a moment and `now` come in. What lasts and what grew is
remembered between moments, for as long as its session is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.db.operations import RoomFact, SessionFact
from catalog.live import FeedName, RoomRole
from catalog.operations.known import GAPS_OVER_S, Device, Picture
from catalog.operations.lasting import Grown, Lasting
from catalog.operations.verdict import PART_AGE_S, SPEED
from streaming.live.figures import FeedFigures
from streaming.room.figures import RoomFigures
from streaming.room.inputs import Report
from streaming.room.members import MemberFigures
from transcoder.live.figures import IngestFigures

STALLS_OVER_S = 60.0
CLASSROOM = "classroom:"


@dataclass(frozen=True, slots=True)
class Live:
    """What the live parts of this process say at one moment, by session; of the main pictures.

    delays: the delay D that a session's rooms share, in seconds.
    """

    ingests: Mapping[str, IngestFigures]
    feeds: Mapping[str, FeedFigures]
    delays: Mapping[str, float]
    members: Sequence[MemberFigures]


def live_now(
    ingests: Iterable[IngestFigures],
    feeds: Iterable[FeedFigures],
    rooms: Iterable[RoomFigures],
    members: Iterable[MemberFigures],
) -> Live:
    """Sort the figures of this moment."""
    return Live(
        {one.session: one for one in ingests if one.feed is FeedName.MAIN},
        {one.session: one for one in feeds if one.feed is FeedName.MAIN},
        {one.session: one.delay_s for one in rooms},
        [*members],
    )


class Pictures:
    """Reads the main picture of each live session."""

    def __init__(self) -> None:
        self._lasting = Lasting()
        self._grown = Grown(GAPS_OVER_S)
        self._parts: dict[str, int] = {}

    def read(self, live: Live, sessions: Sequence[SessionFact], now: float) -> dict[str, Picture]:
        """Give each session's picture. What came here once and is gone is silent."""
        ingests, feeds = live.ingests, live.feeds
        found: dict[str, Picture] = {}
        parts: dict[str, int] = {}
        for session in (fact.id for fact in sessions):
            ingest, feed = ingests.get(session), feeds.get(session)
            if ingest is None and feed is None and session not in self._parts:
                continue
            parts[session] = feed.parts if feed is not None else self._parts.get(session, 0)
            found[session] = self._picture(session, ingest, feed, now)
        self._parts = parts
        self._lasting.sweep()
        self._grown.sweep()
        return found

    def _picture(
        self, session: str, ingest: IngestFigures | None, feed: FeedFigures | None, now: float
    ) -> Picture:
        flows = ingest is not None and ingest.bitrate_bps > 0
        speed = ingest.speed if ingest is not None else None
        slow = speed is not None and speed < SPEED
        stands = flows and feed is not None and feed.parts == self._parts.get(session)
        age_s, lasts_s = self._part_age_s(session, feed, now), self._lasting.lasts_s
        gaps = self._grown.grew((session, "gaps"), ingest.gaps, now) if ingest is not None else None
        return Picture(
            session,
            silent_s=lasts_s((session, "silent"), not flows, now),
            gaps=None if gaps is None else int(gaps),
            slow_s=lasts_s((session, "slow"), slow, now),
            speed=speed,
            part_age_s=age_s,
            old_s=lasts_s((session, "old"), (age_s or 0.0) >= PART_AGE_S, now),
            stopped_s=lasts_s((session, "stopped"), stands, now),
        )

    def _part_age_s(self, session: str, feed: FeedFigures | None, now: float) -> float | None:
        if feed is None:
            return None
        parts = self._grown.grew((session, "parts"), feed.parts, now)
        age_s = self._grown.grew((session, "age"), feed.age_sum_s, now)
        return age_s / parts if parts else None


def comes(picture: Picture) -> bool:
    """Tell whether there is something to see of it now."""
    return not picture.silent_s and not picture.stopped_s


@dataclass(frozen=True, slots=True)
class Seated:
    """A device and the classroom in which it is; `stalls` within the last minute."""

    room: RoomFact
    device: Device
    report: Report
    stalls: int


class Devices:
    """Reads the devices of classrooms. People's own are not asked: they may be at home."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self._guests: dict[str, RoomFact] = {}
        self._stalls = Grown(STALLS_OVER_S)
        self._lasting = Lasting()
        self._reports: dict[tuple[str, str], Report | None] = {}
        self._shown: set[str] = set()

    def know(self, rooms: Mapping[str, RoomFact]) -> None:
        """Learn of classrooms that were unknown."""
        self._guests |= rooms

    def read(
        self,
        members: Sequence[MemberFigures],
        sessions: Sequence[SessionFact],
        pictures: Mapping[str, Picture],
        now: float,
    ) -> list[Seated]:
        """Give the devices in all rooms. Who is shown nothing has nothing to report."""
        self._shown = {session for session, picture in pictures.items() if comes(picture)}
        booked = {fact.id: {room.id: room for room in fact.rooms} for fact in sessions}
        found = list(self._seated(members, booked, now))
        self._reports = {(one.session, one.member): one.report for one in members}
        seen = {one.room.id for one in found}
        self._guests = {id_: room for id_, room in self._guests.items() if id_ in seen}
        self._stalls.sweep()
        self._lasting.sweep()
        return found

    def _seated(
        self, members: Sequence[MemberFigures], booked: Mapping[str, Mapping[str, RoomFact]],
        now: float,
    ) -> Iterator[Seated]:  # fmt: skip
        self.unknown.clear()
        for one in members:
            rooms = booked.get(one.session)
            if rooms is None or one.role is RoomRole.TEACHER:
                continue
            if not one.identity.startswith(CLASSROOM):
                continue
            id_ = one.identity.removeprefix(CLASSROOM)
            room = rooms.get(id_) or self._guests.get(id_)
            if room is None:
                self.unknown.add(id_)
                continue
            yield self._one(one, room, now)

    def _one(self, one: MemberFigures, room: RoomFact, now: float) -> Seated:
        key, report = (one.session, one.member), one.report or Report()
        same = one.report is not None and one.report is self._reports.get(key)
        due = one.away_s is None and one.session in self._shown
        stalls = self._stalls.grew(key, report.stalls, now)
        stalled_at = self._stalls.grew_at(key)
        device = Device(
            room.name,
            one.session,
            delay_s=_seconds(report.delay_ms),
            skew_s=_seconds(report.skew_ms),
            stalled_s=None if stalled_at is None else now - stalled_at,
            silent_s=self._lasting.lasts_s(key, same and due, now),
            away_s=one.away_s,
            late=one.late,
        )
        return Seated(room, device, report, int(stalls))


def _seconds(value_ms: float | None) -> float | None:
    return None if value_ms is None else value_ms / 1000
