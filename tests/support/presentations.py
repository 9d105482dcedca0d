"""A lesson as the data plane sees it, with round figures, for exact playlists."""

from __future__ import annotations

from dataclasses import replace

from catalog.ids import make_id
from catalog.media import (
    Chapter,
    Media,
    MediaObject,
    Presentation,
    Rendition,
    Sprite,
    SubtitleTrack,
)

LESSON = make_id(1_700_000_000_000, 1)
VIDEO_TIMESCALE = 15_360
AUDIO_TIMESCALE = 48_000
VIDEO_SIZES = (60_000, 40_000, 50_000, 20_000)
VIDEO_DURATIONS = (61_440, 61_440, 61_440, 30_720)
AUDIO_DURATIONS = (192_512, 192_512, 192_512, 95_232)


def rendition_id(index: int) -> str:
    """A fixed identifier for the index-th rendition."""
    return make_id(1_700_000_000_000, 100 + index)


def video(
    index: int,
    name: str = "1080p",
    size_px: tuple[int, int] = (1920, 1080),
    scale: int = 4,
    codecs: str = "avc1.640028",
) -> Rendition:
    """A video rendition of 14 s in two objects; `scale` multiplies its bytes."""
    sizes = tuple(size * scale for size in VIDEO_SIZES)
    keyframes = tuple(size // 4 for size in sizes)
    key = f"media/{LESSON}/1/{name}"
    return Rendition(
        id=rendition_id(index),
        name=name,
        media=Media.VIDEO,
        codecs=codecs,
        timescale=VIDEO_TIMESCALE,
        init=b"init of " + name.encode(),
        rung=index,
        complete=True,
        objects=(
            MediaObject(
                f"{key}/000000-a1.mp4", 0, 700, 0, sizes[:1], VIDEO_DURATIONS[:1], keyframes[:1]
            ),
            MediaObject(
                f"{key}/000001-a1.mp4",
                1, 700, 61_440, sizes[1:], VIDEO_DURATIONS[1:], keyframes[1:],
            ),
        ),
        width_px=size_px[0],
        height_px=size_px[1],
        frame_rate=(30, 1),
    )  # fmt: skip


def audio(index: int, name: str, codecs: str, size_bytes: int) -> Rendition:
    """An audio rendition of 14 s whose whole segments have this size."""
    sizes = (size_bytes, size_bytes, size_bytes, size_bytes // 2)
    key = f"media/{LESSON}/1/{name}/000000-a1.mp4"
    return Rendition(
        id=rendition_id(index),
        name=name,
        media=Media.AUDIO,
        codecs=codecs,
        timescale=AUDIO_TIMESCALE,
        init=b"init of " + name.encode(),
        rung=index,
        complete=True,
        objects=(MediaObject(key, 0, 600, 0, sizes, AUDIO_DURATIONS),),
        sample_rate_hz=AUDIO_TIMESCALE,
        channels=1,
    )


def growing(rendition: Rendition, objects: int = 1) -> Rendition:
    """The same rendition while only its first objects are published."""
    return replace(rendition, complete=False, objects=rendition.objects[:objects])


HIGH = video(0)
LOW = video(1, "360p", (640, 360), 1, "avc1.64001e")
AV1 = video(2, "1080p-av1", scale=2, codecs="av01.0.08M.08")
AAC = audio(3, "AAC", "mp4a.40.2", 33_000)
OPUS = audio(4, "Opus", "opus", 17_000)
SUBTITLES = (
    SubtitleTrack("zh-CN", "中文", "WEBVTT\n\n00:01.000 --> 00:02.000\n同步\n"),
    SubtitleTrack("en", 'English "plain"', "WEBVTT\n\n00:01.000 --> 00:02.000\nTongbu\n"),
)
SPRITES = (
    Sprite("side/x/1/sprite-a1-0", 5, 2, 160, 90, tuple(map(float, range(10)))),
    Sprite("side/x/1/sprite-a1-1", 5, 2, 160, 90, (10.0, 11.0, 12.0, 13.0)),
)  # fmt: skip
WHOLE = Presentation(
    lesson=LESSON,
    generation=1,
    visibility="public",
    complete=True,
    renditions=(HIGH, LOW, AV1, AAC, OPUS),
    subtitles=SUBTITLES,
    sprites=SPRITES,
    poster_key="side/x/1/poster-a1-0",
    chapters=(Chapter(0.0, "导入"), Chapter(5.5, "a --> b <c>")),
)
GROWING = replace(
    WHOLE,
    complete=False,
    renditions=(growing(HIGH), growing(LOW), growing(AV1), AAC, OPUS),
    sprites=(),
    poster_key="",
    chapters=(),
)
AUDIO_ONLY = replace(WHOLE, renditions=(AAC, OPUS), subtitles=(), sprites=())
SILENT = replace(WHOLE, renditions=(HIGH, LOW), subtitles=(), sprites=())
