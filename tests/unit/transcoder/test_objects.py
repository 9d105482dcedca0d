"""Segments gathered into objects: schedule, grid, short ends, resumed streams."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.errors import BadMedia
from tests.support.media import GOP_FRAMES, Recipe, encoded
from transcoder.objects import (
    LONGEST_OBJECT_SEGMENTS,
    Close,
    Grid,
    OffGrid,
    TrackCutter,
    Write,
    object_segments,
)

VIDEO = Grid(Fraction(GOP_FRAMES, 25), True)
SOUND = Grid(Fraction(2), False)


def schedule(segments: int) -> list[int]:
    """Numbers at which the objects of a lesson begin."""
    starts = [0]
    while starts[-1] < segments:
        starts.append(starts[-1] + object_segments(starts[-1]))
    return starts[:-1]


def test_objects_grow_with_what_lies_before_them() -> None:
    assert schedule(30) == [0, 1, 2, 3, 4, 6, 9, 13, 19, 28]


def test_a_lesson_of_any_length_is_a_handful_of_objects() -> None:
    assert len(schedule(45 * 60 // 8)) <= 18
    assert max(object_segments(n) for n in range(5000)) == LONGEST_OBJECT_SEGMENTS


def cut(cutter: TrackCutter, data: bytes, step: int = 1 << 16) -> tuple[list[Close], list[bytes]]:
    """Feed a whole stream; give what was closed and the bytes of each object."""
    steps: list[Write | Close] = []
    for start in range(0, len(data), step):
        steps += cutter.feed(data[start : start + step])
    steps += cutter.finish()
    closed, bodies, body = [], [], b""
    for item in steps:
        if isinstance(item, Write):
            body += item.data
        else:
            closed.append(item)
            bodies.append(body)
            body = b""
    assert not body
    return closed, bodies


def test_seven_seconds_of_video() -> None:
    closed, bodies = cut(TrackCutter(VIDEO, 0, 0), encoded(Recipe("h264")))
    assert [(c.first_number, len(c.sizes)) for c in closed] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    scale = closed[0].init.track.timescale
    assert [c.base_ts for c in closed] == [0, 2 * scale, 4 * scale, 6 * scale]
    assert closed[-1].durations_ts == (scale,)
    for item, body in zip(closed, bodies, strict=True):
        assert len(body) == len(item.init.data) + sum(item.sizes)
        assert body.startswith(item.init.data)


@settings(deadline=None)
@given(st.integers(20, 50_000))
def test_pieces_do_not_matter(step: int) -> None:
    data = encoded(Recipe("aac"))
    whole, bodies = cut(TrackCutter(SOUND, 0, 0), data)
    assert cut(TrackCutter(SOUND, 0, 0), data, step) == (whole, bodies)


def test_what_is_published_is_passed_over() -> None:
    whole, bodies = cut(TrackCutter(SOUND, 0, 0), encoded(Recipe("aac")))
    rest, later = cut(TrackCutter(SOUND, 0, 2), encoded(Recipe("aac")))
    assert (rest, later) == (whole[2:], bodies[2:])


def test_sound_has_its_own_timeline_without_a_gap() -> None:
    closed, _ = cut(TrackCutter(SOUND, 0, 0), encoded(Recipe("aac")))
    durations = [ticks for item in closed for ticks in item.durations_ts]
    starts = [item.base_ts for item in closed]
    assert starts == list(accumulate(durations[:-1], initial=0))
    assert all(ticks >= 2 * 48_000 for ticks in durations[:-1])


def test_a_short_segment_waits_for_a_good_end() -> None:
    cutter = TrackCutter(VIDEO, 0, 0)
    steps = cutter.feed(encoded(Recipe("h264")))
    assert [type(item) for item in steps] == [Write, Close] * 3
    assert [type(item) for item in cutter.finish()] == [Write, Close]


def test_a_stream_off_the_grid_is_refused() -> None:
    with pytest.raises(OffGrid, match="segment 5 begins at 0"):
        cut(TrackCutter(VIDEO, 5, 5), encoded(Recipe("h264")))
    with pytest.raises(OffGrid, match="lasts"):
        cut(TrackCutter(Grid(Fraction(1), True), 0, 0), encoded(Recipe("h264")))
    with pytest.raises(OffGrid, match="follows a short one"):
        cut(TrackCutter(Grid(Fraction(3), True), 0, 0), encoded(Recipe("h264")))


def test_a_stream_that_breaks_off_is_refused() -> None:
    with pytest.raises(BadMedia):
        cut(TrackCutter(VIDEO, 0, 0), encoded(Recipe("h264"))[:-100])
