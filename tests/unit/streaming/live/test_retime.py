from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader
from streaming.live.retime import retime
from tests.support import cmaf

PRFT = cmaf.full(b"prft", 1, 0, pack(">IQQ", 1, 7, 9_000))
SEGMENT = PRFT + cmaf.fragment(9_000) + cmaf.fragment(10_536, sync=False)


def starts(data: bytes) -> list[int]:
    items = CmafReader().feed(cmaf.init() + data)
    return [item.start_ts for item in items if isinstance(item, Fragment)]


@given(st.integers(-9_000, 2**62))
def test_times_move_and_come_back(delta_ts: int) -> None:
    moved = retime(SEGMENT, delta_ts)
    assert starts(moved) == [9_000 + delta_ts, 10_536 + delta_ts]
    assert len(moved) == len(SEGMENT)
    assert retime(moved, -delta_ts) == SEGMENT


def test_a_producers_time_moves_with_it() -> None:
    assert retime(PRFT, 5) == cmaf.full(b"prft", 1, 0, pack(">IQQ", 1, 7, 9_005))


def test_nothing_to_move_is_the_same_object() -> None:
    assert retime(SEGMENT, 0) is SEGMENT


def test_short_times_have_an_end() -> None:
    old = cmaf.full(b"tfdt", 1, 0, pack(">Q", 0))
    short = cmaf.full(b"tfdt", 0, 0, pack(">I", 2**32 - 2))
    traf = cmaf.box(b"moof", cmaf.box(b"traf", short))
    assert len(short) == len(old) - 4
    assert retime(traf, 1) == traf.replace(b"\xff\xff\xff\xfe", b"\xff\xff\xff\xff")
    with pytest.raises(BadMedia, match="does not fit"):
        retime(traf, 2)


@pytest.mark.parametrize(
    "data",
    [SEGMENT[:-1], cmaf.box(b"moof"), cmaf.box(b"moof", cmaf.box(b"traf")),
     cmaf.box(b"moof", cmaf.box(b"traf", cmaf.box(b"tfdt"))), b"\0\0\0\1"],
)  # fmt: skip
def test_what_is_no_segment_is_refused(data: bytes) -> None:
    with pytest.raises(BadMedia):
        retime(data, 1)


def test_times_below_zero_are_refused() -> None:
    with pytest.raises(BadMedia, match="does not fit"):
        retime(SEGMENT, -9_001)
