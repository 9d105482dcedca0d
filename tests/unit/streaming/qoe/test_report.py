"""Reports of players: what is read, passed over, refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.edge_reports import REPORT_LIMIT_BYTES as EDGE_LIMIT_BYTES
from catalog.errors import Invalid
from streaming.qoe.report import (
    EVENTS_LIMIT,
    REPORT_LIMIT_BYTES,
    SPAN_LIMIT_MS,
    Delivery,
    Report,
    read_report,
    write_report,
)
from tests.support.qoe import raw_report, report_json


def test_a_whole_report() -> None:
    key = "7b0c3bfe-5c3c-4c08-9a0d-5b1f0a7e2a11"
    found = read_report(raw_report(id=key, delivery="ll-hls"))
    assert found.id == UUID(key)
    assert found.delivery is Delivery.LL_HLS
    assert (found.join_ms, found.play_ms, found.rebuffer_ms) == (640, 27_500, 2_500)
    assert (found.rebuffers, found.rung_changes, found.cmcd.br) == (2, 3, 1850)


def test_what_may_be_left_out() -> None:
    raw = b'{"id":"7b0c3bfe-5c3c-4c08-9a0d-5b1f0a7e2a11","cmcd":{},"delivery":"ws"}'
    found = read_report(raw)
    assert (found.join_ms, found.play_ms, found.rebuffers) == (None, 0, 0)
    assert read_report(write_report(found)) == found


def test_what_is_unknown_is_not_passed_on() -> None:
    found = read_report(raw_report(name="李雷", cmcd={"br": 5, "x": "y"}))
    assert set(msgspec.json.decode(write_report(found))) <= set(report_json())
    assert "李雷".encode() not in write_report(found)
    assert REPORT_LIMIT_BYTES < EDGE_LIMIT_BYTES, "what a box takes the origin takes too"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "7"}, {"id": None}, {"cmcd": None}, {"delivery": "rtmp"}, {"delivery": None},
        {"join_ms": -1}, {"join_ms": 1.5}, {"join_ms": SPAN_LIMIT_MS + 1},
        {"play_ms": SPAN_LIMIT_MS + 1}, {"play_ms": "7"}, {"play_ms": True},
        {"rebuffer_ms": -1}, {"rebuffers": EVENTS_LIMIT + 1}, {"rung_changes": -1},
        {"cmcd": {"br": -1}}, {"cmcd": {"sid": "李雷"}}, {"cmcd": {"sid": "a\u0000"}},
        {"cmcd": {"v": 2}}, {"cmcd": []},
    ],
)  # fmt: skip
def test_what_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="no report"):
        read_report(raw_report(**changes))


def test_a_report_is_small() -> None:
    raw = raw_report(other="x" * 100)
    padded = raw + b" " * (REPORT_LIMIT_BYTES - len(raw))
    assert isinstance(read_report(padded), Report)
    with pytest.raises(Invalid, match=str(REPORT_LIMIT_BYTES)):
        read_report(padded + b" ")


@given(st.binary(max_size=300), st.data())
@example(b"[" * REPORT_LIMIT_BYTES, None)
@example(b'{"x":' + b"[" * 4000, None)
@example(b'{"x":"\xff"}', None)
def test_any_bytes_are_read_or_refused(raw: bytes, data: st.DataObject | None) -> None:
    tries = [raw]
    if data is not None:
        whole = raw_report()
        at = data.draw(st.integers(0, len(whole)))
        tries += [whole[:at], whole[:at] + raw + whole[at:]]
    for one in tries:
        try:
            found = read_report(one)
        except Invalid:
            continue
        assert read_report(write_report(found)) == found
