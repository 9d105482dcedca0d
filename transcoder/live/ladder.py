"""Rungs of a live feed, and what they cost. Pure.

The top rung and the sound are the source's own where they are fit; the others are encoded. `ways`
gives the whole ladder first and then cheaper ones, down to the source alone: admission takes the
first that fits.

Cost in cores as measured in one run (ffmpeg, x264 superfast, zerolatency, one thread, 720p30):
source + 360p 0.15, 720p + 480p + 360p all encoded 0.46. From these a line through the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.media import Media
from streaming.live.port import LiveRendition
from transcoder.live.flv import Hints
from transcoder.live.source import (
    COPY_SOUND_BPS,
    USUAL_FPS,
    USUAL_SIZE_PX,
    Picture,
    Source,
)

LOWER_SHORT_PX = (720, 360, 180)
LOWER_RUNGS = 2
LOWER_STEP = 0.7
TOP_SHORT_PX = 1080
SOUND_NAME, SOUND_BPS = "aac", 96_000
COPY_CORES, SOUND_CORES, ENCODE_CORES = 0.005, 0.015, 0.02
DECODE_CORES_MPX_S, ENCODE_CORES_MPX_S = 0.0018, 0.0075
# VP8 and VP9 into H.264 of the same size, against H.264 into H.264 (one run, 720p30, same options:
# 1.16 and 1.20 of its CPU time).
RECODE_RATIO = 1.2
# short side → bits a second that are encoded at 30 frames a second.
ENCODED_BPS = {1080: 3_500_000, 720: 1_800_000, 480: 900_000, 360: 600_000, 0: 250_000}
# A source that is copied may peak above its mean, which nobody tells us beforehand.
COPIED_BPS = {1080: 8_000_000, 720: 4_500_000, 480: 2_500_000, 360: 1_500_000, 0: 800_000}


@dataclass(frozen=True, slots=True)
class LiveRung:
    """One picture of the ladder; `copied` is the source as it is."""

    name: str
    width_px: int
    height_px: int
    bandwidth_bps: int
    copied: bool


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What the encoder of a feed makes, and what it costs."""

    rungs: tuple[LiveRung, ...]
    sound: bool
    fps: float
    cores: float
    copies_sound: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All renditions, in the order of ffmpeg's pipes."""
        return tuple(rung.name for rung in self.rungs) + ((SOUND_NAME,) if self.sound else ())

    def renditions(self) -> list[LiveRendition]:
        """What the origin is told."""
        rate = (round(self.fps * 1000), 1000)
        found = [
            LiveRendition(rung.name, Media.VIDEO, number, rung.bandwidth_bps, rate)
            for number, rung in enumerate(self.rungs)
        ]
        if self.sound:
            bandwidth_bps = COPY_SOUND_BPS if self.copies_sound else SOUND_BPS
            found.append(LiveRendition(SOUND_NAME, Media.AUDIO, 0, bandwidth_bps))
        return found


def ways(source: Source, *, copy: bool = True) -> list[LivePlan]:
    """Give the plans for a source, the best first. copy False: its keyframes are too rare."""
    picture = source.picture
    if picture is None:
        return [LivePlan((), True, 0.0, _sound_cores(source), source.plain_sound)]
    lower = _lower(picture)
    if copy and picture.plain:
        top = _rung(picture, min(picture.width_px, picture.height_px))
        top = replace(top, copied=True, bandwidth_bps=_step(COPIED_BPS, top))
        ladders = [(top, *lower[:count]) for count in range(len(lower), -1, -1)]
    else:
        short = min(picture.width_px, picture.height_px, TOP_SHORT_PX)
        whole = (_rung(picture, short), *lower)
        ladders = [whole[start:] for start in range(len(whole))]
    return [_plan(source, picture, ladder) for ladder in ladders]


def usual_cores() -> float:
    """Give what a feed costs that a booking knows nothing of: 720p30 copied, two rungs below."""
    return ways(Source(Picture("h264", *USUAL_SIZE_PX, USUAL_FPS, plain=True), "aac"))[0].cores


def recoding_cores(hints: Hints) -> float:
    """Give what a relay costs that makes a browser's VP8 or VP9 into H.264."""
    width_px, height_px = USUAL_SIZE_PX
    if hints.width_px and hints.height_px:
        width_px, height_px = hints.width_px, hints.height_px
    mpx_s = Picture("vp", width_px, height_px, hints.fps or USUAL_FPS, plain=False).mpx_s
    once = ENCODE_CORES + mpx_s * (DECODE_CORES_MPX_S + ENCODE_CORES_MPX_S)
    return round(RECODE_RATIO * once, 3)


def _lower(picture: Picture) -> list[LiveRung]:
    limit = LOWER_STEP * min(picture.width_px, picture.height_px)
    fitting = [short for short in LOWER_SHORT_PX if short <= limit]
    return [_rung(picture, short) for short in fitting[:LOWER_RUNGS]]


def _rung(picture: Picture, short_px: int) -> LiveRung:
    scale = short_px / min(picture.width_px, picture.height_px)
    width, height = _even(picture.width_px * scale), _even(picture.height_px * scale)
    rung = LiveRung(f"{short_px}p", width, height, 0, copied=False)
    return replace(rung, bandwidth_bps=_step(ENCODED_BPS, rung))


def _step(table: dict[int, int], rung: LiveRung) -> int:
    short = min(rung.width_px, rung.height_px)
    return next(bps for least, bps in table.items() if short >= 0.9 * least)


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)


def _sound_cores(source: Source) -> float:
    if source.sound is None:
        return 0.0
    return COPY_CORES if source.plain_sound else SOUND_CORES


def _plan(source: Source, picture: Picture, rungs: tuple[LiveRung, ...]) -> LivePlan:
    encoded = [rung for rung in rungs if not rung.copied]
    cores = COPY_CORES + _sound_cores(source)
    if encoded:
        cores += picture.mpx_s * DECODE_CORES_MPX_S
    for rung in encoded:
        mpx_s = rung.width_px * rung.height_px * picture.fps / 1e6
        cores += ENCODE_CORES + mpx_s * ENCODE_CORES_MPX_S
    sound = source.sound is not None
    return LivePlan(rungs, sound, picture.fps, round(cores, 3), source.plain_sound)
