"""Choose rungs for what the picture shows and how large it is. Pure.

Slides need their resolution: their second rung is the full picture at a lower quality, not a
smaller one. Camera needs its bits: smaller pictures win below 1 Mb/s. Sizes go by the short side,
so that portrait is treated alike; nothing is scaled up. Figures: transcoder/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from transcoder.plan import ContentKind, VideoCodec, VideoRung

TOP_SHORT_PX = 1080
TOP_AREA_PX = 1920 * 1080 * 6 // 5
SMALLEST_STEP = 0.85
HIGHEST_RATE, HIGHEST_SLIDES_RATE = 30, 15
LOWEST_RATE = 5
FULL_RATES = (
    Fraction(24_000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30_000, 1001),
    Fraction(30),
)
USUAL_RATES = (*FULL_RATES, *(rate / 2 for rate in FULL_RATES), Fraction(10), Fraction(20))
RATE_TOLERANCE = 0.005
MEASURED_TOLERANCE = 0.03
SLIDES_GOP_S, CAMERA_GOP_S = 8, 4
OLD_CODEC_HEADROOM, NEW_CODEC_HEADROOM = 1.5, 2.5
NEW_CODECS = {"hevc", "vp9", "av1", "libdav1d", "vvc"}
LOWEST_CAP_BPS = 60_000
NO_CEILING_BPS = 1 << 40
LOW_FROM_SHORT_PX = 480
H264_PRESET, AV1_PRESET = "veryfast", "8"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a ladder: short side, name's ending, quality, and caps at that size."""

    short_px: int
    ending: str
    crf: int
    cap_kbps: int
    buffer_kbits: int


SLIDES = (
    Step(1080, "", 25, 1500, 3000),
    Step(1080, "-low", 32, 400, 1200),
    Step(720, "", 26, 600, 1200),
    Step(360, "", 22, 150, 450),
)
SLIDES_WITH_FACE = (
    Step(1080, "", 26, 1500, 3000),
    Step(1080, "-low", 33, 400, 1200),
    Step(720, "", 26, 600, 1200),
    Step(360, "", 24, 150, 450),
)
CAMERA = (
    Step(1080, "", 27, 2500, 5000),
    Step(720, "", 26, 1200, 2400),
    Step(480, "", 24, 600, 1200),
    Step(360, "", 24, 300, 600),
    Step(240, "", 26, 150, 300),
)
LADDERS = {
    ContentKind.SLIDES: (SLIDES, "stillimage", SLIDES_GOP_S, Step(1080, "-av1", 55, 0, 0), "scm=1"),
    ContentKind.SLIDES_WITH_FACE: (
        SLIDES_WITH_FACE,
        "animation",
        SLIDES_GOP_S,
        Step(1080, "-av1", 50, 0, 0),
        "scm=1",
    ),
    ContentKind.CAMERA: (CAMERA, "animation", CAMERA_GOP_S, Step(1080, "-av1", 36, 0, 0), ""),
}


def frame_rate(kind: ContentKind, rate: tuple[int, int], *, constant: bool) -> tuple[int, int]:
    """Give the constant rate to encode at: the source's or a fraction of it.

    At most 30, and 15 for slides, where frames are repeats and cost nothing but the encoder's time.

    A variable source is laid on the rate of its liveliest stretches: repeated frames cost next to
    nothing. Its rate is measured, so it may be further from the usual one that is meant.
    """
    source = Fraction(*rate)
    tolerance = RATE_TOLERANCE if constant else MEASURED_TOLERANCE
    highest = HIGHEST_SLIDES_RATE if kind is ContentKind.SLIDES else HIGHEST_RATE
    divisor = 1
    while source / divisor > highest * (1 + tolerance):
        divisor += 1
    divided = source / divisor
    meant = [rate for rate in USUAL_RATES if constant or rate.denominator < 1001]
    usual = min(meant, key=lambda rate: abs(divided - rate))
    if abs(divided / usual - 1) <= tolerance:
        return usual.numerator, usual.denominator
    whole = min(highest, max(LOWEST_RATE, round(divided)))
    return whole, 1


