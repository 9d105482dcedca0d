"""Exact commands of live encoders; why each option is there stands in transcoder/live/argv.py."""

from __future__ import annotations

from tests.support.golden import Golden
from transcoder.live.argv import live_command
from transcoder.live.ladder import ways
from transcoder.live.relay import relay_command
from transcoder.live.source import Picture, Source

PICTURE = Picture("h264", 1920, 1080, 30.0, plain=True)


def shown(command: list[str]) -> str:
    """One argument a line."""
    return "\n".join(command) + "\n"


def test_live_commands(golden: Golden) -> None:
    both = Source(PICTURE, "aac")
    plans = {
        "copied": (ways(both)[0], {}),
        "copied_sound": (ways(Source(None, "aac", plain_sound=True))[0], {}),
        "copied_resumed": (ways(both)[0], {"1080p": 9.0, "720p": 9.033, "360p": 9.0, "aac": 8.9}),
        "encoded": (ways(both, copy=False)[0], {}),
        "picture": (ways(Source(PICTURE, None))[-1], {}),
        "sound": (ways(Source(None, "opus"))[0], {}),
    }
    for name, (plan, resume_s) in plans.items():
        fds = range(7, 7 + len(plan.names))
        command = live_command("ff", plan, list(fds), resume_s)
        golden.check(f"argv/live_{name}.txt", shown(command))


def test_relay_commands(golden: Golden) -> None:
    for name, way in {
        "srt": "srt://127.0.0.1:9000?mode=listener",
        "rtsp": "rtsp://127.0.0.1/camera",
        "webm": "pipe:0",
    }.items():
        golden.check(f"argv/live_relay_{name}.txt", shown(relay_command("ff", way, 7)))
    recoded = relay_command("ff", "pipe:0", 7, recode=True)
    golden.check("argv/live_relay_webm_recoded.txt", shown(recoded))
