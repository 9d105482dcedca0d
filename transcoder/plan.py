"""What is to be made of a source: the words between planning, running and publishing. Pure.

A plan is decided once a generation (probe, ladder) and kept in `source.plan`, so that every attempt
and every worker cuts and encodes alike. Video is counted in frames of the plan's constant rate;
a segment is one closed GOP of `gop_frames`, the same grid in every rung.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ContentKind(Enum):
    """What the picture is, because slides need resolution and camera needs bits."""

    SLIDES = "slides"
    SLIDES_WITH_FACE = "slides_with_face"
    CAMERA = "camera"
    AUDIO_ONLY = "audio_only"


class VideoCodec(Enum):
    """Codec of a video rung."""

    H264 = "h264"
    AV1 = "av1"


class AudioCodec(Enum):
    """Codec of an audio rendition."""

    AAC = "aac"
    OPUS = "opus"


@dataclass(frozen=True, slots=True)
class VideoRung:
    """One video rendition. cap_bps and buffer_bits bound the rate (VBV); name is its identity."""

    name: str
    codec: VideoCodec
    width_px: int
    height_px: int
    crf: int
    cap_bps: int
    buffer_bits: int
    tune: str
    preset: str


@dataclass(frozen=True, slots=True)
class AudioRung:
    """One audio rendition."""

    name: str
    codec: AudioCodec
    bitrate_bps: int
    channels: int
    sample_rate_hz: int = 48_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of frames that one unit of work encodes; frame_count None runs to the end.

    `clean` says that decoding may start at start_frame by seeking (checked by doing so); otherwise
    the source is decoded from its beginning and the frames in front are dropped.
    """

    index: int
    start_frame: int
    frame_count: int | None
    clean: bool


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """Rungs ordered from the largest; frame_rate is (numerator, denominator).

    frame_total counts the frames from 0 to the end of the lesson: a last picture shorter than the
    sound is held. `deinterlace` and `tone_map` are done once, before the first scaling.
    """

    frame_rate: tuple[int, int]
    frame_total: int
    gop_frames: int
    rungs: tuple[VideoRung, ...]
    late_rungs: tuple[VideoRung, ...]
    chunks: tuple[Chunk, ...]
    hold_last_s: float = 0.0
    deinterlace: bool = False
    tone_map: bool = False

    @property
    def gop_s(self) -> float:
        """Length of a segment in seconds."""
        return self.gop_frames * self.frame_rate[1] / self.frame_rate[0]

    def at_s(self, frame: int) -> float:
        """Media time of a frame in seconds."""
        return frame * self.frame_rate[1] / self.frame_rate[0]

    def frames_of(self, chunk: Chunk) -> int:
        """Frames that a chunk is to have; the last one's number is an estimate."""
        return chunk.frame_count or max(1, self.frame_total - chunk.start_frame)


class Downmix(Enum):
    """What becomes of the source's channels."""

    STEREO = "stereo"
    MONO = "mono"
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class AudioPlan:
    """gain_db is added before a limiter; both are the same for every rung."""

    gain_db: float
    rungs: tuple[AudioRung, ...]
    downmix: Downmix = Downmix.MONO


@dataclass(frozen=True, slots=True)
class SidePlan:
    """Thumbnails: one cell each every_s, columns × rows cells a sheet; `chapters`: look for them.

    A chunk begins its own first sheet. poster_at_s is the source time of the poster.
    """

    every_s: float
    cell_width_px: int
    cell_height_px: int
    columns: int
    rows: int
    poster_at_s: float
    poster_height_px: int
    chapters: bool


@dataclass(frozen=True, slots=True)
class EncodePlan:
    """All that is made of one source. duration_s is measured from packets, not from headers."""

    kind: ContentKind
    duration_s: float
    video: VideoPlan | None
    audio: AudioPlan | None
    side: SidePlan | None = None
    warnings: tuple[str, ...] = ()
