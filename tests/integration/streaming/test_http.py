"""What the wire says: conditions, ranges, encodings, CORS, tokens, errors."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.ids import new_id
from catalog.media import Presentation, Rendition
from catalog.store.local import LocalStore
from catalog.store.port import ObjectMissing, StoreAway
from streaming.hls.parse import parse_media, parse_multivariant
from tests.support.objects import content
from tests.support.publish import publish
from tests.support.screening import JPEG, Served, serving
from tests.support.wait import eventually


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        yield client


@pytest.fixture(params=["hot", "aiohttp"])
async def served(
    store: LocalStore, pool: Pool, request: pytest.FixtureRequest
) -> AsyncIterator[Served]:
    """A server of /media: the short way, and the other one, which must say the same."""
    async with serving(Presentations(pool), store, hot=request.param == "hot") as served:
        yield served


def segment_url(served: Served, lesson: Presentation, number: int = 1) -> str:
    return served.at(lesson.lesson, f"{lesson.renditions[0].id}/{number}.m4s")


async def stored_bytes(store: LocalStore, rendition: Rendition, number: int = 1) -> bytes:
    segment = rendition.segment(number)
    assert segment is not None
    return await content(store, segment.key, segment.offset, segment.size_bytes)


async def test_a_segment_is_immutable_and_exactly_the_stored_bytes(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation, store: LocalStore
) -> None:
    expected = await stored_bytes(store, lesson.renditions[0])
    async with client.get(segment_url(served, lesson)) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert await answer.read() == expected
        etag = answer.headers["ETag"]
    assert not etag.startswith("W/")
    known = {"If-None-Match": f'"other", {etag}'}
    async with client.get(segment_url(served, lesson), headers=known) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
        assert answer.headers["ETag"] == etag
    async with client.head(segment_url(served, lesson)) as answer:
        assert (answer.status, answer.content_length) == (200, len(expected))
        assert answer.headers["ETag"] == etag


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=100-", 100, None), ("bytes=-50", -50, None)],
)
async def test_a_range_of_a_segment(
    asked: str, first: int, last: int | None, client: aiohttp.ClientSession,
    served: Served, lesson: Presentation, store: LocalStore,
) -> None:  # fmt: skip
    whole = await stored_bytes(store, lesson.renditions[0])
    async with client.get(segment_url(served, lesson), headers={"Range": asked}) as answer:
        assert answer.status == 206
        assert await answer.read() == whole[first : None if last is None else last + 1]
        assert answer.headers["Content-Range"].endswith(f"/{len(whole)}")


async def test_a_range_beyond_the_end(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation
) -> None:
    headers = {"Range": "bytes=99999999-"}
    async with client.get(segment_url(served, lesson), headers=headers) as answer:
        assert answer.status == 416
        assert answer.headers["Content-Range"].startswith("bytes */")


async def test_playlists_are_packed_and_know_their_version(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation
) -> None:
    url = served.at(lesson.lesson, "multivariant.m3u8")
    async with client.get(url, headers={"Accept-Encoding": "identity"}) as answer:
        plain = await answer.read()
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Cache-Control"] == "public, max-age=30"
    async with client.get(url, headers={"Accept-Encoding": "br, gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(await answer.read()) == plain
        etag = answer.headers["ETag"]
    headers = {"Accept-Encoding": "gzip", "If-None-Match": etag}
    async with client.get(url, headers=headers) as answer:
        assert answer.status == 304


async def test_av1_is_listed_for_who_asks(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation
) -> None:
    url = served.at(lesson.lesson, "multivariant.m3u8")
    for asked, listed in (({}, False), ({"av1": "0"}, False), ({"av1": "1"}, True)):
        headers = {"Accept-Encoding": "identity"}
        async with client.get(url, params=asked, headers=headers) as answer:
            assert ("av01" in await answer.text()) is listed


async def test_every_url_of_a_lesson_answers(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation
) -> None:
    parts = ["manifest.mpd", "poster.jpg", "thumbnails.vtt", "chapters.vtt", "sprite-0.jpg",
             "subtitles/zh-CN.vtt", "subtitles/zh-CN.m3u8"]  # fmt: skip
    for rendition in lesson.renditions:
        parts += [f"{rendition.id}/{name}" for name in ("media.m3u8", "init.mp4", "0.m4s")]
        if rendition.width_px:
            parts.append(f"{rendition.id}/iframes.m3u8")
    for part in parts:
        async with client.get(served.at(lesson.lesson, part)) as answer:
            assert answer.status == 200, part
            body = await answer.read()
            assert len(body) == int(answer.headers["Content-Length"])
    async with client.get(served.at(lesson.lesson, "poster.jpg")) as answer:
        assert await answer.read() == JPEG


@pytest.mark.parametrize(
    "path",
    ["", "nothing", "sprite-1.jpg", "subtitles/en.vtt", "subtitles/en.m3u8", "{id}/4.m4s",
     "{id}/00.m4s", "{other}/0.m4s", "{other}/media.m3u8", "{audio}/iframes.m3u8",
     "../../etc/passwd", "{id}/%2e%2e/init.mp4"],
)  # fmt: skip
async def test_what_is_not_there_is_a_problem(
    path: str, client: aiohttp.ClientSession, served: Served, lesson: Presentation
) -> None:
    audio = lesson.renditions[-1].id
    filled = path.format(id=lesson.renditions[0].id, other=new_id(), audio=audio)
    async with client.get(served.at(lesson.lesson, filled)) as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"
        if "etc" not in path:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_an_unknown_lesson_and_another_lessons_rendition(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation, pool: Pool
) -> None:
    other = replace(lesson, lesson=new_id(), renditions=(), subtitles=(), sprites=())
    await publish(pool, other)
    for owner in (new_id(), other.lesson):
        async with client.get(served.at(owner, f"{lesson.renditions[0].id}/0.m4s")) as answer:
            assert answer.status == 404


async def test_any_origin_may_read(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation
) -> None:
    url = segment_url(served, lesson)
    headers = {"Origin": "https://school.example", "Access-Control-Request-Method": "GET",
               "Access-Control-Request-Headers": "range"}  # fmt: skip
    async with client.options(url, headers=headers) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "GET" in answer.headers["Access-Control-Allow-Methods"]
        assert "Range" in answer.headers["Access-Control-Allow-Headers"]
    async with client.get(url) as answer:
        exposed = answer.headers["Access-Control-Expose-Headers"]
        assert {"Content-Range", "ETag"} <= set(exposed.split(", "))
    async with client.post(url) as answer:
        assert answer.status == 405


async def test_a_lesson_that_is_not_public_needs_its_own_living_token(
    client: aiohttp.ClientSession, served: Served, made: Presentation, pool: Pool
) -> None:
    await publish(pool, replace(made, visibility="school"))
    url = served.at(made.lesson, "multivariant.m3u8")
    good = served.token(made.lesson)
    bad = ["", "x", good[:-4] + "AAAA", served.token(new_id()), served.token(made.lesson, -1)]
    async with client.get(url) as answer:
        assert answer.status == 403
        assert answer.content_type == "application/problem+json"
    for token in bad:
        async with client.get(url, params={"token": token}) as answer:
            assert answer.status == 403, token
    async with client.get(url, params={"token": good}) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "private, max-age=30"


async def test_the_token_is_carried_on_to_the_last_byte(
    served: Served, made: Presentation, pool: Pool
) -> None:
    await publish(pool, replace(made, visibility="private"))
    async with aiohttp.ClientSession() as client:
        url = served.at(made.lesson, f"multivariant.m3u8?token={served.token(made.lesson)}")
        async with client.get(url) as answer:
            variant = parse_multivariant(await answer.text()).variants[0]
        child = served.at(made.lesson, variant.uri)
        async with client.get(child) as answer:
            playlist = parse_media(await answer.text())
        folder = child.partition("media.m3u8")[0]
        for part in (playlist.map_uri, *(segment.uri for segment in playlist.segments)):
            async with client.get(folder + part) as answer:
                assert answer.status == 200
                assert answer.headers["Cache-Control"].startswith("private, ")
                await answer.read()


async def test_a_signed_in_viewer_needs_no_token(
    client: aiohttp.ClientSession, store: LocalStore, made: Presentation, pool: Pool
) -> None:
    await publish(pool, replace(made, visibility="city"))
    asked: list[str] = []

    async def signed_in(request: web.Request, lesson: str) -> bool:
        asked.append(lesson)
        return request.headers.get("Cookie") == "tongbu_session=good"

    async with serving(Presentations(pool), store, signed_in) as served:
        for cookie, status in (("good", 200), ("bad", 403), ("good", 200)):
            headers = {"Cookie": f"tongbu_session={cookie}"}
            async with client.get(segment_url(served, made), headers=headers) as answer:
                assert answer.status == status
        assert asked == [made.lesson] * 2


async def test_a_change_is_seen_when_the_catalogue_tells(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation, pool: Pool
) -> None:
    url = served.at(lesson.lesson, "multivariant.m3u8")
    async with client.get(url) as answer:
        assert answer.status == 200
    async with pool.connection() as connection:
        await connection.execute("update lesson set visibility = 'private'")
    async with client.get(url) as answer:
        assert answer.status == 200
    served.media.forget(lesson.lesson)
    async with client.get(url) as answer:
        assert answer.status == 403


async def test_what_was_sent_is_counted(
    client: aiohttp.ClientSession, served: Served, lesson: Presentation
) -> None:
    size = 0
    for _ in range(2):
        async with client.get(segment_url(served, lesson)) as answer:
            size = len(await answer.read())

    def figure(name: str, **labels: str) -> float | None:
        return served.registry.get_sample_value(f"tongbu_media_{name}", labels)

    await eventually(lambda: figure("answers_total", kind="segment", status="200") == 2)
    assert figure("sent_bytes_total", kind="segment") == 2 * size
    assert figure("store_seconds_count") == 2
    assert figure("loads_total") == 1


class Broken:
    """A body source that is away, lacks the object, gives too little, or never ends."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.closed = asyncio.Event()

    @asynccontextmanager
    async def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        if self.how == "away":
            raise StoreAway("the store does not answer")
        if self.how == "missing":
            raise ObjectMissing(key)
        try:
            yield self._chunks()
        finally:
            self.closed.set()

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield b"x" * 1000
        if self.how == "breaks":
            raise StoreAway("gone in the middle")
        while self.how == "slow":
            await asyncio.sleep(0.01)
            yield b"x" * 10


