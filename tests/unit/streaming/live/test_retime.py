from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader
from streaming.live.retime import retime, shorten
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


def durations(data: bytes) -> list[int]:
    items = CmafReader().feed(cmaf.init() + data)
    return [item.duration_ts for item in items if isinstance(item, Fragment)]


def with_durations(*lasts_ts: int) -> bytes:
    """A fragment whose samples each say how long they last, how large they are, and more."""
    tfhd = cmaf.full(b"tfhd", 0, 0x2_0000, pack(">I", 1))
    tfdt = cmaf.full(b"tfdt", 1, 0, pack(">Q", 0))
    rows = b"".join(pack(">IIII", one, 4, 0, 0) for one in lasts_ts)

    def moof(offset: int) -> bytes:
        trun = cmaf.full(b"trun", 0, 0xF01, pack(">Ii", len(lasts_ts), offset), rows)
        return cmaf.box(b"moof", cmaf.box(b"traf", tfhd, tfdt, trun))

    return moof(len(moof(0)) + 8) + cmaf.box(b"mdat", bytes(4 * len(lasts_ts)))


def test_a_frame_that_lasts_over_a_hole_is_cut() -> None:
    long, whole = (cmaf.fragment(9_000, (20,), lasts_ts) for lasts_ts in (95_000, 512))
    assert shorten(PRFT + long, 94_488) == (PRFT + whole, 94_488)


def test_of_several_samples_only_the_last_is_cut() -> None:
    assert shorten(with_durations(1024, 1024, 90_000), 88_976) == (
        with_durations(1024, 1024, 1024), 88_976,
    )  # fmt: skip
    assert durations(with_durations(1024, 1024)) == [2048]


def test_a_sample_is_never_cut_to_nothing() -> None:
    assert shorten(with_durations(1024, 30), 1_000) == (with_durations(1024, 1), 29)
    assert shorten(with_durations(7), -3) == (with_durations(7), 0)


@pytest.mark.parametrize("data", [cmaf.fragment(0, (4, 4), 90_000), PRFT, b""])
def test_a_duration_that_several_share_stays(data: bytes) -> None:
    assert shorten(data, 1_000) == (data, 0)


@pytest.mark.parametrize("count", [0, 1, 2**32 - 1])
def test_a_table_that_ends_too_early_is_left_alone(count: int) -> None:
    trun = cmaf.full(b"trun", 0, 0x100, pack(">I", count))
    data = cmaf.box(b"moof", cmaf.box(b"traf", trun))
    assert shorten(data, 5) == (data, 0)
