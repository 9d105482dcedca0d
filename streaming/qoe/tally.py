"""Each report once, and what the figures are told of it. Pure.

A player that does not know whether its report arrived sends it again with the same id. The ids of
the last SEEN_LIMIT reports are remembered: at 40 screens that report twice a minute, half a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from streaming.qoe.report import Report

SEEN_LIMIT = 50_000
KBIT = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """What one report adds to the figures."""

    delivery: str
    join_s: float | None
    play_s: float
    rebuffer_s: float
    rebuffers: int
    bitrate_bps: int | None
    rung_changes: int


class Tally:
    """Remembers which reports were counted."""

    def __init__(self, seen_limit: int = SEEN_LIMIT) -> None:
        self._seen_limit = seen_limit
        self._seen: dict[UUID, None] = {}

    def know(self, ids: Iterable[UUID]) -> None:
        """Take these as counted."""
        for key in ids:
            self._remember(key)

    def take(self, report: Report) -> Told | None:
        """Give what to count; None when that was done before."""
        if report.id in self._seen:
            return None
        self._remember(report.id)
        return told_of(report)

    def _remember(self, key: UUID) -> None:
        self._seen[key] = None
        while len(self._seen) > self._seen_limit:
            del self._seen[next(iter(self._seen))]


def told_of(report: Report) -> Told:
    """Give what a report adds."""
    rate = report.cmcd.br
    played = rate is not None and report.play_ms > 0
    return Told(
        delivery=report.delivery.value,
        join_s=None if report.join_ms is None else report.join_ms / 1000,
        play_s=report.play_ms / 1000,
        rebuffer_s=report.rebuffer_ms / 1000,
        rebuffers=report.rebuffers,
        bitrate_bps=rate * KBIT if played and rate is not None else None,
        rung_changes=report.rung_changes,
    )
