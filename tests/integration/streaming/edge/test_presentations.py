"""What can be played, as an upstream says it: kept, asked again, refused, capped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web

from catalog.errors import NoRight, Unavailable
from catalog.media import Media, Presentation
from catalog.presentation_json import encode
from streaming.edge.answers import Answers
from streaming.edge.presentations import Presentations
from streaming.edge.upstream import Upstream, UpstreamSettings
from streaming.vod.target import Kind, Target
from streaming.vod.view import View
from tests.integration.streaming.edge.test_proxy import SECRET, Deaf, serving
from tests.support.presentations import LESSON, audio, video

WHOLE = Presentation(
    LESSON, 1, "city", True,
    (video(0), video(1, "720p", (1280, 720), 2), audio(4, "aac", "mp4a.40.2", 32_000)),
    poster_key="posters/one.jpg",
)  # fmt: skip


class City:
    """An origin with one lesson; what it says can be changed."""

    def __init__(self) -> None:
        self.status = 200
        self.body = self.said(WHOLE)
        self.asked: list[str] = []

    @staticmethod
    def said(found: Presentation) -> bytes:
        return b'{"id":"x","title":"%s","presentation":%s}' % ("轴对称".encode(), encode(found))

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path.endswith(".jpg"):
            return web.Response(body=b"jpeg", content_type="image/jpeg")
        tag = f'W/"{hash(self.body) & 0xFFFF:x}"'
        if request.headers.get("If-None-Match") == tag and self.status == 200:
            return web.Response(status=304)
        body = self.body if self.status == 200 else b"{}"
        return web.Response(status=self.status, body=body, headers={"ETag": tag})


@dataclass
class Here:
    city: City
    origin: web.AppRunner
    presentations: Presentations
    allowed: list[frozenset[str] | None]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    city, allowed = City(), list[frozenset[str] | None]([None])
    app = web.Application()
    app.router.add_get("/{path:.*}", city.serve)
    answers = Answers(tmp_path / "answers.db")
    await answers.open()
    async with (
        serving(app) as (base, origin),
        Upstream(UpstreamSettings(base), lambda: SECRET, Deaf()) as upstream,
    ):
        yield Here(city, origin, Presentations(upstream, answers, lambda _: allowed[0]), allowed)
    await answers.close()


async def test_a_presentation_comes_whole_and_is_asked_for_again_by_its_tag(here: Here) -> None:
    assert await here.presentations.presentation(LESSON) == WHOLE
    assert await here.presentations.presentation(LESSON) == WHOLE
    assert len(here.city.asked) == 2
    newer = replace(WHOLE, generation=2)
    here.city.body = here.city.said(newer)
    assert await here.presentations.presentation(LESSON) == newer
    words = await here.presentations.words(LESSON)
    assert words is not None
    assert words.title == "轴对称"
    assert await here.presentations.lessons() == [LESSON]


async def test_without_a_line_what_was_known_is_the_answer(here: Here) -> None:
    await here.presentations.presentation(LESSON)
    await here.origin.cleanup()
    assert await here.presentations.presentation(LESSON) == WHOLE
    with pytest.raises(Unavailable, match="not in the school"):
        await here.presentations.presentation(LESSON[:-1] + "7")


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_upstream_in_trouble_takes_nothing_away(here: Here, status: int) -> None:
    await here.presentations.presentation(LESSON)
    here.city.status = status
    assert await here.presentations.presentation(LESSON) == WHOLE


async def test_a_lesson_that_is_gone_or_no_longer_ours_is_forgotten(here: Here) -> None:
    await here.presentations.presentation(LESSON)
    here.city.status = 404
    assert await here.presentations.presentation(LESSON) is None
    assert await here.presentations.lessons() == []
    here.city.status = 403
    with pytest.raises(NoRight):
        await here.presentations.presentation(LESSON)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"id":"x","title":"t","presentation":{}}', b'{"title":"\xb8"}'],
)
async def test_nonsense_is_no_lesson(here: Here, body: bytes) -> None:
    here.city.body = body
    with pytest.raises(Unavailable, match="no sense"):
        await here.presentations.presentation(LESSON)


async def test_another_lesson_than_was_asked_for_is_refused(here: Here) -> None:
    with pytest.raises(Unavailable, match="another lesson"):
        await here.presentations.presentation(LESSON[:-1] + "7")


def shown(view: View, target: Target) -> set[str]:
    """Give which renditions a text names."""
    text = view.text(target, "")
    assert text is not None
    assert isinstance(text.body, bytes)
    return {r.name for r in WHOLE.renditions if r.id in text.body.decode()}


async def test_a_capped_lesson_has_fewer_pictures_and_all_its_sound(here: Here) -> None:
    here.allowed[0] = frozenset({WHOLE.renditions[1].id})
    found = await here.presentations.presentation(LESSON)
    assert found is not None
    view, hidden = View(found), WHOLE.renditions[0].id
    capped, whole = {"720p", "aac"}, {"1080p", "720p", "aac"}
    assert shown(view, Target(LESSON, Kind.MULTIVARIANT)) == capped
    assert shown(view, Target(LESSON, Kind.MULTIVARIANT, av1=True)) == capped
    assert shown(view, Target(LESSON, Kind.MANIFEST)) == capped
    assert shown(view, Target(LESSON, Kind.MULTIVARIANT, whole=True)) == whole
    assert view.text(Target(LESSON, Kind.MEDIA_PLAYLIST, hidden), "") is not None
    assert view.find_part(Target(LESSON, Kind.SEGMENT, hidden, 0)) is not None
    assert encode(await here.presentations.whole(LESSON) or found) == encode(WHOLE)
    here.allowed[0] = None
    assert await here.presentations.presentation(LESSON) == WHOLE


async def test_every_segment_has_its_address(here: Here) -> None:
    await here.presentations.presentation(LESSON)
    for rendition in WHOLE.renditions:
        for segment in rendition.segments():
            for offset in (segment.offset, segment.offset + segment.size_bytes - 1):
                place = here.presentations.locate(segment.key, offset)
                assert place is not None
                assert place.path == f"/media/{LESSON}/{rendition.id}/{segment.number}.m4s"
                piece = place.piece
                assert (piece.offset, piece.size_bytes) == (segment.offset, segment.size_bytes)
                assert place.group.rendition == rendition.id
        last = rendition.objects[-1]
        end = last.init_bytes + sum(last.sizes)
        assert here.presentations.locate(last.key, end) is None
        assert here.presentations.locate(last.key, 0) is None, "the init is in the presentation"
    assert here.presentations.locate("another/key", 0) is None
    assert sum(r.media is Media.AUDIO for r in WHOLE.renditions) == 1
    known = await here.presentations.rendition(WHOLE.renditions[0].id)
    assert known == (LESSON, WHOLE.renditions[0])


async def test_pictures_come_once(here: Here) -> None:
    await here.presentations.presentation(LESSON)
    assert here.presentations.is_picture("posters/one.jpg")
    for _ in range(2):
        assert await here.presentations.picture("posters/one.jpg") == b"jpeg"
    assert here.city.asked.count(f"/media/{LESSON}/poster.jpg") == 1
    assert await here.presentations.picture("never") is None
    assert json.loads(here.city.body)["title"] == "轴对称"
