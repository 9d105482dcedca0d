"""Write the ffmpeg command of a feed. Pure: plan and pipe numbers in, argument list out.

FLV on stdin, one CMAF track a pipe: a picture a fragment, two AAC frames a fragment of sound.
`copyts` keeps the times that the timeline gave, so tfdt / timescale is time since the anchor.
`nobuffer` is not used: it throws away the packets that probing has read, up to a GOP; with
onMetaData of our own in front, probing needs 32 bytes. Times of encoded pictures stay in
milliseconds, so keyframes of all rungs have the same times to the tick. Under a copied top rung
keyframes fall on the source's; where all is encoded, on the first picture of every two seconds.

Spec: ffmpeg-formats(1) flv, mov, mp4; ffmpeg(1) -force_key_frames source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ffmpeg

from transcoder.live.ladder import SOUND_BPS, SOUND_NAME, LivePlan, LiveRung

PROBE_BYTES = 32
MAX_PIXELS = 35_400_000
VIDEO_TIMESCALE = 90_000
SOUND_FRAGMENT_US = 40_000
MOV_FLAGS = "+cmaf+frag_discont+default_base_moof+skip_trailer"
PRESET = "superfast"
BUFFER_S = 1.0
OWN_KEYFRAMES = "expr:isnan(prev_forced_t)+gt(floor(t/2),floor(prev_forced_t/2))"


def live_command(
    program: str, plan: LivePlan, fds: Sequence[int], resume_s: Mapping[str, float]
) -> list[str]:
    """Encode a feed's contribution. `fds` follow plan.names.

    An encoded rung with a resume_s begins there, with a keyframe: what came before it is decoded
    and left out.
    """
    source = ffmpeg.input(
        "pipe:0", f="flv", flags="low_delay", probesize=PROBE_BYTES, analyzeduration=0,
        protocol_whitelist="pipe", format_whitelist="flv", max_pixels=MAX_PIXELS, threads=1,
    )  # fmt: skip
    pipes = dict(zip(plan.names, fds, strict=True))
    outputs = [
        ffmpeg.output(source["v:0"], f"pipe:{pipes[rung.name]}", **_copied())
        for rung in plan.rungs
        if rung.copied
    ]
    outputs += _encoded_outputs(source["v:0"], plan, pipes, resume_s)
    if plan.sound:
        target = f"pipe:{pipes[SOUND_NAME]}"
        outputs.append(ffmpeg.output(source["a:0"], target, **_sound_options(plan)))
    merged = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    command: list[str] = merged.global_args(
        "-nostdin", "-hide_banner", "-nostats", "-v", "error", "-copyts",
        "-progress", "pipe:1", "-stats_period", "1",
    ).compile(cmd=program)  # fmt: skip
    return command


def _encoded_outputs(
    picture: Any, plan: LivePlan, pipes: Mapping[str, int], resume_s: Mapping[str, float]
) -> list[Any]:
    """Scale in a cascade, each rung from the larger one."""
    rungs = [rung for rung in plan.rungs if not rung.copied]
    keyframes = OWN_KEYFRAMES if len(rungs) == len(plan.rungs) else "source"
    outputs = []
    for number, rung in enumerate(rungs):
        size = {"w": rung.width_px, "h": rung.height_px, "flags": "fast_bilinear"}
        picture = picture.filter("scale", **size).filter("format", "yuv420p")
        branch = picture
        if number + 1 < len(rungs):
            both = picture.filter_multi_output("split", 2)
            branch, picture = both[0], both[1]
        if rung.name in resume_s:
            branch = branch.filter("trim", start=f"{resume_s[rung.name]:.3f}")
        options = _video_options(rung, keyframes)
        outputs.append(ffmpeg.output(branch, f"pipe:{pipes[rung.name]}", **options))
    return outputs


def _copied() -> dict[str, Any]:
    return _track({"c:v": "copy", "movflags": MOV_FLAGS + "+frag_every_frame"}) | _clock()


def _video_options(rung: LiveRung, keyframes: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "c:v": "libx264",
        "preset": PRESET,
        "tune": "zerolatency",
        "profile:v": "main",
        "b:v": rung.bandwidth_bps,
        "maxrate": rung.bandwidth_bps,
        "bufsize": round(rung.bandwidth_bps * BUFFER_S),
        "force_key_frames": keyframes,
        "g": 9999,
        "sc_threshold": 0,
        "threads": 1,
        "fps_mode": "passthrough",
        "enc_time_base": "1:1000",
        "movflags": MOV_FLAGS + "+frag_every_frame",
    }
    return _track(options) | _clock()


def _sound_options(plan: LivePlan) -> dict[str, Any]:
    encoding = {"c:a": "aac", "b:a": SOUND_BPS, "ar": 48_000, "ac": 2}
    codec = {"c:a": "copy"} if plan.copies_sound else encoding
    return _track({**codec, "movflags": MOV_FLAGS, "frag_duration": SOUND_FRAGMENT_US})


def _clock() -> dict[str, Any]:
    return {"video_track_timescale": VIDEO_TIMESCALE}


def _track(options: dict[str, Any]) -> dict[str, Any]:
    """Every output: one CMAF track, flushed at once, without words of the source."""
    return options | {"f": "mp4", "flush_packets": 1, "map_metadata": -1, "fflags": "+bitexact"}
