"""Look at CMAF files as a player does: their timeline, and what they show and sound like."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from streaming.isobmff.fragment import Fragment
from streaming.isobmff.reader import CmafReader, Init

THUMB_WIDTH, THUMB_HEIGHT = 32, 18


@dataclass(frozen=True, slots=True)
class Track:
    """Timeline of one CMAF file: fragments as (start, duration) in seconds."""

    init: Init
    grid: list[tuple[float, float]]
    sync: list[bool]

    @property
    def end_s(self) -> float:
        return sum(self.grid[-1])


def read_track(path: Path) -> Track:
    """Read the boxes; fails when the timeline has a hole."""
    reader = CmafReader()
    items = reader.feed(path.read_bytes())
    reader.finish()
    inits = [item for item in items if isinstance(item, Init)]
    fragments = [item for item in items if isinstance(item, Fragment)]
    scale = inits[0].track.timescale
    for first, second in pairwise(fragments):
        assert first.start_ts + first.duration_ts == second.start_ts
    grid = [(item.start_ts / scale, item.duration_ts / scale) for item in fragments]
    return Track(inits[0], grid, [item.starts_with_sync for item in fragments])


def _decoded(path: Path, *arguments: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(path)]
    done = subprocess.run([*command, *arguments, "-"], capture_output=True, check=True)
    assert done.stderr == b"", done.stderr.decode()
    return done.stdout


def pictures(path: Path) -> list[bytes]:
    """Decode every frame to a gray thumbnail; any complaint of the decoder fails."""
    scale = f"scale={THUMB_WIDTH}:{THUMB_HEIGHT}:flags=area,format=gray"
    raw = _decoded(path, "-vf", scale, "-fps_mode", "passthrough", "-f", "rawvideo")
    size = THUMB_WIDTH * THUMB_HEIGHT
    assert len(raw) % size == 0
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def samples(path: Path, channel: int = 0) -> array[int]:
    """Decode one channel of the sound to 16 bits at 48 kHz."""
    raw = _decoded(path, "-af", f"pan=mono|c0=c{channel}", "-ar", "48000", "-f", "s16le")
    return array("h", raw)


def mean(picture: bytes) -> float:
    """Mean brightness of a thumbnail."""
    return sum(picture) / len(picture)


def difference(first: bytes, second: bytes) -> float:
    """Mean step between two thumbnails."""
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)


@dataclass(frozen=True, slots=True)
class Form:
    """What a decoder is told of a rendition."""

    width_px: int
    height_px: int
    pixel_format: str
    profile: str
    square: bool
    rate: tuple[int, int]


def form(path: Path) -> Form:
    """Read the form of a video file."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        aspect = stream.sample_aspect_ratio
        rate = stream.average_rate
        return Form(
            context.width,
            context.height,
            str(context.pix_fmt),
            str(stream.profile),
            aspect is None or aspect == 1,
            (rate.numerator, rate.denominator) if rate else (0, 1),
        )


def play_by_mpv(url: str) -> None:
    """Play what is at the address to its end. Without mpv the test is skipped."""
    mpv = shutil.which("mpv")
    if mpv is None:
        pytest.skip("no mpv on PATH: install Debian's package mpv")
    run = subprocess.run(
        [mpv, "--no-config", "--vo=null", "--ao=null", "--ao-null-untimed", "--untimed",
         "--msg-level=all=warn,cplayer=v", url],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr + run.stdout
    assert "finished playback, success" in run.stdout
    assert "video EOF reached" in run.stdout
    assert "audio filter EOF" in run.stdout


def frames_of(url: str) -> int:
    """Decode everything ffmpeg finds at the address and count the frames."""
    run = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", url, "-map", "0:v:0",
         "-enc_time_base", "demux", "-f", "null", "-progress", "pipe:1", "-"],
        capture_output=True, text=True, timeout=50, check=True,
    )  # fmt: skip
    assert run.stderr == "", run.stderr
    return int([line for line in run.stdout.splitlines() if line.startswith("frame=")][-1][6:])
