"""Presentations as JSON: an exact round trip, and no more than can be worked with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import presentation_json as kept
from catalog.errors import Invalid
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
from catalog.presentation_json import decode, encode

ids = st.builds(make_id, st.integers(0, 2**48 - 1), st.integers(0, 2**52 - 1))
keys = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}(/[a-z0-9][a-z0-9._-]{0,8}){0,3}", fullmatch=True)
texts = st.text(max_size=40)
ticks = st.integers(0, 2**53)
seconds = st.floats(0, 1e9)


@st.composite
def objects(draw: st.DrawFn, number: int) -> MediaObject:
    count = draw(st.integers(0, 4))
    several = st.lists(st.integers(1, 2**30), min_size=count, max_size=count).map(tuple)
    return MediaObject(
        draw(keys), number, draw(st.integers(0, 2**20)), draw(st.integers(-(2**53), 2**53)),
        draw(several), draw(several), draw(st.one_of(st.just(()), several)),
    )  # fmt: skip


@st.composite
def renditions(draw: st.DrawFn, key: str) -> Rendition:
    numbers = sorted(draw(st.sets(st.integers(0, 2**53), max_size=3)))
    size = st.one_of(st.none(), st.integers(1, 8192))
    return Rendition(
        key, draw(st.sampled_from(["1080p", "360p", "audio 96k"])), draw(st.sampled_from(Media)),
        draw(st.sampled_from(["avc1.640028", "mp4a.40.2", "av01.0.08M.08"])),
        draw(st.integers(1, 10**9)), draw(st.binary(max_size=60)), draw(st.integers(0, 60)),
        draw(st.booleans()), tuple(draw(objects(number)) for number in numbers),
        draw(size), draw(size), draw(st.one_of(st.none(), st.just((30_000, 1001)))),
        draw(st.one_of(st.none(), st.integers(1, 192_000))), draw(size),
    )  # fmt: skip


@st.composite
def presentations(draw: st.DrawFn) -> Presentation:
    sprites = st.builds(
        Sprite, keys, *[st.integers(1, 4096)] * 4, st.lists(seconds, max_size=4).map(tuple)
    )
    tracks = st.builds(SubtitleTrack, st.sampled_from(["zh-Hans", "en"]), texts, texts)
    return Presentation(
        draw(ids), draw(ticks), draw(st.sampled_from(["public", "group", "private"])),
        draw(st.booleans()),
        tuple(draw(renditions(key)) for key in draw(st.sets(ids, max_size=3))),
        tuple(draw(st.lists(tracks, max_size=2))),
        tuple(draw(st.lists(sprites, max_size=2))),
        draw(st.one_of(st.just(""), keys)),
        tuple(draw(st.lists(st.builds(Chapter, seconds, texts), max_size=3))),
    )  # fmt: skip


@given(presentations())
def test_what_goes_out_comes_in_exactly(found: Presentation) -> None:
    assert decode(encode(found)) == found


LESSON, VIDEO = make_id(1, 1), make_id(1, 2)
OBJECT = MediaObject("media/a/1/360p/000000-a1.mp4", 0, 700, 0, (10, 20), (5, 5), (3, 4))
RENDITION = Rendition(
    VIDEO, "360p", Media.VIDEO, "avc1.64001e", 15_360, b"\x00init", 0, True, (OBJECT,), 640, 360,
    (30, 1),
)  # fmt: skip
WHOLE = Presentation(LESSON, 3, "group", True, (RENDITION,))


def test_the_form_stays() -> None:
    assert json.loads(encode(WHOLE)) == {
        "lesson": LESSON, "generation": 3, "visibility": "group", "complete": True,
        "renditions": [{
            "id": VIDEO, "name": "360p", "media": "video", "codecs": "avc1.64001e",
            "timescale": 15_360, "init": "AGluaXQ=", "rung": 0, "complete": True,
            "objects": [{
                "key": OBJECT.key, "first_number": 0, "init_bytes": 700, "base_ts": 0,
                "sizes": [10, 20], "durations_ts": [5, 5], "keyframe_sizes": [3, 4],
            }],
            "width_px": 640, "height_px": 360, "frame_rate": [30, 1], "sample_rate_hz": None,
            "channels": None,
        }],
        "subtitles": [], "sprites": [], "poster_key": "", "chapters": [],
    }  # fmt: skip


def test_a_newer_upstream_may_say_more() -> None:
    raw = json.loads(encode(WHOLE))
    raw["mood"] = raw["renditions"][0]["mood"] = "good"
    assert decode(json.dumps(raw).encode()) == WHOLE


def of_object(**changes: Any) -> Presentation:
    return of_rendition(objects=(replace(OBJECT, **changes),))


def of_rendition(**changes: Any) -> Presentation:
    return replace(WHOLE, renditions=(replace(RENDITION, **changes),))


LIES = [
    replace(WHOLE, lesson="../../etc"),
    replace(WHOLE, generation=-1),
    replace(WHOLE, visibility="\r\nX: y"),
    replace(WHOLE, renditions=(RENDITION, RENDITION)),
    replace(WHOLE, poster_key="/etc/passwd"),
    replace(WHOLE, chapters=(Chapter(-1.0, "a"),)),
    replace(WHOLE, chapters=(Chapter(1.0, "a" * 401),)),
    replace(WHOLE, subtitles=(SubtitleTrack("zh\n", "中文", ""),)),
    replace(WHOLE, sprites=(Sprite("a", 0, 1, 1, 1, ()),)),
    of_rendition(id="x"),
    of_rendition(name='360p"\n#EXT'),
    of_rendition(codecs='avc1",URI="x'),
    of_rendition(timescale=0),
    of_rendition(rung=-1),
    of_rendition(rung=65),
    of_rendition(width_px=0),
    of_rendition(frame_rate=(30, 0)),
    of_rendition(objects=(OBJECT, OBJECT)),
    of_rendition(objects=(replace(OBJECT, first_number=2), OBJECT)),
    of_object(key="media/../../x"),
    of_object(key="k" * 513),
    of_object(first_number=-1),
    of_object(init_bytes=-1),
    of_object(sizes=(10,)),
    of_object(sizes=(10, 0)),
    of_object(sizes=(10, (1 << 30) + 1)),
    of_object(durations_ts=(5, -5)),
    of_object(keyframe_sizes=(3,)),
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: None)
def test_what_cannot_be_is_refused(lie: Presentation) -> None:
    with pytest.raises(Invalid, match="ask its upstream again"):
        decode(encode(lie))


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{}", b"\xff", b'{"lesson": 1}', b"[" * 100_000, encode(WHOLE)[:-1],
     encode(WHOLE).replace(b"AGluaXQ=", b"!"), encode(WHOLE).replace(b'"video"', b'"smell"'),
     encode(WHOLE).replace(b"[10,20]", b"[10,2e400]"), encode(WHOLE).replace(b"700", b"7.5")],
)  # fmt: skip
def test_what_is_no_presentation_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid, match="not a presentation"):
        decode(raw)


LIMITS: list[tuple[str, Callable[[], Presentation]]] = [
    ("RENDITIONS_LIMIT", lambda: WHOLE),
    ("OBJECTS_LIMIT", lambda: WHOLE),
    ("SEGMENTS_LIMIT", lambda: WHOLE),
    ("INIT_LIMIT_BYTES", lambda: WHOLE),
    ("SEGMENT_LIMIT_BYTES", lambda: WHOLE),
    ("SUBTITLES_LIMIT", lambda: replace(WHOLE, subtitles=(SubtitleTrack("zh", "中文", ""),))),
    ("WEBVTT_LIMIT_CHARS", lambda: replace(WHOLE, subtitles=(SubtitleTrack("zh", "中", "W"),))),
    ("SPRITES_LIMIT", lambda: replace(WHOLE, sprites=(Sprite("a", 1, 1, 1, 1, ()),))),
    ("CELLS_LIMIT", lambda: replace(WHOLE, sprites=(Sprite("a", 1, 1, 1, 1, (1.0,)),))),
    ("CHAPTERS_LIMIT", lambda: replace(WHOLE, chapters=(Chapter(1.0, "a"),))),
    ("PRESENTATION_LIMIT_BYTES", lambda: WHOLE),
]


@pytest.mark.parametrize(("limit", "made"), LIMITS, ids=[name for name, _ in LIMITS])
def test_every_limit_holds(
    limit: str, made: Callable[[], Presentation], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = encode(made())
    assert decode(raw) == made()
    monkeypatch.setattr(kept, limit, 0)
    with pytest.raises(Invalid):
        decode(raw)
