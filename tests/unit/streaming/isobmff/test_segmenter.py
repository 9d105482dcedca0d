import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.segmenter import CmafSegment, Segmenter


def fragment(start_ts: int, duration_ts: int = 10, sync: bool = True) -> Fragment:
    return Fragment(start_ts, duration_ts, 1, sync, 3, b"<%d>" % start_ts)


def test_without_a_target_every_fragment_is_a_segment_at_once() -> None:
    segmenter = Segmenter()
    assert segmenter.push(fragment(0)) == CmafSegment(0, 10, 3, b"<0>")
    assert segmenter.push(fragment(10, 4)) == CmafSegment(10, 4, 3, b"<10>")
    assert segmenter.finish() is None


def test_fragments_are_joined_up_to_the_target() -> None:
    segmenter = Segmenter(target_ts=20)
    assert segmenter.push(fragment(0)) is None
    assert segmenter.push(fragment(10, sync=False)) == CmafSegment(0, 20, 3, b"<0><10>")
    assert segmenter.push(fragment(20)) is None
    assert segmenter.finish() == CmafSegment(20, 10, 3, b"<20>")


@pytest.mark.parametrize("start_ts", [9, 11])
def test_a_hole_or_an_overlap_is_refused(start_ts: int) -> None:
    segmenter = Segmenter()
    segmenter.push(fragment(0))
    with pytest.raises(BadMedia, match="the one before ended at 10"):
        segmenter.push(fragment(start_ts))


def test_a_segment_begins_with_a_sync_sample() -> None:
    segmenter = Segmenter()
    segmenter.push(fragment(0))
    with pytest.raises(BadMedia, match="no sync sample"):
        segmenter.push(fragment(10, sync=False))


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(0, 120), st.integers(0, 1000))
def test_no_byte_and_no_tick_is_lost(durations: list[int], target_ts: int, start_ts: int) -> None:
    segmenter = Segmenter(target_ts)
    given_, found = [], []
    end = start_ts
    for duration in durations:
        given_.append(fragment(end, duration))
        end += duration
        found.append(segmenter.push(given_[-1]))
    found.append(segmenter.finish())
    segments = [item for item in found if item is not None]
    assert b"".join(s.data for s in segments) == b"".join(f.data for f in given_)
    assert sum(s.duration_ts for s in segments) == end - start_ts
    assert all(s.duration_ts >= target_ts for s in segments[:-1])
