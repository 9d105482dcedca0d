"""Tiny tracks encoded by the real ffmpeg, each as one CMAF stream, made once a test run."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache

import imageio_ffmpeg

FRAME_RATE = 25
GOP_FRAMES = 50
_VIDEO = ("-pix_fmt", "yuv420p", "-g", str(GOP_FRAMES), "-keyint_min", str(GOP_FRAMES))
_AUDIO = ("-ac", "1", "-movflags", "+cmaf+delay_moov", "-frag_duration", "2000000")
_KEYFRAMES = ("-movflags", "+cmaf+frag_keyframe")
CODECS = {
    "h264": ("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high",
             "-sc_threshold", "0", *_VIDEO, *_KEYFRAMES),
    "av1": ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", f"keyint={GOP_FRAMES}",
            *_VIDEO, *_KEYFRAMES),
    "aac": ("-c:a", "aac", "-b:a", "64k", *_AUDIO),
    "opus": ("-c:a", "libopus", "-b:a", "32k", *_AUDIO),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to encode: a moving test picture of this size, or a tone."""

    codec: str
    duration_s: int = 7
    width_px: int = 320
    height_px: int = 180


@cache
def encoded(recipe: Recipe) -> bytes:
    """The CMAF bytes of a recipe."""
    size = f"{recipe.width_px}x{recipe.height_px}"
    source = (
        f"testsrc2=size={size}:rate={FRAME_RATE}"
        if recipe.codec in ("h264", "av1")
        else "sine=frequency=440:sample_rate=48000"
    )
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error",
        "-f", "lavfi", "-i", source, "-t", str(recipe.duration_s),
        *CODECS[recipe.codec], "-f", "mp4", "pipe:1",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout
