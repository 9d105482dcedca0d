"""Lessons whose bytes are in S3: streamed through, and a store that is away said so."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.ids import new_id
from catalog.media import Presentation
from catalog.store.s3 import S3Store
from loadtests.weed import Weed, running_weed
from streaming.hls.parse import parse_media
from tests.support.objects import content
from tests.support.publish import publish
from tests.support.screening import DURATION_S, Served, make_lesson, serving
from tests.support.weed import s3_settings


@pytest.fixture(scope="module")
def own_weed() -> Iterator[Weed]:
    """A SeaweedFS that the last test of this module stops."""
    with running_weed() as weed:
        yield weed


@pytest.fixture
async def store(own_weed: Weed) -> AsyncIterator[S3Store]:
    store = S3Store(s3_settings(own_weed, f"media-{new_id()}"))
    await store.prepare()
    yield store
    await store.close()


@pytest.fixture
async def lesson(store: S3Store, pool: Pool) -> Presentation:
    lesson = await make_lesson(store, DURATION_S)
    await publish(pool, lesson)
    return lesson


@pytest.fixture
async def served(store: S3Store, pool: Pool) -> AsyncIterator[Served]:
    async with serving(Presentations(pool), store) as served:
        yield served


async def test_segments_ranges_and_pictures_come_from_s3(
    served: Served, store: S3Store, lesson: Presentation
) -> None:
    video = lesson.renditions[0]
    async with aiohttp.ClientSession() as client:
        async with client.get(served.at(lesson.lesson, f"{video.id}/media.m3u8")) as answer:
            playlist = parse_media(await answer.text())
        for number, item in enumerate(playlist.segments):
            segment = video.segment(number)
            assert segment is not None
            expected = await content(store, segment.key, segment.offset, segment.size_bytes)
            async with client.get(served.at(lesson.lesson, f"{video.id}/{item.uri}")) as answer:
                assert await answer.read() == expected
            headers = {"Range": "bytes=7-1006"}
            url = served.at(lesson.lesson, f"{video.id}/{item.uri}")
            async with client.get(url, headers=headers) as answer:
                assert await answer.read() == expected[7:1007]
        async with client.head(served.at(lesson.lesson, "poster.jpg")) as answer:
            assert (answer.status, answer.content_length) == (200, 22)


async def test_an_s3_that_is_away_asks_to_come_back(
    served: Served, store: S3Store, lesson: Presentation, own_weed: Weed
) -> None:
    url = served.at(lesson.lesson, f"{lesson.renditions[0].id}/1.m4s")
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as answer:
            assert answer.status == 200
            await answer.read()
        await asyncio.to_thread(own_weed.stop)
        async with client.get(url) as answer:
            assert answer.status == 503
            assert "Retry-After" in answer.headers
        async with client.get(served.at(lesson.lesson, "multivariant.m3u8")) as answer:
            assert answer.status == 200
