"""What a teacher sees of each room: connected, rung, delay, skew, stalls, late. Pure.

Rows are of classrooms and speakers; viewers are summed up. `changes` gives rows that differ from
what it gave before; call it at most once a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from streaming.room.delay import Can, Delay, Delivery
from streaming.room.inputs import Report
from streaming.room.rights import ROOMS
from streaming.room.roster import Member, Roster

Row = dict[str, Any]


@dataclass(slots=True)
class Health:
    """The newest report of every member, and the rows that teachers have."""

    deliveries: dict[str, Delivery] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    _told: dict[str, Row] = field(default_factory=dict)
    _told_viewers: dict[str, int] = field(default_factory=dict)

    def arrive(self, member: str, delivery: Delivery) -> None:
        """A member connects; what it said of an earlier connection is void."""
        self.deliveries[member] = delivery
        self.reports.pop(member, None)

    def take(self, member: Member, report: Report) -> Can | None:
        """Keep a report; give what it means for D, if the player knows that."""
        self.reports[member.id] = report
        if report.can_ms is None:
            return None
        delivery = self.deliveries.get(member.id, Delivery.WS)
        return Can(report.can_ms / 1000, delivery, report.lowest, member.role in ROOMS)

    def forget(self, member: str) -> None:
        """A member has left."""
        self.deliveries.pop(member, None)
        self.reports.pop(member, None)

    def whole(self, roster: Roster, delay: Delay) -> dict[str, Any]:
        """Give all rows, for a teacher who comes in."""
        return {
            "rooms": {m: self._row(m, roster, delay) for m in self._rooms(roster)},
            "viewers": self._viewers(roster, delay.late),
        }

    def changes(self, roster: Roster, delay: Delay) -> dict[str, Any] | None:
        """Give rows that changed since the last call, None for one that is gone."""
        rows = {m: self._row(m, roster, delay) for m in self._rooms(roster)}
        changed: dict[str, Row | None] = {
            m: row for m, row in rows.items() if self._told.get(m) != row
        }
        changed.update(dict.fromkeys(self._told.keys() - rows.keys()))
        viewers = self._viewers(roster, delay.late)
        if not changed and viewers == self._told_viewers:
            return None
        self._told, self._told_viewers = rows, viewers
        return {"rooms": changed, "viewers": viewers}

    def _rooms(self, roster: Roster) -> list[str]:
        return [m for m in roster.listed() if roster.members[m].role in ROOMS]

    def _row(self, member: str, roster: Roster, delay: Delay) -> Row:
        report = self.reports.get(member, Report())
        return {
            "here": roster.here(member),
            "delivery": self.deliveries.get(member, Delivery.WS).value,
            "rung": report.rung,
            "delay_ms": _rounded(report.delay_ms),
            "skew_ms": _rounded(report.skew_ms),
            "stalls": report.stalls,
            "buffer_ms": _rounded(report.buffer_ms),
            "error_ms": _rounded(report.error_ms),
            "can_ms": _rounded(report.can_ms),
            "late": delay.late(member),
        }

    def _viewers(self, roster: Roster, late: Callable[[str], bool]) -> dict[str, int]:
        viewers = [m for m in self.reports if roster.members[m].role not in ROOMS]
        return {"reporting": len(viewers), "late": sum(map(late, viewers))}


def _rounded(value_ms: float | None) -> int | None:
    return None if value_ms is None else round(value_ms)
