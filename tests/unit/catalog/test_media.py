from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.media import (
    Media,
    MediaObject,
    Rendition,
    Segment,
    average_bps,
    contiguous_end_ts,
    peak_bps,
)

FIRST = MediaObject("a", 0, 700, 0, (100, 50), (40, 40), (30, 20))
SECOND = MediaObject("b", 2, 700, 80, (60,), (25,), (10,))
LATER = MediaObject("c", 5, 700, 200, (70,), (40,), (10,))
RENDITION = Rendition(
    "r", "1080p", Media.VIDEO, "avc1.640028", 10, b"init", 0, False, (FIRST, SECOND, LATER)
)


def test_segments_lie_one_behind_the_other_after_the_init() -> None:
    assert list(FIRST.segments()) == [
        Segment(0, "a", 700, 100, 0, 40, 30),
        Segment(1, "a", 800, 50, 40, 40, 20),
    ]


def test_without_keyframe_sizes_they_are_unknown() -> None:
    audio = replace(FIRST, keyframe_sizes=())
    assert [s.keyframe_bytes for s in audio.segments()] == [0, 0]
    assert audio.segment(1) == Segment(1, "a", 800, 50, 40, 40)


def test_only_segments_before_the_first_gap_are_announced() -> None:
    segments = RENDITION.segments()
    assert [s.number for s in segments] == [0, 1, 2]
    assert contiguous_end_ts(segments) == 105


@pytest.mark.parametrize("number", range(-1, 8))
def test_one_segment_is_found_as_the_walk_finds_it(number: int) -> None:
    walked = [s for item in RENDITION.objects for s in item.segments() if s.number == number]
    assert RENDITION.segment(number) == (walked[0] if walked else None)


def test_nothing_published_is_nothing_found() -> None:
    assert replace(RENDITION, objects=()).segment(0) is None
    assert average_bps([], 10) == 0
    assert contiguous_end_ts([]) == 0


def segments_of(*pairs: tuple[int, int]) -> list[Segment]:
    sizes, durations = zip(*pairs, strict=True)
    return list(MediaObject("k", 0, 0, 0, sizes, durations).segments())


def test_the_peak_is_of_runs_near_the_target_duration() -> None:
    # 4 s, 4 s, and a last scrap of 1 s: alone the scrap would be 800 b/s, but it is no run.
    segments = segments_of((100, 40), (200, 40), (100, 10))
    assert average_bps(segments, 10) == 356
    assert peak_bps(segments, 10, target_s=4) == 480


def test_a_scrap_alone_has_its_average_as_peak() -> None:
    assert peak_bps(segments_of((100, 10)), 10, target_s=4) == 800


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 100)), min_size=1, max_size=40))
def test_the_peak_is_never_below_what_a_whole_segment_needs(
    pairs: list[tuple[int, int]],
) -> None:
    segments = segments_of(*pairs)
    peak = peak_bps(segments, 10, target_s=10)
    for segment in segments:
        if 50 <= segment.duration_ts <= 150:
            assert peak >= 8 * segment.size_bytes * 10 / segment.duration_ts
