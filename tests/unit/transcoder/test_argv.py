"""Exact ffmpeg commands; what each option is for stands in transcoder/README.md."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.golden import Golden
from transcoder.argv import (
    SidePipes,
    VideoJob,
    audio_command,
    check_command,
    loudness_command,
    poster_command,
    sheets_command,
    side_command,
    still_command,
    video_command,
)
from transcoder.plan import (
    AudioCodec,
    AudioPlan,
    AudioRung,
    Chunk,
    Downmix,
    SidePlan,
    VideoCodec,
    VideoPlan,
    VideoRung,
)

LESSON = Path("/data/it's a lesson: 1.mp4")
H264, AV1 = VideoCodec.H264, VideoCodec.AV1
RUNGS = (
    VideoRung("1080p", H264, 1920, 1080, 25, 1_500_000, 3_000_000, "stillimage", "veryfast"),
    VideoRung("1080p-low", H264, 1920, 1080, 32, 400_000, 1_200_000, "stillimage", "veryfast"),
    VideoRung("360p", H264, 640, 360, 22, 150_000, 300_000, "", "veryfast"),
)
LATE = VideoRung("1080p-av1", AV1, 1920, 1080, 55, 0, 0, "scm=1", "8")
WHOLE, CLEAN, UNCLEAN = (
    Chunk(0, 0, None, True),
    Chunk(1, 9_000, 9_000, True),
    Chunk(0, 0, 90, False),
)
PLAN = VideoPlan((30_000, 1001), 18_100, 240, RUNGS, (LATE,), (WHOLE,))
SIDE = SidePlan(4, 160, 90, 5, 5, 7.25, 720, True)
SOUND = AudioPlan(
    -2.5,
    (AudioRung("aac", AudioCodec.AAC, 64_000, 1), AudioRung("opus", AudioCodec.OPUS, 32_000, 1)),
)


def shown(command: list[str]) -> str:
    """One argument a line."""
    return "\n".join(command) + "\n"


@pytest.mark.parametrize(
    ("name", "plan", "job"),
    [
        ("whole", PLAN, VideoJob(RUNGS, (7, 8, 9), WHOLE, 0, SidePipes(10, 11))),
        ("chunk", PLAN, VideoJob(RUNGS, (7, 8, 9), CLEAN, 9_000)),
        ("resumed", PLAN, VideoJob(RUNGS, (7, 8, 9), CLEAN, 9_480)),
        ("resumed_unclean", PLAN, VideoJob(RUNGS[2:], (7,), Chunk(3, 480, None, False), 720)),
        ("late", PLAN, VideoJob((LATE,), (7,), WHOLE, 0)),
        (
            "hdr_interlaced_short",
            replace(PLAN, tone_map=True, deinterlace=True, hold_last_s=2.5),
            VideoJob(RUNGS[2:], (7,), WHOLE, 0, SidePipes(8, 9)),
        ),
    ],
)
def test_video_command(name: str, plan: VideoPlan, job: VideoJob, golden: Golden) -> None:
    golden.check(f"argv/video_{name}.txt", shown(video_command("ff", LESSON, plan, SIDE, job)))


def test_other_commands(golden: Golden) -> None:
    commands = {
        "side": side_command("ff", LESSON, PLAN, SIDE, WHOLE, SidePipes(5, 6)),
        "side_camera": side_command(
            "ff", LESSON, PLAN, replace(SIDE, chapters=False), UNCLEAN, SidePipes(5, 6)
        ),
        "audio": audio_command("ff", LESSON, SOUND, (5, 6), 604.0),
        "audio_left": audio_command(
            "ff", LESSON, replace(SOUND, downmix=Downmix.LEFT, rungs=SOUND.rungs[:1]), (5,), 9.5
        ),
        "poster": poster_command("ff", LESSON, PLAN, SIDE, 5),
        "poster_hdr": poster_command("ff", LESSON, replace(PLAN, tone_map=True), SIDE, 5),
        "sheets": sheets_command("ff", LESSON, SIDE, 5),
        "still": still_command("ff", LESSON, SIDE, 5),
        "check": check_command("ff", LESSON, 300.3),
        "loudness": loudness_command("ff", LESSON, [(0, 12), (60, 12)]),
    }
    for name, command in commands.items():
        golden.check(f"argv/{name}.txt", shown(command))


def test_every_input_is_guarded() -> None:
    command = loudness_command("ff", LESSON, [(0, 12), (60, 12)])
    assert command.count("-i") == command.count("-protocol_whitelist") == 2
    assert command.count("-format_whitelist") == command.count("-max_pixels") == 2
    assert f"file:{LESSON}" in command
