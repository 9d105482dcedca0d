"""What an edge reports of its school: attendance, questions, QoE, its own state. Pure.

The edge gives each report an id of its own (a UUID) and keeps it until it is told that it may
forget it: accepted, now or before, or refused for good. So a report that waited for the line counts
once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec

REPORTS_LIMIT = 200
REPORT_LIMIT_BYTES = 8 * 1024
# Forty screens that report twice a minute for ten hours, twice over.
REPORTS_LIMIT_A_DAY = 100_000
BODY_LIMIT_BYTES = 2 * 1024 * 1024
KEPT = timedelta(days=30)
CLOCK_AHEAD = timedelta(hours=1)


class ReportKind(Enum):
    """What a report tells of."""

    ATTENDANCE = "attendance"
    QUESTION = "question"
    QOE = "qoe"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Report:
    """One report; `body` is JSON text."""

    id: UUID
    kind: ReportKind
    at: datetime
    body: str


def report_of(
    key: UUID, kind: str, at: datetime, body: dict[str, Any], now: datetime
) -> Report | str:
    """Give the report, or why it is refused for good."""
    if kind not in _KINDS:
        return f"kind must be one of {', '.join(sorted(_KINDS))}"
    if at.tzinfo is None:
        return "at needs a time zone"
    if at > now + CLOCK_AHEAD:
        return "at is in the future: set the edge's clock"
    if at <= now - KEPT:
        return f"older than {KEPT.days} days: nobody counts it any more"
    raw = msgspec.json.encode(body)
    if len(raw) > REPORT_LIMIT_BYTES:
        return f"larger than {REPORT_LIMIT_BYTES} bytes"
    if b"\\u0000" in raw:
        return "has a character that cannot be kept (NUL)"
    return Report(key, ReportKind(kind), at, raw.decode())


_KINDS = frozenset(kind.value for kind in ReportKind)
