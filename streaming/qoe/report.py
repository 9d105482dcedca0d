"""What a player reports of a viewing since its report before: read and checked. Pure.

JSON: the player's id for the report, CMCD in JSON, and what CMCD version 1 has no keys for. What is
unknown is passed over, and not passed on.

Spec: CTA-5004 3 (keys of `cmcd`).
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from catalog.errors import Invalid
from streaming.qoe.cmcd import Cmcd

REPORT_LIMIT_BYTES = 4096
SPAN_LIMIT_MS = 600_000
EVENTS_LIMIT = 1000

Span = Annotated[int, Meta(ge=0, le=SPAN_LIMIT_MS)]
Events = Annotated[int, Meta(ge=0, le=EVENTS_LIMIT)]


class Delivery(Enum):
    """How the media came."""

    WS = "ws"
    LL_HLS = "ll-hls"
    HLS = "hls"
    DASH = "dash"


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """One report. `join_ms` is told once a viewing; `cmcd.br` is the mean while it played."""

    id: UUID
    cmcd: Cmcd
    delivery: Delivery
    join_ms: Span | None = None
    play_ms: Span = 0
    rebuffer_ms: Span = 0
    rebuffers: Events = 0
    rung_changes: Events = 0


def read_report(raw: bytes) -> Report:
    """Read a report. Raises: Invalid."""
    if len(raw) > REPORT_LIMIT_BYTES:
        raise Invalid(f"a report has at most {REPORT_LIMIT_BYTES} bytes")
    try:
        return msgspec.json.decode(raw, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"this is no report of a viewing: {error}") from error


def write_report(report: Report) -> bytes:
    """Give a report as JSON, with what is known and nothing else."""
    return msgspec.json.encode(report)
