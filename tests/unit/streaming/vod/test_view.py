import gzip
from dataclasses import replace

import pytest

from catalog.media import Presentation
from streaming.hls.parse import parse_media
from streaming.vod.reply import Stored
from streaming.vod.target import Kind, Target
from streaming.vod.view import TEXTS, View
from tests.support import presentations as made


def target(kind: Kind, **values: object) -> Target:
    return replace(Target(made.LESSON, kind), **values)  # type: ignore[arg-type]


def test_every_text_has_its_packed_form_and_a_tag_of_its_content() -> None:
    for kind in TEXTS:
        rendition = made.HIGH.id if kind in (Kind.MEDIA_PLAYLIST, Kind.IFRAME_PLAYLIST) else ""
        language = "zh-CN" if kind in (Kind.SUBTITLES, Kind.SUBTITLE_PLAYLIST) else ""
        asked = target(kind, rendition=rendition, language=language)
        one, two = View(made.WHOLE).text(asked, ""), View(made.WHOLE).text(asked, "")
        assert one is not None
        assert one == two
        assert isinstance(one.body, bytes)
        assert one.gzipped is not None
        assert gzip.decompress(one.gzipped) == one.body


def test_each_token_has_its_own_text_and_it_is_rendered_once() -> None:
    view = View(made.WHOLE)
    asked = target(Kind.MEDIA_PLAYLIST, rendition=made.HIGH.id)
    assert view.kept_text(asked, "?token=a") is None
    texts = [view.text(asked, suffix) for suffix in ("", "?token=a", "?token=b")]
    assert len({text.etag for text in texts if text}) == 3
    assert view.kept_text(asked, "?token=a") is texts[1]
    assert texts[1] is not None
    assert isinstance(texts[1].body, bytes)
    playlist = parse_media(texts[1].body.decode())
    assert {s.uri.partition("?")[2] for s in playlist.segments} == {"token=a"}


@pytest.mark.parametrize(
    ("presentation", "kind", "expected"),
    [
        (made.WHOLE, Kind.MULTIVARIANT, "public, max-age=30"),
        (made.GROWING, Kind.MULTIVARIANT, "public, no-cache"),
        (replace(made.WHOLE, visibility="city"), Kind.MANIFEST, "private, max-age=30"),
        (made.GROWING, Kind.SUBTITLES, "public, max-age=300"),
    ],
)
def test_how_long_a_text_may_be_kept(presentation: Presentation, kind: Kind, expected: str) -> None:
    text = View(presentation).text(target(kind, language="zh-CN"), "")
    assert text is not None
    assert text.cache_control == expected


def test_a_segment_is_found_with_its_place_in_the_store() -> None:
    found = View(made.WHOLE).find_part(target(Kind.SEGMENT, rendition=made.HIGH.id, number=2))
    assert found is not None
    assert found.body == Stored(made.HIGH.objects[1].key, 700 + 160_000, 200_000)
    assert found.cache_control == "public, max-age=31536000, immutable"
    assert found.content_type == "video/mp4"


def test_inits_and_segments_have_tags_of_their_own() -> None:
    view = View(made.WHOLE)
    asked = [target(Kind.INIT, rendition=r.id) for r in made.WHOLE.renditions]
    asked += [
        target(Kind.SEGMENT, rendition=r.id, number=n)
        for r in made.WHOLE.renditions
        for n in range(4)
    ]
    tags = [found.etag for item in asked if (found := view.find_part(item))]
    assert len(set(tags)) == len(asked)


def test_what_a_lesson_lacks_is_not_there() -> None:
    view = View(made.SILENT)
    for kind in (Kind.THUMBNAILS, Kind.SUBTITLES, Kind.SUBTITLE_PLAYLIST):
        assert view.text(target(kind, language="fr"), "") is None
    audio = target(Kind.IFRAME_PLAYLIST, rendition=made.AAC.id)
    assert View(made.WHOLE).text(audio, "") is None
    assert view.find_part(target(Kind.INIT, rendition=made.AAC.id)) is None
    assert view.find_part(target(Kind.SEGMENT, rendition=made.HIGH.id, number=4)) is None
    assert view.picture_key(target(Kind.SPRITE, number=0)) is None
    assert View(made.GROWING).picture_key(target(Kind.POSTER)) is None
    assert view.picture_key(target(Kind.POSTER)) == made.WHOLE.poster_key


def test_the_weight_is_the_number_of_segments() -> None:
    assert View(made.WHOLE).weight == 1 + 5 * 4
