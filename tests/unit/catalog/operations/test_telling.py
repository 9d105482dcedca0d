"""What boxes tell: read strictly, and what is known of a school's box by it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.operations import telling as telling_module
from catalog.operations.known import Box, Known
from catalog.operations.telling import (
    TELLING_LIMIT_BYTES,
    Boxes,
    Telling,
    read_telling,
    write_telling,
)
from catalog.operations.verdict import Cause, judge

WELL = Telling(8_000_000, None, 2_400_000, 0, 0, 1, 12, 0.2, "keeping", 0.003)

tellings = st.builds(
    Telling, st.none() | st.integers(0, 10**11), st.none() | st.integers(0, 10**11),
    *[st.integers(0, 10**6)] * 5, st.floats(0, 86_400), st.text(max_size=20),
    st.floats(0, 86_400), *[st.integers(0, 10**6)] * 2,
)  # fmt: skip


@given(tellings)
def test_what_is_written_is_read(told: Telling) -> None:
    assert read_telling(write_telling(told)) == told


@pytest.mark.parametrize("raw", [
    b"", b"[]", b"{", b'{"estimate_bps":-1}', b'{"estimate_bps":1e30}', b'{"lag_s":-0.1}',
    b'{"disk":"' + b"x" * 21 + b'"}', b'{"streams":1.5}', b"\xff", b"[" * 1000,
    b'{"viewers":"many"}', b" " * (TELLING_LIMIT_BYTES + 1),
])  # fmt: skip
def test_nonsense_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        read_telling(raw)


def test_a_telling_is_small_and_a_newer_box_may_say_more() -> None:
    assert len(write_telling(WELL)) < 200
    assert read_telling(json.dumps({"disk": "full", "moon": "waxing"}).encode()).disk == "full"


def told(boxes: Boxes, edge: str = "e1", school: str = "s1", now: float = 0.0) -> int:
    line = boxes.opened(edge, school, now)
    boxes.told(edge, line, WELL, now)
    return line


def test_a_box_that_has_connected_and_said_nothing_is_not_known() -> None:
    boxes = Boxes()
    boxes.opened("e1", "s1", 0.0)
    assert boxes.by_school(1.0) == {}


def test_a_line_that_is_cut_makes_the_last_telling_old_and_a_process_that_died_closes() -> None:
    boxes = Boxes()
    line = told(boxes)
    assert boxes.by_school(12.0)["s1"].told_s == 12.0
    assert boxes.by_school(12.0)["s1"].closed_s is None
    boxes.closed("e1", line, 13.0)
    found = boxes.by_school(18.0)["s1"]
    assert (found.told_s, found.closed_s) == (5.0, 5.0)


def test_what_an_older_connection_says_or_how_it_ends_counts_no_more() -> None:
    boxes = Boxes()
    old = told(boxes)
    new = boxes.opened("e1", "s1", 10.0)
    boxes.closed("e1", old, 11.0)
    boxes.told("e1", old, Telling(disk="full"), 11.0)
    found = boxes.by_school(12.0)["s1"]
    assert (found.told_s, found.closed_s, found.disk) == (2.0, None, None)
    boxes.told("e1", new, Telling(disk="full"), 12.0)
    assert boxes.by_school(12.0)["s1"].disk == "full"


def test_a_line_is_thin_from_when_it_was_first_told() -> None:
    boxes = Boxes()
    line = told(boxes)
    boxes.told("e1", line, Telling(lowest=1), 3.0)
    assert boxes.by_school(3.0)["s1"].thin_s == 0.0
    assert boxes.by_school(9.0)["s1"].thin_s == 6.0
    boxes.told("e1", line, Telling(by_line=1), 9.0)
    assert boxes.by_school(9.0)["s1"].thin_s == 6.0
    boxes.told("e1", line, WELL, 10.0)
    assert boxes.by_school(10.0)["s1"].thin_s == 0.0


BAD = Telling(90_000, None, 80_000, 1, 0, 1, 12, 4.0, "full", 0.5)


def test_of_a_box_that_died_or_is_silent_nothing_is_known_but_that() -> None:
    for died in (True, False):
        boxes = Boxes()
        line = boxes.opened("e1", "s1", 0.0)
        for at in (0.0, 6.0):
            boxes.told("e1", line, BAD, at)
            boxes.by_school(at)
        assert judged(boxes, 6.0) == (Cause.LINE, {"line_thin", "line_lags"})
        assert boxes.newest(6.0) == {"s1": BAD}
        if died:
            boxes.closed("e1", line, 7.0)
        gone_at = 7.0 if died else 16.0
        assert boxes.by_school(gone_at)["s1"] == Box(
            gone_at - (7.0 if died else 6.0), 0.0 if died else None
        )
        assert boxes.newest(gone_at) == {}
        for later_s in (10.0, 600.0):
            named = (Cause.EDGE, {"box_closed"}) if died else (Cause.LINE, {"box_untold"})
            assert judged(boxes, gone_at + later_s) == named


def judged(boxes: Boxes, now: float) -> tuple[Cause, set[str]]:
    verdict = judge(Known(box=boxes.by_school(now)["s1"]))
    assert verdict is not None
    return verdict.cause, {one.code for one in verdict.evidence}


@pytest.mark.parametrize(("gone_s", "thin_s"), [(1.0, 9.0), (4.0, 2.0)])
def test_a_line_stays_thin_while_its_box_dials_anew_at_once_and_begins_anew_later(
    gone_s: float, thin_s: float
) -> None:
    boxes = Boxes()
    boxes.told("e1", line := boxes.opened("e1", "s1", 0.0), BAD, 0.0)
    boxes.by_school(0.0)
    boxes.closed("e1", line, 3.0)
    boxes.by_school(3.0 + gone_s)
    line = boxes.opened("e1", "s1", 7.0)
    assert boxes.by_school(7.0)["s1"].thin_s is None
    boxes.told("e1", line, BAD, 7.0)
    assert boxes.by_school(7.0)["s1"].thin_s == thin_s - 2.0
    assert boxes.by_school(9.0)["s1"].thin_s == thin_s


def test_of_several_boxes_of_a_school_the_worst_is_told() -> None:
    boxes = Boxes()
    told(boxes, "e1")
    line = told(boxes, "e2")
    boxes.closed("e2", line, 1.0)
    assert boxes.by_school(9.0)["s1"].closed_s == 8.0
    boxes.keep({"e1"})
    assert boxes.by_school(9.0)["s1"].closed_s is None


def test_boxes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling_module, "BOXES_LIMIT", 2)
    boxes = Boxes()
    for number in range(3):
        told(boxes, f"e{number}", f"s{number}")
    assert set(boxes.by_school(0.0)) == set(boxes.newest(0.0)) == {"s1", "s2"}


@pytest.mark.parametrize(
    ("estimate_bps", "ceiling_bps", "line_bps"),
    [(8_000_000, 100_000, 100_000), (50_000, 100_000, 50_000), (None, 100_000, 100_000),
     (8_000_000, None, 8_000_000), (None, None, None)],
)  # fmt: skip
def test_a_line_is_what_its_box_may_use_of_it(
    estimate_bps: int | None, ceiling_bps: int | None, line_bps: int | None
) -> None:
    assert Telling(estimate_bps, ceiling_bps).line_bps == line_bps
