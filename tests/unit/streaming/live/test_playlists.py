from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.hls.model import MediaPlaylist
from streaming.hls.parse import parse_media, parse_multivariant
from streaming.hls.render import render_media
from streaming.live.channel import TARGET_DURATION_S, Channel
from streaming.live.playlists import (
    LISTED_PARTS_SEGMENTS,
    TrackTexts,
    multivariant_text,
)
from tests.support.golden import Golden
from tests.support.live import EVERYTHING, HIGH, SOUND, Script, video_init


def shown(script: Script, name: str, skip: bool = False) -> str:
    texts = TrackTexts(script.channel, script.channel.tracks[name])
    return texts.text(skip)


def read(text: str) -> MediaPlaylist:
    return parse_media(text)


@pytest.fixture
def lesson() -> Script:
    """Three whole segments, four parts and a frame of the fourth."""
    script = Script().begin(*EVERYTHING)
    script.play(0, 180 + 26)
    return script


@pytest.mark.parametrize("name", ["720p", "360p", "aac"])
def test_a_media_playlist(golden: Golden, lesson: Script, name: str) -> None:
    golden.check(f"hls/live-{name}.m3u8", shown(lesson, name))


def test_the_multivariant_playlist(golden: Golden, lesson: Script) -> None:
    text = multivariant_text(lesson.channel, "t/token/")
    golden.check("hls/live-multivariant.m3u8", text)
    found = parse_multivariant(text)
    assert [v.name for v in found.variants] == ["360p", "720p", "aac"]


def test_sound_alone_is_a_variant_of_its_own() -> None:
    script = Script().begin(SOUND)
    script.play(0, 130, ("aac",))
    found = parse_multivariant(multivariant_text(script.channel))
    assert [(v.name, v.codecs, v.resolution_px) for v in found.variants] == [
        ("aac", ("mp4a.40.2",), None)
    ]


def test_the_end(golden: Golden, lesson: Script) -> None:
    lesson.events += lesson.channel.end()
    golden.check("hls/live-ended.m3u8", shown(lesson, "720p"))


def test_other_parameters_and_a_hole(golden: Golden) -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 75)
    script.channel.begin(EVERYTHING)
    for name in ("720p", "360p"):
        script.take(name, video_init(0x4D))
    script.play(360, 430)
    golden.check("hls/live-discontinuity.m3u8", shown(script, "720p"))
    found = read(shown(script, "720p"))
    assert found.segments[4].map_uri == "720p/init-1.mp4"
    assert [s.discontinuity for s in found.segments] == [False, False, False, False, True]


def test_after_a_hole_the_hint_knows_where_a_segment_will_end() -> None:
    script = Script().begin(HIGH)
    script.play(0, 75, ("720p",))
    script.play(360, 418, ("720p",))
    assert read(shown(script, "720p")).preload_uri == "720p/4.9.m4s"
    script.play(418, 420, ("720p",))
    assert read(shown(script, "720p")).preload_uri == "720p/5.0.m4s"


@pytest.mark.parametrize("name", ["720p", "aac"])
def test_a_hole(golden: Golden, name: str) -> None:
    script = Script().begin(*EVERYTHING)
    script.play(0, 75)
    script.play(350, 430)
    golden.check(f"hls/live-hole-{name}.m3u8", shown(script, name))
    found = read(shown(script, name))
    begins_ms = [s.program_ms or 0 for s in found.segments]
    lasts_us = sum(s.duration_us for s in found.segments[:4])
    assert lasts_us / 1000 == pytest.approx(begins_ms[4] - begins_ms[0], abs=22)


def test_a_discontinuity_of_the_open_segment_is_told_with_its_first_part() -> None:
    script = Script().begin(HIGH)
    script.play(0, 75, ("720p",))
    script.take("720p", video_init(0x4D))
    script.play(120, 130, ("720p",))
    found = read(shown(script, "720p"))
    assert found.open is not None
    assert (found.open.discontinuity, found.open.map_uri) == (True, "720p/init-1.mp4")


def test_a_delta_update_leaves_out_what_is_old(golden: Golden) -> None:
    script = Script().begin(HIGH)
    script.play(0, 60 * 24 + 10, ("720p",))
    delta, whole = read(shown(script, "720p", skip=True)), read(shown(script, "720p"))
    golden.check("hls/live-delta.m3u8", shown(script, "720p", skip=True))
    assert (len(whole.segments), delta.skipped) == (24, 6)
    assert whole.segments[6:] == delta.segments
    assert (delta.open, delta.open_number) == (whole.open, whole.open_number)
    assert sum(s.duration_us for s in delta.segments) >= 6 * TARGET_DURATION_S * 1_000_000


def test_what_is_short_has_nothing_to_skip(lesson: Script) -> None:
    assert shown(lesson, "720p", skip=True) == shown(lesson, "720p")


def test_without_a_store_the_first_number_moves() -> None:
    script = Script(Channel(rewinds=False)).begin(HIGH)
    texts = TrackTexts(script.channel, script.channel.tracks["720p"])
    for second in range(0, 26, 2):
        script.play(30 * second, 30 * second + 60, ("720p",))
        if second:
            found = read(texts.text())
            track = script.channel.tracks["720p"]
            assert found.first_number == track.first_number
            assert [s.uri for s in found.segments] == [
                f"720p/{s.number}.m4s" for s in track.segments
            ]
    assert script.channel.tracks["720p"].first_number == 4


def test_only_the_newest_segments_list_their_parts(lesson: Script) -> None:
    lesson.play(206, 60 * 9 + 20)
    found = read(shown(lesson, "720p"))
    assert [bool(s.parts) for s in found.segments] == [False] * 5 + [True] * LISTED_PARTS_SEGMENTS
    assert found.preload_uri == "720p/9.3.m4s"


@pytest.mark.parametrize(("frames", "hint"), [(234, "720p/3.9.m4s"), (240, "720p/4.0.m4s")])
def test_the_hint_knows_where_a_segment_will_end(lesson: Script, frames: int, hint: str) -> None:
    lesson.play(206, frames)
    assert read(shown(lesson, "720p")).preload_uri == hint


@given(st.lists(st.integers(1, 100), min_size=1, max_size=12), st.booleans())
def test_a_kept_text_is_what_rendering_anew_gives(steps: list[int], rewinds: bool) -> None:
    script = Script(Channel(rewinds=rewinds)).begin(HIGH)
    texts = TrackTexts(script.channel, script.channel.tracks["720p"])
    at = 0
    for step in steps:
        script.play(at, at + step, ("720p",))
        at += step
        for skip in (False, True):
            if script.segments("720p"):
                assert texts.text(skip) == render_media(texts.playlist(skip))
    if script.segments("720p"):
        parse_media(texts.text())
