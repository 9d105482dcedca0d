"""Kinds, loudness, cuts and whole plans."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from transcoder.classify import content_kind, poster_time_s
from transcoder.loudness import (
    SILENT,
    Loudness,
    audio_plan,
    downmix,
    gain_db,
    read_loudness,
    windows,
)
from transcoder.plan import AudioCodec, AudioRung, Chunk, ContentKind, Downmix, SidePlan, VideoPlan
from transcoder.planning import chunks, make_plan, wanted_cuts
from transcoder.probe import AudioTrack, Clip, Probe, VideoTrack

PAGE = Clip(0.0, 0.0, 0.0, 230, 0.97, 0.95, 0.8, 0.01)
FACE = replace(PAGE, cells=0.11, palette=0.90)
SCREEN_VIDEO = replace(PAGE, cells=0.6, palette=0.44)
ROOM = Clip(0.0, 0.1, 0.27, 162, 0.59, 0.76, 0.19, 0.056)
BOARD = Clip(0.0, 0.03, 0.1, 60, 0.75, 0.9, 0.08, 0.01)
BLACK = Clip(0.0, 0.0, 0.0, 0, 1.0, 1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("clips", "kind"),
    [
        ([PAGE] * 8, ContentKind.SLIDES),
        ([FACE] * 8, ContentKind.SLIDES_WITH_FACE),
        ([FACE] * 5 + [ROOM] * 3, ContentKind.SLIDES_WITH_FACE),
        ([SCREEN_VIDEO] * 4, ContentKind.CAMERA),
        ([ROOM] * 4, ContentKind.CAMERA),
        ([BOARD] * 4, ContentKind.CAMERA),
        ([PAGE, ROOM], ContentKind.CAMERA),
        ([BLACK], ContentKind.SLIDES),
        ([], ContentKind.CAMERA),
    ],
)
def test_content_kind(clips: list[Clip], kind: ContentKind) -> None:
    assert content_kind(clips, 0.003) is kind


def test_a_face_that_keeps_still_is_known_by_its_bytes() -> None:
    assert content_kind([PAGE] * 8, 0.5) is ContentKind.SLIDES_WITH_FACE


def test_the_poster_shows_most() -> None:
    rich = replace(PAGE, at_s=30.0, detail=0.05)
    assert poster_time_s([BLACK, PAGE, rich, replace(rich, at_s=60.0)], 90) == 30.0
    assert poster_time_s([BLACK], 90) == 9.0


LINES = [
    "[Parsed_astats_8 @ 0x7f225c030680] Channel: 1",
    "[Parsed_astats_8 @ 0x7f225c030680] RMS level dB: -24.074847",
    "[Parsed_astats_8 @ 0x7f225c030680] RMS level dB: -50.5",
    "[Parsed_astats_8 @ 0x7f225c030680] RMS level dB: -27.1",
    "[Parsed_astats_8 @ 0x7f225c030680] RMS level dB: -inf",
    "[Parsed_ebur128_6 @ 0x7f225c027f80] Summary:",
    "I:         -21.8 LUFS",
    "Threshold: -31.8 LUFS",
]


def test_loudness_is_read_from_the_last_lines() -> None:
    found = read_loudness(LINES)
    assert found == Loudness(-21.8, -24.074847, -50.5, -27.1, -math.inf)
    assert read_loudness(LINES[3:]) == SILENT
    assert read_loudness(["I: nan LUFS", *LINES[:5]]).integrated_lufs == -math.inf


@pytest.mark.parametrize(
    ("lufs", "gain"), [(-21.8, 5.8), (-51.0, 20.0), (-5.0, -11.0), (-70.0, 0.0), (-math.inf, 0.0)]
)
def test_gain_is_capped_and_silence_left_alone(lufs: float, gain: float) -> None:
    assert gain_db(replace(SILENT, integrated_lufs=lufs)) == gain


@pytest.mark.parametrize(
    ("levels", "channels", "mix"),
    [
        ((-20, -20, -20, -60), 2, Downmix.MONO),
        ((-20, -21, -22, -23), 2, Downmix.STEREO),
        ((-20, -90, -26, -26), 2, Downmix.LEFT),
        ((-90, -20, -26, -26), 2, Downmix.RIGHT),
        ((-20, -20, -20, -20), 1, Downmix.MONO),
        ((-20, -20, -20, -60), 6, Downmix.STEREO),
    ],
)
def test_channels(levels: tuple[float, ...], channels: int, mix: Downmix) -> None:
    assert downmix(Loudness(-20, *levels), channels) is mix


def test_the_sounds_rungs() -> None:
    plan = audio_plan(Loudness(-20, -20, -20, -20, -60), 2)
    assert plan.rungs == (
        AudioRung("aac", AudioCodec.AAC, 64_000, 1),
        AudioRung("opus", AudioCodec.OPUS, 32_000, 1),
    )
    stereo = audio_plan(Loudness(-20, -20, -21, -22, -22), 2)
    assert [(r.bitrate_bps, r.channels) for r in stereo.rungs] == [(96_000, 2), (48_000, 2)]


def test_windows_cover_a_short_lesson_and_sample_a_long_one() -> None:
    assert windows(1.5, 100.0) == [(1.5, 98.5)]
    spread = windows(0, 3600)
    assert len(spread) == 10
    assert spread[0] == (174.0, 12.0)
    assert spread[-1] == (3414.0, 12.0)


def video_plan(frames: int, gop: int = 240) -> VideoPlan:
    return VideoPlan((30, 1), frames, gop, (), (), ())


def test_cuts_lie_on_segments_and_only_in_long_recordings() -> None:
    assert wanted_cuts(video_plan(18_000)) == []
    cuts = wanted_cuts(video_plan(81_000))
    assert len(cuts) == 8
    assert {cut % 240 for cut in cuts} == {0}
    assert cuts[0] == 9120


def test_an_unclean_cut_is_not_made() -> None:
    plan = video_plan(81_000)
    assert chunks(plan, [9120, 18_000, 27_120], {9120, 27_120}) == (
        Chunk(0, 0, 9120, True),
        Chunk(1, 9120, 18_000, True),
        Chunk(2, 27_120, None, True),
    )
    assert chunks(plan, [9120], set()) == (Chunk(0, 0, None, True),)


VIDEO = VideoTrack(
    0, "h264", "High", "yuv420p", 8, 1920, 1080, (1, 1), 90, (60, 1), True, 0.0, 57.0, 3420,
    9_000_000, False, False, 0.1, (0.0,),
)  # fmt: skip
AUDIO = AudioTrack(1, "aac", 48_000, 2, 0.0, 60.0, 480_000)


def test_a_plan_of_a_turned_recording_whose_sound_goes_on() -> None:
    probe = Probe("mp4", 9_480_000, 60.0, VIDEO, AUDIO, (replace(FACE, at_s=7.0),))
    plan = make_plan(probe, replace(SILENT, integrated_lufs=-20.0))
    assert plan.kind is ContentKind.SLIDES_WITH_FACE
    assert plan.video is not None
    assert plan.video.frame_rate == (30, 1)
    assert (plan.video.frame_total, plan.video.gop_frames) == (1800, 240)
    assert plan.video.hold_last_s == 3.0
    assert [rung.name for rung in plan.video.rungs] == ["1080p", "1080p-low", "720p", "360p"]
    assert plan.video.rungs[0].width_px == 1080
    assert plan.side == SidePlan(2, 90, 160, 5, 5, 7.0, 720, True)
    assert plan.audio is not None
    assert plan.audio.gain_db == 4.0


def test_a_plan_of_sound_alone_and_of_a_chosen_kind() -> None:
    sound = make_plan(Probe("mp3", 1, 60.0, None, AUDIO), SILENT)
    assert (sound.kind, sound.video, sound.side) == (ContentKind.AUDIO_ONLY, None, None)
    chosen = make_plan(Probe("mp4", 1, 7200.0, VIDEO, None, (PAGE,)), None, ContentKind.CAMERA)
    assert chosen.kind is ContentKind.CAMERA
    assert chosen.audio is None
    assert chosen.side is not None
    assert (chosen.side.every_s, chosen.side.chapters) == (36, False)
