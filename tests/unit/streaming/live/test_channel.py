from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import BadMedia, Ended
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader
from streaming.live.channel import (
    GRID_LIMIT,
    HELD_LIMIT_US,
    HOLE_LIMIT_US,
    RENDITIONS_LIMIT,
    TARGET_DURATION_S,
    Channel,
)
from streaming.live.events import ChannelState, FragmentReady, RunStarted, StateChanged
from streaming.live.port import LiveRendition
from streaming.live.track import (
    BACKWARDS_LIMIT,
    FRAGMENT_LIMIT_BYTES,
    RUNS_LIMIT,
    SEGMENT_LIMIT_BYTES,
    WINDOW_SEGMENTS,
)
from tests.support import cmaf
from tests.support.live import (
    ANCHOR_UTC,
    EVERYTHING,
    FRAME_TS,
    HIGH,
    LOW,
    PACKET_TS,
    SOUND,
    SOUND_HZ,
    Script,
    fragment_of,
    frame,
    packet,
    sound_init,
    video_init,
)

NAMES = ("720p", "360p", "aac")


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
    program = {s.program_utc for name in ("720p", "360p", "aac") for s in script.segments(name)}
    assert program == {ANCHOR_UTC + n for n in (0, 2, 4, 6)}


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


def test_a_hole_is_filled_with_gaps_and_is_no_discontinuity() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 75)
    script.events += script.channel.interrupted()
    script.play(360, 480)
    script.events += script.channel.resumed()
    script.play(480, 500)
    low, high = script.grid("360p"), script.grid("720p")
    assert [n for n, _, _ in high] == [0, 1, 2, 3, 4, 5]
    assert [s.gap for s in script.segments("720p")] == [False, False, True, True, False, False]
    assert [s for _, s, _ in high] == pytest.approx([0, 2, 2.5, 7.25, 12, 14], abs=0.02)
    assert script.segments("720p")[1].duration_ts == 15 * FRAME_TS
    assert low == high
    assert [s.gap for s in script.segments("aac")] == [s.gap for s in script.segments("720p")]
    assert not any(s.discontinuity for s in script.segments("720p"))
    assert script.segments("aac")[4].program_utc == ANCHOR_UTC + 12
    states = [e.state for e in script.events if isinstance(e, StateChanged)]
    assert states == [ChannelState.LIVE, ChannelState.AWAY, ChannelState.LIVE]