@asynccontextmanager
async def broken(how: str, store: LocalStore, pool: Pool) -> AsyncIterator[tuple[Served, Broken]]:
    bodies = Broken(how)
    async with serving(Presentations(pool), store, bodies=bodies) as served:
        yield served, bodies


async def test_a_store_that_is_away_asks_to_come_back(
    client: aiohttp.ClientSession, store: LocalStore, lesson: Presentation, pool: Pool
) -> None:
    async with (
        broken("away", store, pool) as (served, _),
        client.get(segment_url(served, lesson)) as answer,
    ):
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("how", ["breaks", "short"])
async def test_half_a_segment_is_never_taken_for_a_whole_one(
    how: str, client: aiohttp.ClientSession, store: LocalStore, lesson: Presentation, pool: Pool
) -> None:
    async with broken(how, store, pool) as (served, bodies):
        with pytest.raises(aiohttp.ClientError):
            async with client.get(segment_url(served, lesson)) as answer:
                await answer.read()
        await asyncio.wait_for(bodies.closed.wait(), 10)


async def test_a_viewer_who_leaves_frees_the_store(
    client: aiohttp.ClientSession, store: LocalStore, lesson: Presentation, pool: Pool
) -> None:
    async with broken("slow", store, pool) as (served, bodies):
        answer = await client.get(segment_url(served, lesson))
        await answer.content.readany()
        assert not bodies.closed.is_set()
        answer.close()
        await eventually(bodies.closed.is_set)
