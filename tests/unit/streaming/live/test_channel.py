"""A channel's grid: parts and segments, the same in all renditions, and the window of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import Ended
from streaming.isobmff.fragment import Fragment
from streaming.live.channel import (
    TARGET_DURATION_S,
    Channel,
)
from streaming.live.events import ChannelState, FragmentReady, StateChanged
from streaming.live.port import LiveRendition
from streaming.live.track import WINDOW_SEGMENTS
from tests.support import cmaf
from tests.support.live import (
    ANCHOR_UTC,
    EVERYTHING,
    FRAME_TS,
    HIGH,
    PACKET_TS,
    SOUND,
    Script,
    frame,
    packet,
)


def test_a_segment_is_two_seconds_and_a_part_a_fifth() -> None:
    script = Script().begin(HIGH)
    script.play(0, 121, ("720p",))
    assert script.grid("720p") == [(0, 0.0, 2.0), (1, 2.0, 2.0)]
    parts = script.parts("720p")
    assert [(p.number, p.index) for p in parts] == [(n, i) for n in (0, 1) for i in range(10)]
    assert {p.duration_ts for p in parts} == {6 * FRAME_TS}
    assert [p.independent for p in parts] == ([True] + [False] * 9) * 2
    first = script.segments("720p")[0]
    assert first.data == b"".join(p.data for p in first.parts)
    assert first.data == b"".join(frame(n, n == 0).data for n in range(60))
    assert first.keyframe_bytes == frame(0, True).first_sample_end


def test_a_part_is_out_with_its_last_frame() -> None:
    script = Script().begin(HIGH)
    script.play(0, 5, ("720p",))
    assert script.parts("720p") == []
    script.play(5, 6, ("720p",))
    assert len(script.parts("720p")) == 1


@pytest.mark.parametrize(
    ("rate", "frames"),
    [((30, 1), 6), ((25, 1), 5), ((24, 1), 5), ((60, 1), 12), ((30_000, 1001), 6), ((15, 1), 3),
     ((10, 1), 2), ((7, 1), 1), ((3, 1), 1)],
)  # fmt: skip
def test_parts_keep_to_their_target_at_any_rate(rate: tuple[int, int], frames: int) -> None:
    frame_ts = cmaf.TIMESCALE * rate[1] // rate[0]
    script = Script(gop=-(-2 * rate[0] // rate[1]))
    script.begin(LiveRendition("720p", HIGH.media, 0, 1, rate))
    for number in range(8 * script.gop + 1):
        script.take("720p", frame(number, number % script.gop == 0, frame_ts))
    target_ts = script.channel.tracks["720p"].part_target_ts
    assert target_ts == pytest.approx(frames * frame_ts, abs=frames)
    lasts = {(s.number, len(s.parts) - 1) for s in script.segments("720p")}
    for part in script.parts("720p"):
        assert part.duration_ts <= target_ts
        if (part.number, part.index) not in lasts:
            assert part.duration_ts >= 0.85 * target_ts


@pytest.mark.parametrize(
    ("gop", "segments"), [(60, 60), (30, 60), (15, 60), (45, 45), (57, 57), (120, 120), (21, 63)]
)
def test_a_segment_begins_at_the_keyframe_nearest_to_two_seconds(gop: int, segments: int) -> None:
    script = Script(gop=gop).begin(HIGH)
    script.play(0, 3 * segments + 1, ("720p",))
    assert [s.duration_ts for s in script.segments("720p")] == [segments * FRAME_TS] * 3


@given(st.lists(st.integers(1, 125), min_size=3, max_size=12))
def test_no_segment_is_longer_than_the_target_duration(gops: list[int]) -> None:
    script = Script().begin(HIGH)
    number = 0
    for gop in gops:
        for index in range(gop):
            script.take("720p", frame(number + index, index == 0))
        number += gop
    for _, _, duration_s in script.grid("720p"):
        assert round(duration_s) <= TARGET_DURATION_S


def test_all_renditions_share_the_grid() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 300)
    high, low, sound = (script.grid(name) for name in ("720p", "360p", "aac"))
    assert [row[0] for row in high] == [0, 1, 2, 3]
    assert low == high[: len(low)]
    for (number, start_s, _), row in zip(sound, high, strict=False):
        assert number == row[0]
        assert row[1] <= start_s < row[1] + PACKET_TS / 48_000
    starts = [s.start_ts + s.duration_ts for s in script.segments("aac")]
    assert starts[:-1] == [s.start_ts for s in script.segments("aac")][1:]
    program = {s.program_utc for name in ("720p", "360p") for s in script.segments(name)}
    assert program == {ANCHOR_UTC + n for n in (0, 2, 4, 6)}


def test_program_time_is_that_of_a_renditions_own_first_sample() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 100, ("720p", "360p"))
    script.play(100, 300)
    found = script.segments("aac")
    assert [s.number for s in found][:2] == [1, 2]
    assert found[0].duration_ts < 48_000, "sound that began in the middle of a segment"
    for segment in found:
        own_s = segment.start_ts / 48_000
        assert segment.program_utc == pytest.approx(ANCHOR_UTC + own_s, abs=1e-5)


@given(st.permutations(range(3)), st.integers(0, 90), st.integers(1, 70))
def test_however_the_pipes_race_the_segments_are_the_same(
    order: list[int], lead: int, step: int
) -> None:
    steady = Script().begin(*EVERYTHING)
    steady.play(0, 240)
    steady.events += steady.channel.end()
    raced = Script().begin(*EVERYTHING)
    pieces: dict[str, list[Fragment]] = {"720p": [], "360p": [], "aac": []}
    for name in ("720p", "360p"):
        pieces[name] = [frame(n, n % 60 == 0) for n in range(240)]
    pieces["aac"] = [packet(n) for n in range(-(-240 * 1600 // PACKET_TS))]
    names = [list(pieces)[index] for index in order]
    for item in pieces[names[0]][:lead]:
        raced.take(names[0], item)
    pieces[names[0]] = pieces[names[0]][lead:]
    while any(pieces.values()):
        for name in names:
            for item in pieces[name][:step]:
                raced.take(name, item)
            pieces[name] = pieces[name][step:]
    raced.events += raced.channel.end()
    for name in pieces:
        assert raced.segments(name) == steady.segments(name)


def test_sound_waits_for_the_picture_and_begins_with_it() -> None:
    script = Script().begin(HIGH, SOUND)
    for number in range(60):
        script.take("aac", packet(number))
    assert script.parts("aac") == []
    script.frames(10, 60, "720p")
    assert not script.events
    script.frames(60, 90, "720p")
    placed = [e.fragment for e in script.events
              if isinstance(e, FragmentReady) and e.track.name == "aac"]  # fmt: skip
    assert placed == []
    for number in range(60, 100):
        script.take("aac", packet(number))
    first = next(e.fragment for e in script.events
                 if isinstance(e, FragmentReady) and e.track.name == "aac")  # fmt: skip
    assert first.start_ts / 48_000 == pytest.approx(2.0, abs=0.022)


def test_sound_alone_has_a_grid_of_its_own() -> None:
    script = Script().begin(SOUND)
    for number in range(300):
        script.take("aac", packet(number))
    for _, _, duration_s in script.grid("aac"):
        assert duration_s == pytest.approx(2, abs=0.011)
    lasts = {(s.number, len(s.parts) - 1) for s in script.segments("aac")}
    for part in script.parts("aac"):
        assert 0.17 <= part.duration_ts / 48_000 <= 0.2 or (part.number, part.index) in lasts


def test_long_fragments_of_sound_are_parts_of_their_own() -> None:
    script = Script().begin(SOUND)
    for number in range(0, 400, 10):
        script.take("aac", packet(number, 10))
    assert {p.duration_ts for p in script.parts("aac")} == {10 * PACKET_TS}


def test_the_window_keeps_bytes_and_the_rest_is_known() -> None:
    script = Script(gop=15).begin(HIGH)
    script.play(0, 60 * 12 + 1, ("720p",))
    track = script.channel.tracks["720p"]
    held = [s.number for s in track.segments if s.data]
    assert held == list(range(12 - WINDOW_SEGMENTS, 12))
    assert [s.size_bytes > 0 for s in track.segments] == [True] * 12
    assert track.segment(0) is not None
    assert track.segment(12) is None


def test_without_a_store_the_window_slides() -> None:
    script = Script(Channel(rewinds=False), gop=15).begin(HIGH)
    script.play(0, 60 * 12 + 1, ("720p",))
    track = script.channel.tracks["720p"]
    assert [s.number for s in track.segments] == list(range(4, 12))
    assert track.segment(3) is None
    assert track.segment(4) is not None


def test_the_end_closes_everything_and_nothing_follows() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 90)
    script.events += script.channel.end()
    assert [s.duration_ts for s in script.segments("360p")] == [60 * FRAME_TS, 30 * FRAME_TS]
    assert script.events[-1] == StateChanged(ChannelState.ENDED)
    for act in (script.channel.end, script.channel.interrupted, script.channel.resumed):
        with pytest.raises(Ended):
            act()
    with pytest.raises(Ended):
        script.take("720p", frame(90, False))
