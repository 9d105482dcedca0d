"""Tell slides from slides with a face from camera, by sampled clips. Pure.

Rule, on the median of the clips: a drawn picture has few shades and very steep steps (text);
a camera's steps are blurred by its lens. In a drawn picture, the share of grid cells that change
within a second tells a pointer from a face from moving pictures, which are coded like camera; a
face that keeps still is known by the bytes that the source spends between its keyframes.
Thresholds were set on real and generated recordings; the table stands in transcoder/README.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from transcoder.plan import ContentKind
from transcoder.probe import Clip

BLANK_PALETTE = 0.9
DRAWN_PALETTE = 0.35
DRAWN_SHARP = 0.22
ENOUGH_DETAIL = 0.004
FACE_CELLS = 0.03
FACE_OTHER_TO_KEY_BYTES = 0.02
MOVING_CELLS = 0.45


def is_drawn(clip: Clip) -> bool:
    """Tell whether a clip shows drawn pages (slides, a screen) rather than a camera's picture."""
    if clip.palette >= BLANK_PALETTE:
        return True
    text = clip.detail >= ENOUGH_DETAIL and clip.sharp >= DRAWN_SHARP
    return text and clip.palette >= DRAWN_PALETTE


def content_kind(clips: Sequence[Clip], other_to_key_bytes: float) -> ContentKind:
    """Decide by majority; camera, the kind that does least harm, when nothing could be seen."""
    drawn = [clip for clip in clips if is_drawn(clip)]
    if not clips or 2 * len(drawn) <= len(clips):
        return ContentKind.CAMERA
    cells = median(clip.cells for clip in clips)
    if cells >= MOVING_CELLS:
        return ContentKind.CAMERA
    face = cells >= FACE_CELLS or other_to_key_bytes >= FACE_OTHER_TO_KEY_BYTES
    return ContentKind.SLIDES_WITH_FACE if face else ContentKind.SLIDES


def poster_time_s(clips: Sequence[Clip], duration_s: float) -> float:
    """Choose the moment with most to see, neither black nor white; else a tenth into the lesson."""
    shown = [clip for clip in clips if 16 <= clip.luma <= 245]
    if not shown:
        return round(duration_s / 10, 3)
    return max(shown, key=lambda clip: (clip.detail, -clip.at_s)).at_s
