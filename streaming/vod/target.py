"""What a path below /media names. Pure.

{lesson}/multivariant.m3u8  manifest.mpd  poster.jpg  thumbnails.vtt  chapters.vtt
{lesson}/sprite-{i}.jpg     {lesson}/subtitles/{language}.vtt  .m3u8
{lesson}/{rendition}/media.m3u8  iframes.m3u8  init.mp4  {n}.m4s
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

NUMBER_LIMIT_DIGITS = 9


class Kind(Enum):
    """What is asked for; the value labels metrics."""

    MULTIVARIANT = "multivariant"
    MANIFEST = "manifest"
    MEDIA_PLAYLIST = "media_playlist"
    IFRAME_PLAYLIST = "iframe_playlist"
    SUBTITLE_PLAYLIST = "subtitle_playlist"
    INIT = "init"
    SEGMENT = "segment"
    SUBTITLES = "subtitles"
    THUMBNAILS = "thumbnails"
    CHAPTERS = "chapters"
    SPRITE = "sprite"
    POSTER = "poster"


@dataclass(frozen=True, slots=True)
class Target:
    """One resource of a lesson; `av1` asks for a multivariant playlist with AV1 variants, `whole`
    for one with those that a school's cap hides.
    """

    lesson: str
    kind: Kind
    rendition: str = ""
    number: int = 0
    language: str = ""
    av1: bool = False
    whole: bool = False


_ID = "[0-9a-hjkmnp-tv-z]{20}"
_N = f"(?:0|[1-9][0-9]{{0,{NUMBER_LIMIT_DIGITS - 1}}})"
_LANGUAGE = "[A-Za-z0-9-]{1,35}"
_FORMS: dict[Kind, str] = {
    Kind.SEGMENT: rf"(?P<rendition>{_ID})/(?P<number>{_N})\.m4s",
    Kind.INIT: rf"(?P<rendition>{_ID})/init\.mp4",
    Kind.MEDIA_PLAYLIST: rf"(?P<rendition>{_ID})/media\.m3u8",
    Kind.IFRAME_PLAYLIST: rf"(?P<rendition>{_ID})/iframes\.m3u8",
    Kind.MULTIVARIANT: r"multivariant\.m3u8",
    Kind.MANIFEST: r"manifest\.mpd",
    Kind.POSTER: r"poster\.jpg",
    Kind.THUMBNAILS: r"thumbnails\.vtt",
    Kind.CHAPTERS: r"chapters\.vtt",
    Kind.SPRITE: rf"sprite-(?P<number>{_N})\.jpg",
    Kind.SUBTITLES: rf"subtitles/(?P<language>{_LANGUAGE})\.vtt",
    Kind.SUBTITLE_PLAYLIST: rf"subtitles/(?P<language>{_LANGUAGE})\.m3u8",
}
_PATH = re.compile(rf"(?P<lesson>{_ID})/(?P<rest>.{{1,80}})")
_PATTERNS = [(kind, re.compile(form)) for kind, form in _FORMS.items()]


def read_target(path: str) -> Target | None:
    """Read a path without its leading slash; None when it names nothing."""
    whole = _PATH.fullmatch(path)
    if whole is None:
        return None
    for kind, pattern in _PATTERNS:
        found = pattern.fullmatch(whole["rest"])
        if found:
            parts = found.groupdict()
            return Target(
                whole["lesson"],
                kind,
                parts.get("rendition", ""),
                int(parts.get("number", 0)),
                parts.get("language", ""),
            )
    return None
