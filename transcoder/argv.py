"""Write the ffmpeg commands of a plan. Pure: plan and pipe numbers in, argument list out.

One decode feeds a cascade: each rung is scaled from the next larger one, and the thumbnails from
the smallest. Every rung goes to a pipe of its own as CMAF whose fragments are whole segments, with
absolute decode times, so that the bytes of chunks and resumed runs join without a change.
ffmpeg-python builds graph and arguments; options of one output come out in alphabetical order.

Spec: ISO/IEC 23000-19 (CMAF) 7.3.2; ffmpeg-formats(1) mov, mp4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

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

MAX_PIXELS = 35_400_000
PROBE_BYTES = 20_000_000
ANALYSE_US = 20_000_000
FORMATS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,wav,mp3,aac,flac,mpegvideo,h264,hevc,gif"
)
VIDEO_FLAGS = "+cmaf+frag_keyframe+frag_discont+skip_trailer"
AUDIO_FLAGS = "+cmaf+delay_moov+skip_trailer"
AUDIO_FRAGMENT_US = 4_000_000
LIMITER_CEILING = 0.84
SCALING = "bicublin"
SUBPEL_REFINEMENT, B_FRAMES = 1, 3
OPUS_COMPLEXITY = 7  # below it libopus hears no difference between tones and noise: 60 % more bits
SLIDE_CHANGE_WIDTH_PX = 320
SLIDE_CHANGE_FPS = 2
SIDE_QUALITY = 5
POSTER_QUALITY = 3
TONE_MAP = (
    ("zscale", {"t": "linear", "npl": 100}),
    ("format", {"pix_fmts": "gbrpf32le"}),
    ("zscale", {"p": "bt709"}),
    ("tonemap", {"tonemap": "hable", "desat": 0}),
    ("zscale", {"t": "bt709", "m": "bt709", "r": "tv"}),
)


@dataclass(frozen=True, slots=True)
class SidePipes:
    """Pipes of the side products: JPEG sheets one behind the other, and slide change scores."""

    sheets: int
    changes: int


@dataclass(frozen=True, slots=True)
class VideoJob:
    """One run of the encoder: these rungs of this chunk, from first_frame (a segment's start) on.

    `fds` has one pipe for each rung, in the rungs' order.
    """

    rungs: tuple[VideoRung, ...]
    fds: tuple[int, ...]
    chunk: Chunk
    first_frame: int
    side: SidePipes | None = None


def guarded_input(path: Path, **options: Any) -> Any:
    """Open a source such that it cannot name another file, a network address or a huge picture."""
    return ffmpeg.input(
        f"file:{path}",
        protocol_whitelist="file",
        format_whitelist=FORMATS,
        max_pixels=MAX_PIXELS,
        probesize=PROBE_BYTES,
        analyzeduration=ANALYSE_US,
        **options,
    )


def video_command(
    program: str, path: Path, plan: VideoPlan, side: SidePlan | None, job: VideoJob
) -> list[str]:
    """Encode a chunk's rungs, and its thumbnails and slide changes when the job has pipes."""
    stream, at_s = _frames(path, plan, job)
    outputs: list[Any] = []
    picture, size = stream, (0, 0)
    for number, rung in enumerate(job.rungs):
        if (rung.width_px, rung.height_px) != size:
            size = (rung.width_px, rung.height_px)
            picture = picture.filter("scale", *size, flags=SCALING).filter("setsar", 1)
            if not number:
                picture = _standard_colours(picture, plan)
        branch, picture = _fork(picture, more=number + 1 < len(job.rungs) or job.side is not None)
        options = _video_options(rung, plan, at_s)
        if number:
            # The first rung has most of the work; more threads for the others only cost switches.
            options["threads"] = 1
        outputs.append(ffmpeg.output(branch, f"pipe:{job.fds[number]}", **options))
    if job.side is not None and side is not None:
        outputs.append(_side_output(picture, side, job.side))
    return _compiled(program, outputs, progress=True)


def side_command(
    program: str, path: Path, plan: VideoPlan, side: SidePlan, chunk: Chunk, pipes: SidePipes
) -> list[str]:
    """Make a chunk's thumbnails and slide changes alone, for a run that lost them."""
    job = VideoJob((), (), chunk, chunk.start_frame, pipes)
    stream, _ = _frames(path, plan, job)
    height = _even(SLIDE_CHANGE_WIDTH_PX * side.cell_height_px / side.cell_width_px)
    small = stream.filter("scale", SLIDE_CHANGE_WIDTH_PX, height)
    output = _side_output(_standard_colours(small.filter("setsar", 1), plan), side, pipes)
    return _compiled(program, [output], progress=True)


def audio_command(
    program: str, path: Path, plan: AudioPlan, fds: Sequence[int], duration_s: float
) -> list[str]:
    """Encode the sound to one pipe a rung: all of the lesson, gaps filled, levelled, limited."""
    stream = guarded_input(path)["a:0"].filter("aresample", 48_000, **{"async": 1, "first_pts": 0})
    stream = _mixed(stream, plan.downmix).filter("volume", f"{plan.gain_db:.1f}dB")
    stream = stream.filter("alimiter", limit=LIMITER_CEILING, level=0)
    stream = stream.filter("apad", whole_dur=_seconds(duration_s))
    stream = stream.filter("atrim", end=_seconds(duration_s))
    outputs = []
    for number, rung in enumerate(plan.rungs):
        branch, stream = _fork(stream, more=number + 1 < len(plan.rungs), split="asplit")
        outputs.append(ffmpeg.output(branch, f"pipe:{fds[number]}", **_audio_options(rung)))
    return _compiled(program, outputs, progress=True)


def poster_command(program: str, path: Path, plan: VideoPlan, side: SidePlan, fd: int) -> list[str]:
    """Make one JPEG of the keyframe before poster_at_s, in the shape that screens show."""
    source = guarded_input(path, ss=f"{side.poster_at_s:.3f}", noaccurate_seek=None, threads=1)
    picture = _standard_colours(_poster_size(source, side), plan)
    return _compiled(program, [_poster_output(picture, fd)], progress=True)


def still_command(program: str, path: Path, side: SidePlan, fd: int) -> list[str]:
    """Make a poster of the first picture that can be decoded in a file of nothing but keyframes."""
    picture = _poster_size(guarded_input(path, threads=1), side).filter("format", "yuv420p")
    return _compiled(program, [_poster_output(picture, fd)], progress=True)


def sheets_command(program: str, path: Path, side: SidePlan, fd: int) -> list[str]:
    """Lay a file of keyframes out in sheets; where one is missing the one before stays."""
    picture = guarded_input(path, threads=1)["V:0"]
    picture = picture.filter("fps", f"1/{side.every_s:g}", start_time=0)
    picture = picture.filter("scale", side.cell_width_px, side.cell_height_px).filter("setsar", 1)
    picture = picture.filter("format", "yuv420p")
    return _compiled(program, [_sheet_output(picture, side, fd)], progress=True)


def check_command(program: str, path: Path, at_s: float) -> list[str]:
    """Decode one second from a seek to at_s: says nothing when a chunk may begin there."""
    source = guarded_input(path, ss=_seconds(at_s), noaccurate_seek=None)
    output = ffmpeg.output(source["V:0"], "-", f="null", t=1)
    return _compiled(program, [output], progress=False)


def loudness_command(program: str, path: Path, windows: Sequence[tuple[float, float]]) -> list[str]:
    """Measure loudness and the level of left, right, middle and side over (start, length) windows.

    The answers stand in the last lines of standard error (transcoder/loudness.py reads them).
    """
    heard = [
        guarded_input(path, ss=_seconds(start), t=_seconds(length))["a:0"]
        .filter("aresample", 48_000)
        .filter("aformat", channel_layouts="stereo")
        for start, length in windows
    ]
    joined = ffmpeg.concat(*heard, v=0, a=1) if len(heard) > 1 else heard[0]
    loud, levels = _fork(joined, more=True, split="asplit")
    loud = loud.filter("ebur128", framelog="quiet")
    quad = "quad|c0<c0|c1<c1|c2<c0+c1|c3<c0-c1"  # "<" is "=" with gains that sum to 1
    levels = levels.filter("pan", quad)
    levels = levels.filter("astats", measure_perchannel="RMS_level", measure_overall="none")
    outputs = [ffmpeg.output(loud, "-", f="null"), ffmpeg.output(levels, "-", f="null")]
    return _compiled(program, outputs, progress=False, loglevel="info")


def _frames(path: Path, plan: VideoPlan, job: VideoJob) -> tuple[Any, float]:
    """Give the chunk's frames at the constant rate, from time 0, and the time they belong at.

    After a seek that keeps the frames before the mark, `fps` picks the right picture for the first
    frame, also in a source whose frames are seconds apart; a late first picture is shown from 0.
    """
    chunk, rate = job.chunk, f"{plan.frame_rate[0]}/{plan.frame_rate[1]}"
    from_frame = chunk.start_frame if chunk.clean else 0
    options: dict[str, Any] = {}
    if from_frame:
        options = {"ss": _seconds(plan.at_s(from_frame)), "noaccurate_seek": None}
    stream = guarded_input(path, **options)["V:0"]
    if plan.deinterlace:
        stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
    stream = stream.filter("fps", rate, start_time=0)
    if plan.hold_last_s:
        stream = stream.filter("tpad", stop_mode="clone", stop_duration=_seconds(plan.hold_last_s))
    end = chunk.start_frame + plan.frames_of(chunk) - from_frame
    stream = stream.filter("trim", start_frame=job.first_frame - from_frame, end_frame=end)
    return stream.filter("setpts", "PTS-STARTPTS"), plan.at_s(job.first_frame)


def _standard_colours(stream: Any, plan: VideoPlan) -> Any:
    """Give 8-bit 4:2:0 that every browser decodes, after scaling because that is cheaper."""
    for name, options in TONE_MAP if plan.tone_map else ():
        stream = stream.filter(name, **options)
    return stream.filter("format", "yuv420p")


def _fork(stream: Any, *, more: bool, split: str = "split") -> tuple[Any, Any]:
    """Give the stream twice when it is needed again."""
    if not more:
        return stream, stream
    both = stream.filter_multi_output(split, 2)
    return both[0], both[1]


def _video_options(rung: VideoRung, plan: VideoPlan, at_s: float) -> dict[str, Any]:
    """Give the options of one rung's output."""
    options: dict[str, Any] = {
        "f": "mp4",
        "movflags": VIDEO_FLAGS,
        "output_ts_offset": _seconds(at_s),
        "g": plan.gop_frames,
        "crf": rung.crf,
        "preset": rung.preset,
        "pix_fmt": "yuv420p",
        "fps_mode": "passthrough",
    }
    if rung.codec is VideoCodec.AV1:
        return _clean_output(options | {"c:v": "libsvtav1", "svtav1-params": rung.tune})
    options |= {
        "c:v": "libx264",
        "profile:v": "high",
        "maxrate": rung.cap_bps,
        "bufsize": rung.buffer_bits,
        "keyint_min": plan.gop_frames,
        "sc_threshold": 0,
        "subq": SUBPEL_REFINEMENT,
        "bf": B_FRAMES,
    }
    return _clean_output(options | ({"tune": rung.tune} if rung.tune else {}))


def _audio_options(rung: AudioRung) -> dict[str, Any]:
    """Give the options of one sound output."""
    own = {"compression_level": OPUS_COMPLEXITY} if rung.codec is AudioCodec.OPUS else {}
    return _clean_output(
        own
        | {
            "f": "mp4",
            "movflags": AUDIO_FLAGS,
            "frag_duration": AUDIO_FRAGMENT_US,
            "c:a": {AudioCodec.AAC: "aac", AudioCodec.OPUS: "libopus"}[rung.codec],
            "b:a": rung.bitrate_bps,
            "ac": rung.channels,
            "ar": rung.sample_rate_hz,
        }
    )


def _clean_output(options: dict[str, Any]) -> dict[str, Any]:
    """Keep the source's titles, chapters and program versions out of the bytes."""
    return options | {"map_metadata": -1, "map_chapters": -1, "fflags": "+bitexact"}


def _mixed(stream: Any, downmix: Downmix) -> Any:
    """Bring the channels to what the plan says."""
    if downmix is Downmix.STEREO:
        return stream.filter("aformat", channel_layouts="stereo")
    if downmix is Downmix.MONO:
        return stream.filter("aformat", channel_layouts="mono")
    channel = "c0" if downmix is Downmix.LEFT else "c1"
    stereo = stream.filter("aformat", channel_layouts="stereo")
    return stereo.filter("pan", f"mono|c0<{channel}")


def _side_output(picture: Any, side: SidePlan, pipes: SidePipes) -> Any:
    """Watch for slide changes twice a second, then lay thumbnails out in sheets."""
    if side.chapters:
        picture = picture.filter("fps", SLIDE_CHANGE_FPS).filter("scdet", threshold=100)
        picture = picture.filter("metadata", "print", file=f"pipe:{pipes.changes}")
    picture = picture.filter("fps", f"1/{side.every_s:g}", round="up", start_time=0)
    picture = picture.filter("scale", side.cell_width_px, side.cell_height_px)
    return _sheet_output(picture, side, pipes.sheets)


def _sheet_output(picture: Any, side: SidePlan, fd: int) -> Any:
    picture = picture.filter("tile", f"{side.columns}x{side.rows}")
    options = {"f": "image2pipe", "c:v": "mjpeg", "q:v": SIDE_QUALITY, "fps_mode": "passthrough"}
    return ffmpeg.output(picture, f"pipe:{fd}", pix_fmt="yuvj420p", **options)


def _poster_size(source: Any, side: SidePlan) -> Any:
    width = _even(side.poster_height_px * side.cell_width_px / side.cell_height_px)
    return source["V:0"].filter("scale", width, side.poster_height_px).filter("setsar", 1)


def _poster_output(picture: Any, fd: int) -> Any:
    options = {"f": "image2pipe", "c:v": "mjpeg", "q:v": POSTER_QUALITY, "frames:v": 1}
    return ffmpeg.output(picture, f"pipe:{fd}", pix_fmt="yuvj420p", **options)


def _compiled(
    program: str, outputs: Sequence[Any], *, progress: bool, loglevel: str = "error"
) -> list[str]:
    """Write the argument list."""
    merged = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    told = ("-progress", "pipe:1", "-stats_period", "1") if progress else ()
    command: list[str] = merged.global_args(
        "-nostdin", "-hide_banner", "-nostats", "-v", loglevel, *told
    ).compile(cmd=program)
    return command


def _seconds(seconds: float) -> str:
    """Write seconds to the microsecond, as ffmpeg keeps them."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _even(pixels: float) -> int:
    """Round to the nearest even number, as 4:2:0 needs."""
    return max(2, round(pixels / 2) * 2)
