"""Tags of a small publisher: 640x360 H.264 at 25 frames a second, AAC."""

from __future__ import annotations

from collections.abc import Iterator

from transcoder.live.avc import make_avcc
from transcoder.live.flv import Kind, Tag

A, V = Kind.AUDIO, Kind.VIDEO
# testsrc2=size=640x360:rate=30, libx264 -preset ultrafast -tune zerolatency
SPS = bytes.fromhex("6742c01eda0280bfe5c044000003000400000300f23c58ba80")
PPS = bytes.fromhex("68ce3c80")
AVCC = make_avcc([SPS, PPS]) or b""
VIDEO_HEADER = Tag(V, 0, b"\x17\0\0\0\0" + AVCC)
SOUND_HEADER = Tag(A, 0, b"\xaf\x00\x11\x90")


def picture(time_ms: int, *, key: bool = False) -> Tag:
    """A picture."""
    return Tag(V, time_ms, (b"\x17" if key else b"\x27") + b"\x01\0\0\0frame")


def sound(time_ms: int) -> Tag:
    """An AAC frame."""
    return Tag(A, time_ms, b"\xaf\x01sound")


def stream(seconds: float, *, gop: int = 25, sounds: bool = True) -> Iterator[Tag]:
    """Headers, then pictures and sound in order of time."""
    yield VIDEO_HEADER
    if sounds:
        yield SOUND_HEADER
    for number in range(round(25 * seconds)):
        yield picture(40 * number, key=number % gop == 0)
        if sounds:
            yield sound(40 * number + 10)
