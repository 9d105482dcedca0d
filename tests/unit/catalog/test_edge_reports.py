"""Which reports of an edge are kept, and which are refused for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from catalog.edge_reports import (
    CLOCK_AHEAD,
    KEPT,
    REPORT_LIMIT_BYTES,
    Report,
    ReportKind,
    report_of,
)

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("kind", list(ReportKind))
def test_a_report_of_each_kind(kind: ReportKind) -> None:
    key = uuid4()
    assert report_of(key, kind.value, NOW, {"题": "为什么？", "n": [1.5, None]}, NOW) == Report(
        key, kind, NOW, '{"题":"为什么？","n":[1.5,null]}'
    )


@pytest.mark.parametrize(
    "at",
    [NOW + CLOCK_AHEAD, NOW - KEPT + SECOND, NOW.astimezone(timezone(timedelta(hours=8)))],
)
def test_times_that_are_taken(at: datetime) -> None:
    assert isinstance(report_of(uuid4(), "qoe", at, {}, NOW), Report)


FULL = {"t": "x" * (REPORT_LIMIT_BYTES - len('{"t":""}'))}


@pytest.mark.parametrize(
    ("kind", "at", "body", "why"),
    [
        ("gossip", NOW, {}, "attendance, qoe, question, status"),
        ("qoe", NOW.replace(tzinfo=None), {}, "time zone"),
        ("qoe", NOW + CLOCK_AHEAD + SECOND, {}, "future"),
        ("qoe", NOW - KEPT, {}, "30 days"),
        ("qoe", NOW, {"t": FULL["t"] + "x"}, "larger than 8192 bytes"),
        ("qoe", NOW, {"t": "a\0b"}, "NUL"),
    ],
)
def test_what_is_refused_for_good(kind: str, at: datetime, body: dict[str, Any], why: str) -> None:
    found = report_of(uuid4(), kind, at, body, NOW)
    assert isinstance(found, str)
    assert why in found


def test_a_report_may_fill_its_room() -> None:
    assert isinstance(report_of(uuid4(), "qoe", NOW, FULL, NOW), Report)
