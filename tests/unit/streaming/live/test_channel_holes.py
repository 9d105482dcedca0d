"""What a channel makes of holes, encoders that start again, and renditions that come and go."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader
from streaming.live.channel import (
    HOLE_LIMIT_US,
    TARGET_DURATION_S,
    Channel,
)
from streaming.live.events import ChannelState, FragmentReady, RunStarted, StateChanged
from streaming.live.segments import Segment
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
    for segment in script.segments("aac"):
        own_s = segment.start_ts / 48_000
        assert segment.program_utc == pytest.approx(ANCHOR_UTC + own_s, abs=1 / 48_000)
    states = [e.state for e in script.events if isinstance(e, StateChanged)]
    assert states == [ChannelState.LIVE, ChannelState.AWAY, ChannelState.LIVE]


def held_over_a_hole() -> tuple[Script, list[Segment]]:
    """A publisher that is away from frame 71 to 360: ffmpeg lets frame 70 last until then."""
    script = Script().begin(HIGH)
    script.play(0, 70, ("720p",))
    data = cmaf.fragment(70 * FRAME_TS, (20,), 290 * FRAME_TS, False)
    script.take("720p", fragment_of(video_init(), data))
    script.play(360, 421, ("720p",))
    return script, [segment for segment in script.segments("720p") if not segment.gap]


def test_a_frame_that_lasts_over_the_hole_counts_as_one_frame() -> None:
    script, whole = held_over_a_hole()
    assert [s.duration_ts // FRAME_TS for s in whole] == [60, 11, 60]
    assert all(p.duration_ts <= 6 * FRAME_TS for p in script.parts("720p"))


def lasts_ts(data: bytes) -> int:
    items = CmafReader().feed(video_init().data + data)
    return sum(item.duration_ts for item in items if isinstance(item, Fragment))


def test_bytes_last_as_long_as_the_playlist_says() -> None:
    script, whole = held_over_a_hole()
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


@pytest.mark.parametrize("early", [1, 10, 40])
def test_sound_in_front_of_a_discontinuity_is_let_go(early: int) -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 75)
    first = -(-(75 + HOLE_LIMIT_US * 30 // 1_000_000) // 60) * 60 + 60
    script.play(first - early, first + 70)
    script.channel.end()
    for name in NAMES:
        found = script.segments(name)[:3]
        assert [(s.number, s.discontinuity) for s in found] == [(0, False), (1, False), (2, True)]
        scale = script.channel.tracks[name].scale(found[1])
        assert found[1].duration_ts / scale == pytest.approx(0.5, abs=0.03), "no segment lasts on"
    assert script.channel.tracks["aac"].dropped >= early * SOUND_HZ // 30 // PACKET_TS


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


@pytest.mark.parametrize("stops", range(52, 60))
def test_sound_in_large_fragments_that_stops_at_a_boundary_leaves_no_overlap(stops: int) -> None:
    """The last fragment goes on beyond where the picture's next segment begins."""
    script = Script().begin(*EVERYTHING)
    starts = [n for n in range(0, 400, 8) if not stops < n * PACKET_TS * 30 / SOUND_HZ < 130]
    for number in range(250):
        script.play(number, number + 1, ("720p", "360p"))
        while starts and starts[0] * PACKET_TS / SOUND_HZ < (number + 1) / 30:
            script.take("aac", packet(starts.pop(0), 8))
    assert any(segment.gap for segment in script.segments("aac"))
    for one, other in pairwise(script.segments("aac")):
        ends_utc = one.program_utc + one.duration_ts / 48_000
        assert ends_utc == pytest.approx(other.program_utc, abs=2e-4)


@given(
    st.lists(st.tuples(st.integers(0, 130), st.integers(1, 40)), max_size=4),
    st.lists(st.tuples(st.integers(0, 130), st.integers(1, 40)), max_size=4),
    st.integers(0, 60),
)
@example(pictures=[], sounds=[(40, 80)], sound_from=0)
@settings(max_examples=60)
def test_playlist_time_is_media_time_whatever_is_lost(
    pictures: list[tuple[int, int]], sounds: list[tuple[int, int]], sound_from: int
) -> None:
    """Frames that a busy machine loses, and sound that comes late or stops for a while."""
    lost = [
        {n for at, lasts in holes for n in range(at, at + lasts)} for holes in (pictures, sounds)
    ]
    script = Script().begin(*EVERYTHING)
    for number in range(200):
        names = ["720p", "360p"] if number not in lost[0] else []
        if number >= sound_from and number not in lost[1]:
            names.append("aac")
        script.play(number, number + 1, tuple(names))
    for name, scale in (("720p", 15_360), ("360p", 15_360), ("aac", 48_000)):
        segments = script.segments(name)
        for one, other in pairwise(segments):
            if not other.discontinuity:
                ends_utc = one.program_utc + one.duration_ts / scale
                assert ends_utc == pytest.approx(other.program_utc, abs=2e-4)
