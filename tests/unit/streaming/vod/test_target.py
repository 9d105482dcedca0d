import pytest

from streaming.vod.target import Kind, Target, read_target
from tests.support.presentations import LESSON, rendition_id

RENDITION = rendition_id(0)


@pytest.mark.parametrize(
    ("rest", "target"),
    [
        ("multivariant.m3u8", Target(LESSON, Kind.MULTIVARIANT)),
        ("manifest.mpd", Target(LESSON, Kind.MANIFEST)),
        ("poster.jpg", Target(LESSON, Kind.POSTER)),
        ("thumbnails.vtt", Target(LESSON, Kind.THUMBNAILS)),
        ("chapters.vtt", Target(LESSON, Kind.CHAPTERS)),
        ("sprite-12.jpg", Target(LESSON, Kind.SPRITE, number=12)),
        ("subtitles/zh-Hans-CN.vtt", Target(LESSON, Kind.SUBTITLES, language="zh-Hans-CN")),
        ("subtitles/en.m3u8", Target(LESSON, Kind.SUBTITLE_PLAYLIST, language="en")),
        (f"{RENDITION}/media.m3u8", Target(LESSON, Kind.MEDIA_PLAYLIST, RENDITION)),
        (f"{RENDITION}/iframes.m3u8", Target(LESSON, Kind.IFRAME_PLAYLIST, RENDITION)),
        (f"{RENDITION}/init.mp4", Target(LESSON, Kind.INIT, RENDITION)),
        (f"{RENDITION}/0.m4s", Target(LESSON, Kind.SEGMENT, RENDITION)),
        (f"{RENDITION}/107.m4s", Target(LESSON, Kind.SEGMENT, RENDITION, 107)),
    ],
)
def test_what_is_named(rest: str, target: Target) -> None:
    assert read_target(f"{LESSON}/{rest}") == target


@pytest.mark.parametrize(
    "path",
    [
        "",
        LESSON,
        f"{LESSON}/",
        f"{LESSON}/index.html",
        f"/{LESSON}/poster.jpg",
        f"{LESSON.upper()}/poster.jpg",
        f"{LESSON}/poster.jpg\n",
        f"{LESSON}/sprite-01.jpg",
        f"{LESSON}/sprite--1.jpg",
        f"{LESSON}/{RENDITION}/1234567890.m4s",
        f"{LESSON}/{RENDITION}/１.m4s",
        f"{LESSON}/{RENDITION[:-1]}/0.m4s",
        f"{LESSON}/subtitles/../poster.jpg.vtt",
        f"{LESSON}/subtitles/{'a' * 36}.vtt",
        f"{LESSON}/{'a' * 1000}",
    ],
)
def test_what_names_nothing(path: str) -> None:
    assert read_target(path) is None
