"""Sources of other kinds: a beep with each flash, B-frames, HEVC; as viewers see and hear them."""

from __future__ import annotations

import asyncio
import io
from array import array

import av

from tests.support.live_feeds import KeptFeed
from tests.support.publishing import AAC, PICTURE, SOUND, STEADY, publisher, studio
from tests.support.rtmp import SESSION
from transcoder.live.argv import VIDEO_TIMESCALE

SYNC_LIMIT_S = 0.02
ROUNDING_S = 0.0025
FLASHES = (*STEADY, "-f", "lavfi", "-i",
           "color=black:s=640x360:r=30,"
           "drawbox=c=white:t=fill:enable='lt(mod(t,1),0.2)'")  # fmt: skip
BEEPS = (*STEADY, "-f", "lavfi", "-i",
         "aevalsrc='if(lt(mod(t,1),0.2),0.8*sin(2*PI*1000*t),0)':s=48000")  # fmt: skip
B_FRAMES = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "30", "-b:v", "800k",
            "-rc-lookahead", "5", "-pix_fmt", "yuv420p")  # fmt: skip


def reorder_s(file: bytes) -> float:
    """How much later ffmpeg shows a track with B-frames than browsers do.

    CMAF's negative composition offsets are taken as they are by browsers; libavformat moves all
    presentation times by the largest of them.
    """
    offsets = [0]
    for part in file.split(b"trun")[1:]:
        flags = int.from_bytes(part[1:4], "big")
        before = sum(4 for flag in (0x1, 0x4, 0x100, 0x200, 0x400) if flags & flag)
        if flags & 0x800:
            raw = part[8 + before : 12 + before]
            offsets.append(int.from_bytes(raw, "big", signed=True))
    return -min(offsets) / VIDEO_TIMESCALE


def flashes_s(file: bytes) -> list[float]:
    """When the picture turns white."""
    found, dark, later_s = list[float](), False, reorder_s(file)
    with av.open(io.BytesIO(file)) as container:
        for frame in container.decode(video=0):
            small = frame.reformat(width=16, height=16, format="gray")
            bright = bytes(small.planes[0])[0] > 128
            if bright and dark:
                found.append(float(frame.time or 0) - later_s)
            dark = not bright
    return found


def beeps_s(file: bytes) -> list[float]:
    """When the sound begins after silence."""
    found, quiet = list[float](), 0
    with av.open(io.BytesIO(file)) as container:
        for frame in container.decode(audio=0):
            begin_s = float(frame.time or 0)
            for at, level in enumerate(array("f", bytes(frame.planes[0]))[: frame.samples]):
                quiet += 1
                if abs(level) > 0.3:
                    if quiet > 4_000:
                        found.append(begin_s + at / frame.sample_rate)
                    quiet = 0
    return found


def apart_s(flashes: list[float], beeps: list[float]) -> list[float]:
    """How far the nearest beep is from each flash but the last."""
    return [min(abs(beep - flash) for beep in beeps) for flash in flashes[:-1]]


async def assert_lip_sync(feed: KeptFeed, name: str) -> None:
    flashes = await asyncio.to_thread(flashes_s, feed.file(name))
    beeps = await asyncio.to_thread(beeps_s, feed.file("aac"))
    assert len(flashes) >= 3
    assert max(apart_s(flashes, beeps)) < SYNC_LIMIT_S, (flashes, beeps)


async def test_picture_and_sound_are_together_also_with_b_frames() -> None:
    async with (
        studio() as here,
        publisher(here.url(SESSION), *FLASHES, *BEEPS, *B_FRAMES, *AAC),
    ):
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("aac") > 6)
        await assert_lip_sync(feed, "180p")
        await assert_lip_sync(feed, "360p")
        one, other = feed.keyframes_s("360p"), feed.keyframes_s("180p")
        shared = min(len(one), len(other))
        assert shared >= 3
        apart = (abs(a - b) for a, b in zip(one[:shared], other[:shared], strict=True))
        assert max(apart) < ROUNDING_S


async def test_hevc_is_encoded_for_everyone() -> None:
    hevc = ("-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30",
            "-x265-params", "log-level=none", "-rtmp_enhanced_codecs", "hvc1")  # fmt: skip
    async with studio() as here, publisher(here.url(SESSION), *PICTURE, *SOUND, *hevc, *AAC):
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("180p") > 3)
        assert feed.names() == ["360p", "180p", "aac"]
        codecs = {feed.inits[name][0].track.codecs[:4] for name in ("360p", "180p")}
        assert codecs == {"avc1"}
        one, other = feed.keyframes_s("360p"), feed.keyframes_s("180p")
        assert one[:2] == other[:2]
