"""What a publisher sends: picture and sound as the ladder and ffmpeg need to know them. Pure.

H.264 says itself what it is; of HEVC and AV1 only what onMetaData hints at is known, which is
enough, because they are always encoded again.
"""

from __future__ import annotations

from dataclasses import dataclass

from transcoder.live.avc import read_avcc
from transcoder.live.flv import Hints, Tag, look

USUAL_FPS = 30.0
USUAL_SIZE_PX = (1280, 720)
FASTEST_FPS = 120.0
COPY_SHORT_PX, COPY_LONG_PX, COPY_FPS = 1088, 1920, 61.0
COPY_SOUND_BPS = 160_000
_AAC_LC = 2
_COPY_RATES = {3: 48_000, 4: 44_100}


@dataclass(frozen=True, slots=True)
class Picture:
    """A publisher's picture. `plain`: every player decodes it, so it can be sent on as it is."""

    codec: str
    width_px: int
    height_px: int
    fps: float
    plain: bool

    @property
    def mpx_s(self) -> float:
        """Millions of pixels a second."""
        return self.width_px * self.height_px * self.fps / 1e6


@dataclass(frozen=True, slots=True)
class Source:
    """Picture and sound with their header tags' bytes; equal sources can share an encoder.

    `plain_sound`: every player decodes it, and a thin line carries it, so it can be sent on as it
    is.
    """

    picture: Picture | None
    sound: str | None
    picture_header: bytes = b""
    sound_header: bytes = b""
    plain_sound: bool = False


def read_picture(header: Tag, hints: Hints) -> Picture:
    """Read a picture's header tag. Raises: BadContribution."""
    seen = look(header)
    codec = seen.codec or ""
    if codec != "h264":
        width, height = hints.width_px or USUAL_SIZE_PX[0], hints.height_px or USUAL_SIZE_PX[1]
        return Picture(codec, width, height, _rate(hints.fps), plain=False)
    found = read_avcc(header.data[seen.body :])
    fps = _rate(hints.fps or found.fps)
    short, long = sorted((found.width_px, found.height_px))
    small = short <= COPY_SHORT_PX and long <= COPY_LONG_PX and fps <= COPY_FPS
    plain = found.progressive and found.chroma == 1 and found.depth_bits == 8 and small
    return Picture(codec, found.width_px, found.height_px, fps, plain)


def is_plain_sound(header: Tag, hints: Hints) -> bool:
    """Tell whether sound is AAC-LC at a usual rate, one or two channels, and said to be small.

    Spec: ISO/IEC 14496-3 1.6.2.1 (AudioSpecificConfig).
    """
    seen = look(header)
    config = header.data[seen.body :]
    if seen.codec != "aac" or len(config) < 2 or not 0 < hints.sound_bps <= COPY_SOUND_BPS:
        return False
    bits = int.from_bytes(config[:2], "big")
    profile, rate, channels = bits >> 11, bits >> 7 & 15, bits >> 3 & 15
    return profile == _AAC_LC and rate in _COPY_RATES and channels in (1, 2)


def _rate(fps: float) -> float:
    """Keep a rate that can be; else the usual one."""
    return fps if 1 <= fps <= FASTEST_FPS else USUAL_FPS
