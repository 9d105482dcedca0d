"""Reports of viewings for tests."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import msgspec

from streaming.qoe.report import Report, read_report

LABELS = {"school": "city", "delivery": "hls"}


def report_json(**changes: Any) -> dict[str, Any]:
    """Give a report as a player sends it; None leaves a field out."""
    whole: dict[str, Any] = {
        "id": str(uuid4()),
        "cmcd": {"v": 1, "sid": "6e2fb550", "cid": "01jd3x7g2a8m9q4r5t6v", "st": "v", "sf": "h",
                 "br": 1850},
        "delivery": "hls",
        "join_ms": 640,
        "play_ms": 27_500,
        "rebuffer_ms": 2_500,
        "rebuffers": 2,
        "rung_changes": 3,
        **changes,
    }  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}


def raw_report(**changes: Any) -> bytes:
    """Give the bytes of one."""
    return msgspec.json.encode(report_json(**changes))


def a_report(key: UUID | None = None, **changes: Any) -> Report:
    """Give one that was read."""
    return read_report(raw_report(id=str(key or uuid4()), **changes))
