"""What PeerTube and MediaCMS run for the same lesson, as ffmpeg commands.

PeerTube: one process a rung, x264 veryfast at its default CRF 23, two-second GOP, rate caps by
pixels, sound in every rung. MediaCMS: one process a rung, CRF 23, `medium` below 720p and `faster`
from there, keyframes each four seconds, sound in every rung. Read in their sources in 2026; what
they do around it (queues, packaging by another program) is left out, in their favour.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loadtests.lectures import ffmpeg

RUNGS = (1080, 720, 480, 360, 240)
PEERTUBE_BITS_A_PIXEL = {240: 0.17, 360: 0.15, 480: 0.12, 720: 0.11, 1080: 0.10}
MEDIACMS_KBPS = {240: 300, 360: 500, 480: 1000, 720: 2500, 1080: 4500}
AUDIO = ["-map", "0:a:0?", "-c:a", "aac", "-b:a", "128k", "-ac", "2"]


@dataclass(frozen=True, slots=True)
class Footage:
    """What the peers' formulas ask about a source."""

    path: Path
    frame_rate: int
    bitrate_bps: float


def width_of(height: int) -> int:
    """Width of a 16:9 picture, even."""
    return round(height * 16 / 9 / 2) * 2


def peertube(footage: Footage, height: int, folder: Path, *, crf: int = 23) -> list[str]:
    """Give PeerTube's command for one rung; it writes `height`.mp4."""
    pixels_a_second = width_of(height) * height * footage.frame_rate
    cap = min(pixels_a_second * PEERTUBE_BITS_A_PIXEL[height], 1.3 * footage.bitrate_bps)
    cap = int(max(cap, 0.02 * pixels_a_second))
    rate = footage.frame_rate
    return [
        *(ffmpeg(), "-nostdin", "-v", "error", "-y", "-i", str(footage.path)),
        *("-map", "0:v:0", "-vf", f"scale=w=-2:h={height}", "-c:v", "libx264"),
        *("-preset", "veryfast", "-crf", str(crf), "-maxrate", str(cap), "-bufsize", str(2 * cap)),
        *("-b_strategy", "1", "-bf", "16", "-r", str(rate), "-g", str(2 * rate)),
        *("-pix_fmt", "yuv420p", "-max_muxing_queue_size", "1024", "-map_metadata", "-1", *AUDIO),
        *("-f", "hls", "-hls_time", "4", "-hls_segment_type", "fmp4"),
        *("-hls_flags", "single_file", "-hls_playlist_type", "vod"),
        *("-hls_segment_filename", str(folder / f"{height}.mp4"), str(folder / f"{height}.m3u8")),
    ]


def mediacms(footage: Footage, height: int, folder: Path) -> list[str]:
    """Give MediaCMS' command for one rung; it writes `height`.mp4."""
    cap, gop = MEDIACMS_KBPS[height] * 3 // 2, 8 * footage.frame_rate
    return [
        *(ffmpeg(), "-nostdin", "-v", "error", "-y", "-i", str(footage.path)),
        *("-map", "0:v:0", "-vf", f"scale=-2:{height}", "-c:v", "libx264", "-crf", "23"),
        *("-preset", "medium" if height < 720 else "faster", "-profile:v", "main"),
        *("-maxrate", f"{cap}k", "-bufsize", f"{cap}k", "-pix_fmt", "yuv420p"),
        *("-g", str(gop), "-force_key_frames", "expr:gte(t,n_forced*4)", *AUDIO),
        *("-movflags", "+faststart", str(folder / f"{height}.mp4")),
    ]
