"""What a channel refuses, drops or lets go: encoders that are broken, and whatever may come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.live.admission import BACKWARDS_LIMIT, FRAGMENT_LIMIT_BYTES
from streaming.live.channel import (
    GRID_LIMIT,
    HELD_LIMIT_US,
    RENDITIONS_LIMIT,
)
from streaming.live.port import LiveRendition
from streaming.live.track import (
    RUNS_LIMIT,
    SEGMENT_LIMIT_BYTES,
)
from tests.support import cmaf
from tests.support.live import (
    FRAME_TS,
    HIGH,
    LOW,
    PACKET_TS,
    SOUND,
    Script,
    fragment_of,
    frame,
    packet,
    sound_init,
    video_init,
)


def test_times_that_run_backwards_are_dropped_and_then_refused() -> None:
    script = Script().begin(HIGH)
    script.play(0, 61, ("720p",))
    script.play(30, 60, ("720p",))
    assert script.channel.tracks["720p"].dropped == 30
    script.play(61, 121, ("720p",))
    whole = [s for s in script.segments("720p") if not s.gap]
    assert [s.start_ts // FRAME_TS for s in whole] == [0, 60]
    for _ in range(BACKWARDS_LIMIT):
        script.take("720p", frame(0, True))
    with pytest.raises(BadMedia, match="backwards"):
        script.take("720p", frame(0, True))


@pytest.mark.parametrize("first", [0, 1])
def test_a_picture_without_keyframes_is_refused(first: int) -> None:
    script = Script(gop=100_000).begin(HIGH)
    script.frames(first, 127, "720p")
    with pytest.raises(BadMedia, match="no keyframe for"):
        script.frames(127, 129, "720p")


def test_a_rung_off_the_grid_is_refused() -> None:
    script = Script().begin(HIGH, LOW)
    script.play(0, 60, ("720p", "360p"))
    script.frames(60, 120, "720p")
    for number in range(60, 68):
        script.take("360p", frame(number, False))
    with pytest.raises(BadMedia, match="where the first rung has one"):
        script.take("360p", frame(68, False))


def test_sound_far_ahead_of_the_picture_is_let_go() -> None:
    script = Script().begin(HIGH, SOUND)
    packets = HELD_LIMIT_US * 48_000 // 1_000_000 // PACKET_TS
    for number in range(packets + 100):
        script.take("aac", packet(number))
    assert script.channel.tracks["aac"].dropped == pytest.approx(100, abs=2)


def test_what_is_too_large_or_unknown_is_refused() -> None:
    script = Script()
    with pytest.raises(BadMedia, match="not announced"):
        script.take("720p", video_init())
    script.begin(HIGH)
    with pytest.raises(BadMedia, match="not announced"):
        script.take("360p", video_init())
    with pytest.raises(BadMedia, match="bytes"):
        script.take("720p", frame(0, True, size=FRAGMENT_LIMIT_BYTES))
    with pytest.raises(BadMedia, match="soun track"):
        script.take("720p", sound_init())
    with pytest.raises(BadMedia, match="was video before"):
        script.channel.begin([LiveRendition("720p", SOUND.media, 0, 1)])
    many = [LiveRendition(str(n), HIGH.media, n, 1) for n in range(RENDITIONS_LIMIT)]
    with pytest.raises(BadMedia, match="more than"):
        script.channel.begin(many)
    for wrong in ([], [HIGH, HIGH], [LiveRendition("../x", HIGH.media, 0, 1)]):
        with pytest.raises(BadMedia, match="names of their own"):
            script.channel.begin(wrong)


def test_a_segment_has_a_largest_size() -> None:
    script = Script().begin(HIGH)
    size = FRAGMENT_LIMIT_BYTES - 1000
    many = SEGMENT_LIMIT_BYTES // size
    pieces = [cmaf.fragment(n * FRAME_TS, (size,), FRAME_TS, n == 0) for n in range(many + 1)]
    for data in pieces[:many]:
        script.take("720p", fragment_of(video_init(), data))
    with pytest.raises(BadMedia, match="a segment of more than"):
        script.take("720p", fragment_of(video_init(), pieces[many]))


def test_an_encoder_cannot_be_set_up_anew_for_ever() -> None:
    script = Script().begin(HIGH)
    for number in range(RUNS_LIMIT):
        timescale = 1000 + number
        script.take("720p", video_init(0x64, timescale))
        start_ts = -(-number * timescale // 25)
        data = cmaf.fragment(start_ts, (20,), timescale // 30, True)
        script.take("720p", fragment_of(video_init(), data))
    assert len(script.channel.tracks["720p"].runs) == RUNS_LIMIT
    with pytest.raises(BadMedia, match="initialization sections"):
        script.take("720p", video_init(0x4D))


def test_a_rung_that_was_away_for_too_long_begins_anew() -> None:
    script = Script().begin(HIGH, LOW)
    script.play(0, 61, ("720p", "360p"))
    away = 60 * (GRID_LIMIT + 5)
    for number in range(61, away):
        script.take("720p", frame(number, number % 60 == 0))
    script.play(away, away + 61, ("720p", "360p"))
    low = script.channel.tracks["360p"]
    assert [s.number for s in low.segments] == [GRID_LIMIT + 5]
    assert not any(s.gap for s in low.segments)


def test_a_fragment_before_its_init_is_refused() -> None:
    script = Script()
    script.channel.begin([HIGH])
    with pytest.raises(BadMedia, match="before the initialization section"):
        script.take("720p", frame(0, True))


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 5000), st.booleans()), max_size=80))
def test_whatever_comes_the_timeline_stays_in_order(pieces: list[tuple[int, int, bool]]) -> None:
    script = Script().begin(HIGH)
    try:
        for number, duration_ts, sync in pieces:
            data = cmaf.fragment(number * FRAME_TS, (20,), duration_ts, sync)
            script.take("720p", fragment_of(video_init(), data))
    except BadMedia:
        pass
    target_ts = script.channel.tracks["720p"].part_target_ts
    parts = script.parts("720p")
    assert all(0 < p.duration_ts <= target_ts for p in parts)
    for before, after in pairwise(parts):
        assert before.start_ts < after.start_ts
    segments = script.segments("720p")
    assert [s.number for s in segments] == list(range(len(segments)))
