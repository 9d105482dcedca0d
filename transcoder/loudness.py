"""Read ffmpeg's measures of loudness and choose gain and channels. Pure.

One gain for the whole lesson brings speech to −16 LUFS; it is capped, because more would lift the
noise of a quiet room. Two channels are kept only when they really differ: most lessons are one
microphone, recorded on both or on one of them.

Spec: EBU R 128 (integrated loudness).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from transcoder.plan import AudioCodec, AudioPlan, AudioRung, Downmix

TARGET_LUFS = -16.0
HIGHEST_GAIN_DB, LOWEST_GAIN_DB = 20.0, -20.0
SILENCE_LUFS = -65.0
STEREO_SIDE_DB = -18.0
ONE_SIDED_DB = 25.0
WINDOW_S, WINDOWS, WHOLE_UP_TO_S = 12.0, 10, 180.0
AAC_MONO_BPS, AAC_STEREO_BPS, OPUS_MONO_BPS, OPUS_STEREO_BPS = 64_000, 96_000, 32_000, 48_000

_INTEGRATED = re.compile(r"^I:\s+(-?[\d.]+|-?inf|nan) LUFS$")
_LEVEL = re.compile(r"RMS level dB: (-?[\d.]+|-?inf|nan)$")


@dataclass(frozen=True, slots=True)
class Loudness:
    """Integrated loudness, and the level of left, right, middle and side in dB."""

    integrated_lufs: float
    left_db: float
    right_db: float
    middle_db: float
    side_db: float


SILENT = Loudness(-math.inf, -math.inf, -math.inf, -math.inf, -math.inf)


def windows(start_s: float, end_s: float) -> list[tuple[float, float]]:
    """Choose (start, length) of what is listened to: all of a short lesson, else spread samples."""
    if end_s - start_s <= WHOLE_UP_TO_S:
        return [(start_s, max(0.1, end_s - start_s))]
    step = (end_s - start_s) / WINDOWS
    return [(round(start_s + step * (n + 0.5) - WINDOW_S / 2, 3), WINDOW_S) for n in range(WINDOWS)]


def read_loudness(lines: Sequence[str]) -> Loudness:
    """Find the measures in ffmpeg's last lines; SILENT when they are not there."""
    integrated = [match[1] for line in lines if (match := _INTEGRATED.search(line))]
    levels = [match[1] for line in lines if (match := _LEVEL.search(line))]
    if not integrated or len(levels) != 4:
        return SILENT
    return Loudness(_number(integrated[-1]), *(_number(level) for level in levels))


def gain_db(loudness: Loudness) -> float:
    """Give the gain towards the target; none for silence."""
    if loudness.integrated_lufs <= SILENCE_LUFS:
        return 0.0
    wanted = TARGET_LUFS - loudness.integrated_lufs
    return round(min(HIGHEST_GAIN_DB, max(LOWEST_GAIN_DB, wanted)), 1)


def downmix(loudness: Loudness, channels: int) -> Downmix:
    """Decide what becomes of the channels."""
    if channels != 2:
        return Downmix.MONO if channels < 2 else Downmix.STEREO
    if loudness.left_db - loudness.right_db >= ONE_SIDED_DB:
        return Downmix.LEFT
    if loudness.right_db - loudness.left_db >= ONE_SIDED_DB:
        return Downmix.RIGHT
    differs = loudness.side_db - loudness.middle_db >= STEREO_SIDE_DB
    return Downmix.STEREO if differs else Downmix.MONO


def audio_plan(loudness: Loudness, channels: int) -> AudioPlan:
    """Give the sound's rungs: AAC for every player, Opus at half the bits for browsers."""
    mix = downmix(loudness, channels)
    stereo = mix is Downmix.STEREO
    aac = AudioRung("aac", AudioCodec.AAC, AAC_STEREO_BPS if stereo else AAC_MONO_BPS, 1 + stereo)
    opus = AudioRung(
        "opus", AudioCodec.OPUS, OPUS_STEREO_BPS if stereo else OPUS_MONO_BPS, 1 + stereo
    )
    return AudioPlan(gain_db(loudness), (aac, opus), mix)


def _number(text: str) -> float:
    """Read a level; silence is written -inf, and nothing at all nan."""
    value = float(text)
    return -math.inf if math.isnan(value) else value