def test_a_frame_that_lasts_over_the_hole_counts_as_one_frame() -> None:
    script = Script().begin(HIGH)
    script.play(0, 70, ("720p",))
    data = cmaf.fragment(70 * FRAME_TS, (20,), 290 * FRAME_TS, False)
    script.take("720p", fragment_of(video_init(), data))
    script.play(360, 421, ("720p",))
    whole = [s for s in script.segments("720p") if not s.gap]
    assert [s.duration_ts // FRAME_TS for s in whole] == [60, 11, 60]
    assert all(p.duration_ts <= 6 * FRAME_TS for p in script.parts("720p"))


def lasts_ts(data: bytes) -> int:
    items = CmafReader().feed(video_init().data + data)
    return sum(item.duration_ts for item in items if isinstance(item, Fragment))


def test_bytes_last_as_long_as_the_playlist_says() -> None:
    script = Script().begin(HIGH)
    script.play(0, 70, ("720p",))
    data = cmaf.fragment(70 * FRAME_TS, (20,), 290 * FRAME_TS, False)
    script.take("720p", fragment_of(video_init(), data))
    script.play(360, 421, ("720p",))
    whole = [s for s in script.segments("720p") if not s.gap]
    assert [lasts_ts(s.data) for s in whole] == [s.duration_ts for s in whole]
    sent = [e.fragment for e in script.events if isinstance(e, FragmentReady)]
    assert {f.duration_ts for f in sent} == {FRAME_TS}
    assert b"".join(f.data for f in sent[:71]) == b"".join(s.data for s in whole[:2])


def assert_uninterrupted(script: Script) -> None:
    """A segment begins where the one before it ended, in every rendition."""
    for name in script.channel.tracks:
        for (_, start_s, lasts_s), (_, next_s, _) in pairwise(script.grid(name)):
            assert start_s + lasts_s == pytest.approx(next_s, abs=0.022), name


@pytest.mark.parametrize("away", [30, 45, 90, 300, 899])
@pytest.mark.parametrize("tail", [-12, 0, 9])
def test_times_go_on_over_a_hole(away: int, tail: int) -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 75, ("720p", "360p"))
    for number in range(-(-(75 + tail) * SOUND_HZ // 30 // PACKET_TS)):
        script.take("aac", packet(number))
    first = -(-(75 + away) // 60) * 60
    script.play(first, first + 130)
    assert_uninterrupted(script)
    longest_s = max(lasts_s for name in NAMES for _, _, lasts_s in script.grid(name))
    assert longest_s < TARGET_DURATION_S + 0.5
    assert [s.number for s in script.segments("aac")] == [s.number for s in script.segments("720p")]


def test_sound_in_front_of_the_first_keyframe_is_let_go() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 75)
    script.play(350, 500)
    assert script.grid("720p")[4][1] == 12.0
    assert_uninterrupted(script)
    assert script.channel.tracks["aac"].dropped > 0


def test_sound_that_goes_on_leaves_no_hole() -> None:
    script = Script().begin(HIGH, SOUND)
    script.play(0, 75, ("720p", "aac"))
    for number in range(118, 188):
        script.take("aac", packet(number))
    script.play(120, 190, ("720p", "aac"))
    assert not any(s.gap for name in ("720p", "aac") for s in script.segments(name))
    sound = script.grid("aac")
    assert [n for n, _, _ in sound] == [0, 1, 2]
    assert sound[0][2] + sound[1][2] == pytest.approx(4, abs=0.022)


def test_what_is_too_long_for_gaps_is_a_discontinuity() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 75)
    first = -(-(75 + HOLE_LIMIT_US * 30 // 1_000_000) // 60) * 60 + 60
    script.play(first, first + 70)
    for name in NAMES:
        found = script.segments(name)
        assert [(s.number, s.discontinuity) for s in found] == [(0, False), (1, False), (2, True)]


def test_after_a_hole_the_picture_waits_for_its_keyframe() -> None:
    script = Script().begin(HIGH)
    script.play(0, 61, ("720p",))
    script.frames(100, 121, "720p")
    found = [(s.start_ts // FRAME_TS, s.gap) for s in script.segments("720p")]
    assert found == [(0, False), (60, False), (60, True)]
    assert script.channel.tracks["720p"].dropped == 20


def restart(script: Script, profile: int, first: int) -> None:
    script.channel.begin(EVERYTHING)
    for name in ("360p", "720p"):
        script.take(name, video_init(profile))
    script.take("aac", sound_init())
    script.play(first, first + 121)


def test_the_same_encoder_again_changes_nothing() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 100)
    restart(script, 0x64, 120)
    assert [s.discontinuity for s in script.segments("720p")] == [False] * 5
    assert [len(t.runs) for t in script.channel.tracks.values()] == [1, 1, 1]


def test_other_codec_parameters_are_a_discontinuity_everywhere() -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 100)
    restart(script, 0x4D, 120)
    for name in ("720p", "360p", "aac"):
        found = [(s.discontinuity, s.gap) for s in script.segments(name)][:4]
        assert found == [(False, False), (False, False), (False, True), (True, False)], name
    assert [s.run for s in script.segments("720p")] == [0, 0, 0, 1, 1]
    assert [s.run for s in script.segments("aac")][:4] == [0, 0, 0, 0]
    runs = [(e.track.name, e.run.number) for e in script.events if isinstance(e, RunStarted)]
    assert sorted(runs) == [("360p", 0), ("360p", 1), ("720p", 0), ("720p", 1), ("aac", 0)]


def test_a_follower_that_changes_alone_waits_for_the_next_boundary() -> None:
    script = Script().begin(HIGH, LOW)
    script.play(0, 70, ("720p", "360p"))
    script.take("360p", video_init(0x4D))
    script.play(70, 181, ("720p", "360p"))
    for name in ("720p", "360p"):
        assert [s.discontinuity for s in script.segments(name)][:3] == [False, False, True], name
    assert script.segments("360p")[1].duration_ts == 10 * FRAME_TS


def test_a_rung_that_was_missing_says_so_with_gaps() -> None:
    script = Script().begin(HIGH, LOW)
    script.play(0, 61, ("720p", "360p"))
    script.frames(61, 240, "720p")
    script.play(240, 310, ("720p", "360p"))
    low = script.segments("360p")
    assert [(s.number, s.gap) for s in low] == [(0, False), (1, False), (2, True), (3, True),
                                                (4, False)]  # fmt: skip
    assert [s.start_ts for s in low[2:4]] == [120 * FRAME_TS, 180 * FRAME_TS]
    assert {s.duration_ts for s in low[2:4]} == {60 * FRAME_TS}


def test_a_rendition_may_come_later_and_may_go() -> None:
    script = Script().begin(HIGH)
    script.play(0, 70, ("720p",))
    script.begin(HIGH, LOW)
    script.frames(120, 190, "720p", "360p")
    script.frames(190, 240, "720p", "360p")
    assert [n for n, _, _ in script.grid("360p")] == [3]
    script.begin(LOW)
    script.frames(240, 301, "360p")
    numbers = [n for n, _, _ in script.grid("360p")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    with pytest.raises(BadMedia, match="not announced"):
        script.take("720p", frame(0, True))


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


def test_a_restarted_channel_goes_on_counting() -> None:
    first = Script().begin(HIGH)
    first.play(0, 121, ("720p",))
    kept = first.segments("720p")
    again = Script(Channel(first_number=2))
    again.channel.restore(HIGH, video_init(), kept)
    again.begin(HIGH)
    again.play(180, 301, ("720p",))
    assert [n for n, _, _ in again.grid("720p")] == [2, 3, 4]
    track = again.channel.tracks["720p"]
    assert [(s.number, s.gap) for s in track.segments] == [(n, n == 2) for n in range(5)]
    assert not any(s.discontinuity for s in track.segments)


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
