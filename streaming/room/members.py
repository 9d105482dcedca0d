"""What those in a room say of themselves, for operations: newest report of each, no words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.live import RoomRole
from streaming.room.inputs import Report
from streaming.room.room import Room


@dataclass(frozen=True, slots=True)
class MemberFigures:
    """One member that has reported, or is cut off. Read at the moment.

    identity: as the gate gave it (`classroom:ID`, `person:ID`, `guest:…`). report: the newest of
    this connection; the same object as long as no newer has come. away_s: for how long its
    connection has been cut, None while it is there or when it left by itself.
    """

    session: str
    member: str
    identity: str
    name: str
    role: RoomRole
    late: bool
    report: Report | None
    away_s: float | None


def members_of(session: str, room: Room, now: float) -> Iterator[MemberFigures]:
    """Give all who have reported or were cut off; `now` is monotonic."""
    roster, reports = room.state.roster, room.health.reports
    for id_ in reports.keys() | roster.away.keys():
        member, away = roster.inside(id_), roster.away.get(id_)
        if member is None:
            continue
        cut_s = now - away.since if away is not None and not away.clean else None
        if away is not None and cut_s is None:
            continue
        yield MemberFigures(
            session, id_, member.identity, member.name, member.role, room.delay.late(id_),
            reports.get(id_), cut_s,
        )  # fmt: skip
