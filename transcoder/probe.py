"""What a source is: facts from the probe child become a `Probe`, or a verdict. Pure.

Times and counts come from packets, because headers lie. All times are seconds from the start of the
container (its earliest track), which is time 0 of the lesson. Each refusal is a BadSource with a
sentence that tells a teacher what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from transcoder.argv import FORMATS, MAX_PIXELS
from transcoder.errors import BadSource, Fault

MAX_SIDE_PX = 16_384
MIN_SIDE_PX = 16
MAX_DURATION_S = 6 * 3600
MIN_FRAMES_A_SECOND = 1.0
SPARSE_FROM_S = 60.0
COMPLETE_SHARE = 0.9
MAX_PACKETS = 4_000_000
REGULAR_SHARE = 0.98
SAMPLED_PIXELS = 4096 * 2304
INTERLACED_ORDERS = {"2", "3", "4", "5"}
HDR_TRANSFERS = {16, 18}

ORDERS = {
    "sampling_cpu_s": 1.5,
    "clips": 8,
    "packets": MAX_PACKETS,
    "pixels": SAMPLED_PIXELS,
    "max_pixels": MAX_PIXELS,
    "formats": FORMATS,
    "cover_flag": 0x400,
}


@dataclass(frozen=True, slots=True)
class Clip:
    """Measures of a short stretch from at_s on (transcoder/classify.py says what they mean).

    changed: share of pixels that differ 0.4 s later; cells: share of grid cells that changed;
    palette: share of the three commonest shades; sharp: share of steep steps that are very steep;
    detail: share of steps that are steep; luma: mean brightness 0..255.
    """

    at_s: float
    changed: float
    cells: float
    luma: float
    palette: float
    flat: float
    sharp: float
    detail: float


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The picture: coded size, and how it is to be shown. frames counts packets."""

    index: int
    codec: str
    profile: str
    pixel_format: str
    bit_depth: int
    width_px: int
    height_px: int
    sar: tuple[int, int]
    rotation_deg: int
    frame_rate: tuple[int, int]
    constant_rate: bool
    start_s: float
    end_s: float
    frames: int
    size_bytes: int
    interlaced: bool
    high_dynamic_range: bool
    other_to_key_bytes: float
    keyframes_s: tuple[float, ...]

    @property
    def display_px(self) -> tuple[int, int]:
        """Width and height on a screen, with square pixels and turned as the recorder said."""
        width = round(self.width_px * self.sar[0] / self.sar[1])
        turned = self.rotation_deg % 180 == 90
        return (self.height_px, width) if turned else (width, self.height_px)

    @property
    def bitrate_bps(self) -> float:
        """Mean bits a second."""
        return 8 * self.size_bytes / max(0.001, self.end_s - self.start_s)


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """The sound."""

    index: int
    codec: str
    sample_rate_hz: int
    channels: int
    start_s: float
    end_s: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A source that can be made into a lesson."""

    container: str
    size_bytes: int
    duration_s: float
    video: VideoTrack | None
    audio: AudioTrack | None
    clips: tuple[Clip, ...] = ()
    warnings: tuple[str, ...] = ()


def judge(facts: Mapping[str, Any], size_bytes: int) -> Probe:
    """Turn the probe child's facts into a Probe.

    Raises: BadSource.
    """
    if size_bytes == 0:
        raise BadSource(Fault.EMPTY, "The file is empty (0 bytes). Please upload it again.")
    if "error" in facts:
        raise BadSource(
            Fault.NOT_MEDIA,
            "This is not a complete video or audio file, or of a kind that is not accepted. "
            "Please upload the original MP4, MKV, MOV, AVI or audio file.",
        )
    video, audio = facts["video"], facts["audio"]
    _refuse_picture(video)
    warnings = _refuse_incomplete(facts)
    video = video if video and video["packets"] else None
    audio = audio if audio and audio["packets"] else None
    if not video and not audio:
        raise BadSource(
            Fault.NO_CONTENT,
            "The file holds no picture and no sound. Please check that it plays on your computer.",
        )
    _refuse_time(video, audio)
    if video and not facts["clips"] and video["width_px"] * video["height_px"] <= SAMPLED_PIXELS:
        raise BadSource(
            Fault.DAMAGED,
            "No picture of the video can be decoded. Please export the video again as MP4 (H.264).",
        )
    tracks = [_end_s(track) for track in (video, audio) if track]
    return Probe(
        container=facts["container"],
        size_bytes=size_bytes,
        duration_s=max(tracks),
        video=_video_track(video, facts["clips"]) if video else None,
        audio=_audio_track(audio) if audio else None,
        clips=tuple(_clip(clip) for clip in facts["clips"] if clip["pairs"]),
        warnings=tuple(warnings),
    )


def _refuse_picture(video: Mapping[str, Any] | None) -> None:
    """Refuse a picture that no decoder should be asked for."""
    if not video:
        return
    width, height = video["width_px"], video["height_px"]
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
        raise BadSource(
            Fault.TOO_LARGE_PICTURE,
            f"The picture is {width}×{height} pixels; at most 8K (7680×4320) is accepted. "
            "Please export the video in a smaller size.",
        )
    if min(width, height) < MIN_SIDE_PX:
        raise BadSource(
            Fault.NO_CONTENT, f"The picture of {width}×{height} pixels is too small to be seen."
        )


def _refuse_incomplete(facts: Mapping[str, Any]) -> list[str]:
    """Refuse a file that was cut off; give a warning when little is missing."""
    present = sum(track["packets"] for track in (facts["video"], facts["audio"]) if track)
    if not facts["missing_packets"]:
        return []
    expected = present + facts["missing_packets"]
    if present < COMPLETE_SHARE * expected:
        percent = round(100 * present / expected)
        raise BadSource(
            Fault.INCOMPLETE,
            f"The file was cut off: only {percent} % of it is there. Please upload it again.",
        )
    return ["The end of the file is missing; the lesson ends a little early."]


def _refuse_time(video: Mapping[str, Any] | None, audio: Mapping[str, Any] | None) -> None:
    """Refuse what would keep a worker busy without end."""
    end_s = max(_end_s(track) for track in (video, audio) if track)
    if video and not (audio and _end_s(audio) >= COMPLETE_SHARE * end_s):
        rate = video["packets"] / max(video["span_s"], 0.001)
        if video["span_s"] > SPARSE_FROM_S and rate < MIN_FRAMES_A_SECOND:
            raise BadSource(
                Fault.TOO_SPARSE,
                f"The video has only {video['packets']} pictures in {video['span_s']:.0f} s. "
                "Please export it again with a constant frame rate.",
            )
    if end_s > MAX_DURATION_S:
        raise BadSource(
            Fault.TOO_LONG,
            f"The video is {end_s / 3600:.1f} hours long; at most {MAX_DURATION_S // 3600} hours "
            "are accepted. Please cut it into parts.",
        )


def _end_s(track: Mapping[str, Any]) -> float:
    return float(max(0.0, track["start_s"]) + track["span_s"])


def _video_track(facts: Mapping[str, Any], clips: list[dict[str, Any]]) -> VideoTrack:
    first = clips[0] if clips else {}
    key_bytes = facts["key_bytes"] or 1.0
    return VideoTrack(
        index=facts["index"],
        codec=facts["codec"],
        profile=facts["profile"],
        pixel_format=facts["pixel_format"],
        bit_depth=facts["bit_depth"],
        width_px=facts["width_px"],
        height_px=facts["height_px"],
        sar=_aspect(facts["sar"]),
        rotation_deg=int(first.get("rotation_deg", 0)) % 360,
        frame_rate=_frame_rate(facts),
        constant_rate=facts["regular"] >= REGULAR_SHARE,
        start_s=max(0.0, facts["start_s"]),
        end_s=_end_s(facts),
        frames=facts["packets"],
        size_bytes=facts["size_bytes"],
        interlaced=_interlaced(facts, clips),
        high_dynamic_range=bool({facts["transfer"], first.get("transfer")} & HDR_TRANSFERS),
        other_to_key_bytes=facts["other_bytes"] / key_bytes,
        keyframes_s=tuple(facts["keyframes_s"]),
    )


def _audio_track(facts: Mapping[str, Any]) -> AudioTrack:
    return AudioTrack(
        index=facts["index"],
        codec=facts["codec"],
        sample_rate_hz=facts["sample_rate_hz"],
        channels=facts["channels"],
        start_s=max(0.0, facts["start_s"]),
        end_s=_end_s(facts),
        size_bytes=facts["size_bytes"],
    )


def _clip(facts: Mapping[str, Any]) -> Clip:
    return Clip(**{name: facts[name] for name in Clip.__dataclass_fields__})


def _aspect(sar: list[int]) -> tuple[int, int]:
    """Take a pixel aspect only when it is one that recorders use."""
    width, height = sar
    if width <= 0 or height <= 0 or not 0.25 <= width / height <= 4:
        return 1, 1
    return width, height


def _interlaced(facts: Mapping[str, Any], clips: list[dict[str, Any]]) -> bool:
    return facts["field_order"] in INTERLACED_ORDERS or any(c["interlaced"] for c in clips)


def _frame_rate(facts: Mapping[str, Any]) -> tuple[int, int]:
    """Give the header's rate when the packets agree with it, else that of the middle packet."""
    step_s = facts["step_s"] or 1.0
    try:
        header = Fraction(facts["header_rate"])
    except (ValueError, ZeroDivisionError):
        header = Fraction(0)
    measured = Fraction(1 / step_s).limit_denominator(1001)
    agrees = header > 0 and abs(float(header) * step_s - 1) < 0.01
    rate = header if agrees else measured
    return (rate.numerator, rate.denominator) if rate > 0 else (1, 1)