def gop_frames(kind: ContentKind, rate: tuple[int, int]) -> int:
    """Give the length of a segment in frames."""
    return max(1, round(LADDERS[kind][2] * rate[0] / rate[1]))


def fitted(display_px: tuple[int, int], short_px: int) -> tuple[int, int]:
    """Scale down so that the short side is short_px and the area a decoder's; sides are even."""
    width, height = display_px
    scale = min(1.0, short_px / min(width, height), (TOP_AREA_PX / (width * height)) ** 0.5)
    return _even(width * scale), _even(height * scale)


def rungs(
    kind: ContentKind, display_px: tuple[int, int], source_bps: float, source_codec: str
) -> tuple[VideoRung, ...]:
    """Give the H.264 rungs from the largest; always at least one.

    A camera's caps follow what the source has to give; a page that turns needs its burst of bits
    however few the source has on the whole.
    """
    steps, tune = LADDERS[kind][:2]
    ceiling_bps = NO_CEILING_BPS
    if kind is ContentKind.CAMERA:
        headroom = NEW_CODEC_HEADROOM if source_codec in NEW_CODECS else OLD_CODEC_HEADROOM
        ceiling_bps = max(LOWEST_CAP_BPS, int(source_bps * headroom))
    found: list[VideoRung] = []
    for step in steps:
        size = fitted(display_px, step.short_px)
        if _is_new(size, step, found):
            found.append(_rung(step, size, tune, ceiling_bps))
    return tuple(found)


def late_rungs(kind: ContentKind, display_px: tuple[int, int]) -> tuple[VideoRung, ...]:
    """Give the AV1 rung that is made when nothing more urgent waits."""
    step, tune = LADDERS[kind][3:]
    width, height = fitted(display_px, step.short_px)
    name = f"{min(width, height)}p{step.ending}"
    rung = VideoRung(name, VideoCodec.AV1, width, height, step.crf, 0, 0, tune, AV1_PRESET)
    return (rung,)


def fixed_rungs(
    kind: ContentKind, display_px: tuple[int, int], short_sides: tuple[int, ...]
) -> tuple[VideoRung, ...]:
    """Give rungs of asked-for sizes, for comparison with other services' ladders."""
    steps, tune = LADDERS[kind][:2]
    quality = {0: steps[0].crf + 1, 1: steps[0].crf}
    found = []
    for short in sorted(short_sides, reverse=True):
        size = fitted(display_px, short)
        step = Step(short, "", quality[short < 720], 4500 * short // 1080, 9000 * short // 1080)
        found.append(_rung(step, size, tune, NO_CEILING_BPS))
    return tuple(found)


def _is_new(size: tuple[int, int], step: Step, found: list[VideoRung]) -> bool:
    """Tell whether a rung adds something to those above it."""
    if not found:
        return True
    above = found[-1]
    if step.ending:
        return min(size) >= LOW_FROM_SHORT_PX
    return min(size) <= SMALLEST_STEP * min(above.width_px, above.height_px)


def _rung(step: Step, size: tuple[int, int], tune: str, ceiling_bps: int) -> VideoRung:
    """Scale a step's caps to its real size and never above what the source has to give."""
    shrunk = min(1.0, min(size) / step.short_px) ** 1.5
    cap_bps = min(ceiling_bps, max(LOWEST_CAP_BPS, int(step.cap_kbps * 1000 * shrunk)))
    buffer_bits = int(cap_bps * step.buffer_kbits / step.cap_kbps)
    name = f"{min(size)}p{step.ending}"
    return VideoRung(
        name, VideoCodec.H264, *size, step.crf, cap_bps, buffer_bits, tune, H264_PRESET
    )


def _even(pixels: float) -> int:
    """Round to the nearest even number, at least 16."""
    return max(16, round(pixels / 2) * 2)
