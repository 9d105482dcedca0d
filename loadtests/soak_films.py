"""What is shown in a soak: a lesson of which a lower rung is made, and a small one to upload."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

FILM_S, CLIP_S = 60, 4


def make_large_film(path: Path) -> None:
    """Encode a lesson that is large enough for a rung below it."""
    _encode(path, "640x360", 25, FILM_S, "-preset", "ultrafast", "-tune", "zerolatency",
            "-b:v", "800k", "-maxrate", "800k", "-bufsize", "800k", "-g", "50",
            "-keyint_min", "50", "-sc_threshold", "0", "-f", "flv")  # fmt: skip


def make_clip(path: Path) -> bytes:
    """Encode a small lesson."""
    _encode(path, "320x180", 25, CLIP_S, "-preset", "veryfast")
    return path.read_bytes()


def _encode(path: Path, size: str, fps: int, seconds: int, *how: str) -> None:
    subprocess.run([
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y",
        "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={fps}:duration={seconds}",
        "-f", "lavfi", "-i", f"sine=frequency=330:sample_rate=48000:duration={seconds}",
        "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2", "-c:v", "libx264", *how, str(path),
    ], check=True)  # fmt: skip
