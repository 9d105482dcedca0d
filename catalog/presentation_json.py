"""A presentation as JSON, out and in: what an edge asks of its upstream and keeps on disk. Pure.

`decode` gives exactly what `encode` was given, or refuses: an edge builds playlists and asks for
byte ranges by these numbers, so an upstream that lies must not get further than here. Fields that
are not known are passed over: an upstream may be newer. Bytes are base64 (RFC 4648 4).

Spec: RFC 8259.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import isfinite

import msgspec

from catalog.errors import Invalid
from catalog.ids import is_id
from catalog.media import Chapter, MediaObject, Presentation, Rendition, Sprite, SubtitleTrack
from catalog.store.port import KEY_LIMIT_BYTES

PRESENTATION_LIMIT_BYTES = 64 * 1024 * 1024
RENDITIONS_LIMIT = 64
OBJECTS_LIMIT = 40_000
SEGMENTS_LIMIT = 400_000
INIT_LIMIT_BYTES = 256 * 1024
SEGMENT_LIMIT_BYTES = 1 << 30
NUMBER_LIMIT = 1 << 53
TIMESCALE_LIMIT = 1_000_000_000
PX_LIMIT = 32_768
SUBTITLES_LIMIT = 40
WEBVTT_LIMIT_CHARS = 4 * 1024 * 1024
SPRITES_LIMIT = 1000
CELLS_LIMIT = 20_000
CHAPTERS_LIMIT = 5000
TEXT_LIMIT_CHARS = 400
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._,+ -]*")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def encode(presentation: Presentation) -> bytes:
    """Give the JSON of a presentation."""
    return msgspec.json.encode(presentation)


def decode(raw: bytes) -> Presentation:
    """Read what `encode` gave. Raises: Invalid, with the place that is wrong."""
    if len(raw) > PRESENTATION_LIMIT_BYTES:
        raise Invalid(f"a presentation is larger than {PRESENTATION_LIMIT_BYTES >> 20} MiB")
    try:
        found = msgspec.json.decode(raw, type=Presentation)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"this is not a presentation: {error}") from error
    return check(found)


def check(found: Presentation) -> Presentation:
    """Give back a presentation whose numbers can be worked with. Raises: Invalid."""
    _require(is_id(found.lesson), "lesson", "is no identifier")
    _number(found.generation, "generation")
    _text(found.visibility, "visibility")
    _require(bool(_WORD.fullmatch(found.visibility)), "visibility", "is no word")
    _renditions(found.renditions)
    _few(found.subtitles, SUBTITLES_LIMIT, "subtitles")
    for track in found.subtitles:
        _subtitles(track)
    _few(found.sprites, SPRITES_LIMIT, "sprites")
    for sprite in found.sprites:
        _sprite(sprite)
    if found.poster_key:
        _key(found.poster_key, "poster_key")
    _few(found.chapters, CHAPTERS_LIMIT, "chapters")
    for chapter in found.chapters:
        _chapter(chapter)
    return found


def _renditions(found: Sequence[Rendition]) -> None:
    _few(found, RENDITIONS_LIMIT, "renditions")
    ids = {rendition.id for rendition in found}
    _require(len(ids) == len(found), "renditions", "have one id twice")
    _require(sum(len(r.objects) for r in found) <= OBJECTS_LIMIT, "objects", "are too many")
    segments = sum(len(item.sizes) for r in found for item in r.objects)
    _require(segments <= SEGMENTS_LIMIT, "segments", "are too many")
    for rendition in found:
        _rendition(rendition)


def _rendition(found: Rendition) -> None:
    _require(is_id(found.id), "rendition.id", "is no identifier")
    for name, word in (("name", found.name), ("codecs", found.codecs)):
        _text(word, name)
        _require(bool(_WORD.fullmatch(word)), f"rendition.{name}", "is no word")
    _within(found.timescale, 1, TIMESCALE_LIMIT, "timescale")
    _within(found.rung, 0, RENDITIONS_LIMIT, "rung")
    _require(len(found.init) <= INIT_LIMIT_BYTES, "init", "is too large")
    for name in ("width_px", "height_px", "sample_rate_hz", "channels"):
        value = getattr(found, name)
        if value is not None:
            _within(value, 1, TIMESCALE_LIMIT if name == "sample_rate_hz" else PX_LIMIT, name)
    for value in found.frame_rate or ():
        _within(value, 1, TIMESCALE_LIMIT, "frame_rate")
    numbers = [item.first_number for item in found.objects]
    _require(numbers == sorted(set(numbers)), "objects", "are not in order")
    for item in found.objects:
        _object(item)


def _object(found: MediaObject) -> None:
    _key(found.key, "object.key")
    _number(found.first_number, "first_number")
    _within(found.init_bytes, 0, SEGMENT_LIMIT_BYTES, "init_bytes")
    _within(found.base_ts, -NUMBER_LIMIT, NUMBER_LIMIT, "base_ts")
    count = len(found.sizes)
    _require(len(found.durations_ts) == count, "durations_ts", "are not one a segment")
    _require(len(found.keyframe_sizes) in (0, count), "keyframe_sizes", "are not one a segment")
    _all_within(found.sizes, 1, SEGMENT_LIMIT_BYTES, "sizes")
    _all_within(found.durations_ts, 0, NUMBER_LIMIT, "durations_ts")
    _all_within(found.keyframe_sizes, 0, SEGMENT_LIMIT_BYTES, "keyframe_sizes")


def _subtitles(found: SubtitleTrack) -> None:
    _text(found.language, "language")
    _require(bool(_WORD.fullmatch(found.language)), "language", "is no tag")
    _text(found.label, "label")
    _require(len(found.webvtt) <= WEBVTT_LIMIT_CHARS, "webvtt", "is too long")


def _sprite(found: Sprite) -> None:
    _key(found.key, "sprite.key")
    for name in ("columns", "rows", "cell_width_px", "cell_height_px"):
        _within(getattr(found, name), 1, PX_LIMIT, name)
    _few(found.times_s, CELLS_LIMIT, "times_s")
    for time_s in found.times_s:
        _seconds(time_s, "times_s")


def _chapter(found: Chapter) -> None:
    _seconds(found.start_s, "start_s")
    _text(found.title, "title")


def _require(holds: bool, field: str, what: str) -> None:
    if not holds:
        raise Invalid(f"a presentation's {field} {what}: ask its upstream again", {field: what})


def _few(items: Sequence[object], limit: int, field: str) -> None:
    _require(len(items) <= limit, field, "are too many")


def _text(text: str, field: str) -> None:
    _require(len(text) <= TEXT_LIMIT_CHARS, field, "is too long")


def _key(key: str, field: str) -> None:
    _require(len(key) <= KEY_LIMIT_BYTES and bool(_KEY.fullmatch(key)), field, "is no key")


def _number(value: int, field: str) -> None:
    _within(value, 0, NUMBER_LIMIT, field)


def _seconds(value: float, field: str) -> None:
    _require(isfinite(value) and 0 <= value < NUMBER_LIMIT, field, "is no time")


def _within(value: int, least: int, most: int, field: str) -> None:
    _require(least <= value <= most, field, f"is not {least} to {most}")


def _all_within(values: Iterable[int], least: int, most: int, field: str) -> None:
    _require(all(least <= value <= most for value in values), field, f"are not {least} to {most}")
