"""/media the short way: the same answers as aiohttp's, sent from open files, counted alike."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from catalog.media import Presentation
from catalog.store.local import LocalStore
from streaming.hot.door import FileSlice, never
from streaming.hot.files import ObjectFiles
from streaming.vod.reply import Stored
from tests.support.objects import content
from tests.support.screening import Served, make_lesson, serving

OTHER_WAYS = ("Server", "Date", "Connection", "X-Request-Id")


class Shelf:
    """A catalogue of one lesson."""

    def __init__(self, lesson: Presentation) -> None:
        self.lesson = lesson

    async def presentation(self, lesson: str) -> Presentation | None:
        return self.lesson if lesson == self.lesson.lesson else None

    async def rendition(self, rendition: str) -> None:
        return None


@pytest.fixture
async def lesson(store: LocalStore) -> Presentation:
    return await make_lesson(store)


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        yield client


def hot(served: Served) -> float:
    return served.registry.get_sample_value("tongbu_hot_requests_total", {"way": "hot"}) or 0.0


def segment(served: Served, lesson: Presentation, number: int = 1) -> str:
    return served.at(lesson.lesson, f"{lesson.renditions[0].id}/{number}.m4s")


def shown(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {k.title(): v for k, v in answer.headers.items() if k.title() not in OTHER_WAYS}


async def test_both_ways_say_the_same(
    client: aiohttp.ClientSession, lesson: Presentation, store: LocalStore
) -> None:
    first = lesson.renditions[0].id
    paths = ["multivariant.m3u8", "multivariant.m3u8?av1=1", "manifest.mpd", "poster.jpg",
             "sprite-0.jpg", "thumbnails.vtt", "chapters.vtt", "subtitles/zh-CN.vtt",
             f"{first}/media.m3u8", f"{first}/init.mp4", f"{first}/0.m4s", f"{first}/1.m4s",
             f"{first}/9.m4s", "nothing", "%6dultivariant.m3u8", "../x"]  # fmt: skip
    asked: list[dict[str, str]] = [
        {}, {"Accept-Encoding": "identity"}, {"Range": "bytes=3-9"}, {"Range": "bytes=99999999-"},
        {"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(500))}, {"If-None-Match": "*"},
    ]  # fmt: skip
    counted: list[float | None] = []
    seen: list[list[tuple[int, dict[str, str], bytes]]] = []
    for short in (True, False):
        async with serving(Shelf(lesson), store, hot=short) as served:
            found = []
            for path in paths * 2:
                for headers in asked:
                    for method in ("GET", "HEAD"):
                        url = served.at(lesson.lesson, path)
                        async with client.request(method, url, headers=headers) as answer:
                            found.append((answer.status, shown(answer), await answer.read()))
            seen.append(found)
            assert (hot(served) > 200) is short
            sent = served.registry.get_sample_value(
                "tongbu_media_sent_bytes_total", {"kind": "segment"}
            )
            counted.append(sent)
    assert seen[0] == seen[1]
    assert counted[0] == counted[1]


async def test_a_token_holds_as_long_as_it_holds(
    client: aiohttp.ClientSession, lesson: Presentation, store: LocalStore
) -> None:
    hidden = replace(lesson, visibility="district")
    async with serving(Shelf(hidden), store) as served:
        url = segment(served, lesson)
        good, old = served.token(lesson.lesson), served.token(lesson.lesson, -1)
        other = served.token("0" * 20)
        for token, status in ((None, 403), (old, 403), (good, 200), (other, 403), (good, 200)):
            params = {} if token is None else {"token": token}
            async with client.get(url, params=params) as answer:
                assert answer.status == status
                assert "private" in answer.headers["Cache-Control"] or status == 403
        assert hot(served) == 2


async def test_an_answer_kept_ready_ends_with_its_token(
    client: aiohttp.ClientSession, lesson: Presentation, store: LocalStore
) -> None:
    hidden = replace(lesson, visibility="district")
    async with serving(Shelf(hidden), store) as served:
        params = {"token": served.token(lesson.lesson, 2)}
        statuses: set[int] = set()
        while statuses != {200, 403}:
            async with client.get(segment(served, lesson), params=params) as answer:
                statuses.add(answer.status)
        async with client.get(segment(served, lesson), params=params) as answer:
            assert answer.status == 403


async def test_a_viewer_with_a_cookie_is_known_for_a_while(
    client: aiohttp.ClientSession, lesson: Presentation, store: LocalStore
) -> None:
    hidden, asked = replace(lesson, visibility="district"), []

    async def may_watch(request: web.Request, lesson: str) -> bool:
        asked.append(request.headers.get("Cookie"))
        return request.headers.get("Cookie") == "good"

    async with serving(Shelf(hidden), store, may_watch) as served:
        for cookie, status in (("good", 200), ("bad", 403), ("good", 200), ("bad", 403)):
            async with client.get(segment(served, lesson), headers={"Cookie": cookie}) as answer:
                assert answer.status == status
        assert asked == ["good", "bad"]
        assert hot(served) == 1


async def test_a_lesson_that_changed_is_asked_for_anew(
    client: aiohttp.ClientSession, lesson: Presentation, store: LocalStore
) -> None:
    shelf = Shelf(lesson)
    async with serving(shelf, store) as served:
        for _ in range(2):
            async with client.get(segment(served, lesson)) as answer:
                assert answer.status == 200
        assert hot(served) == 1
        shelf.lesson = replace(lesson, visibility="district")
        served.media.forget(lesson.lesson)
        async with client.get(segment(served, lesson)) as answer:
            assert answer.status == 403


async def test_a_segment_that_is_gone_from_the_store_is_a_404(
    client: aiohttp.ClientSession, lesson: Presentation, store: LocalStore
) -> None:
    async with serving(Shelf(lesson), store) as served:
        async with client.get(served.at(lesson.lesson, "multivariant.m3u8")) as answer:
            assert answer.status == 200
        found = lesson.renditions[0].segment(1)
        assert found is not None
        await store.delete(found.key)
        async with client.get(segment(served, lesson)) as answer:
            assert answer.status == 404


async def test_files_are_kept_open_up_to_a_number(store: LocalStore) -> None:
    files = ObjectFiles(store, limit=2)
    keys = [f"media/{'0' * 20}/1/x/{n:06d}-a1.mp4" for n in range(3)]
    for key in keys:
        await store.put_bytes(key, key.encode(), "video/mp4")
    first = Stored(keys[0], 2, 5)
    assert files.held(first) is None
    held = await files.open(first)
    assert held is not None
    for key in keys[1:]:
        other = await files.open(Stored(key, 0, 3))
        assert other is not None
        other.release()
    assert len(files) == 2
    assert files.held(first) is None
    assert await content(store, keys[0], 2, 5) == await asyncio.to_thread(_read, held.fd)
    held.release()
    with pytest.raises(OSError, match="Bad file"):
        await asyncio.to_thread(_read, held.fd)
    assert await files.open(Stored(keys[1], 0, 10_000)) is None
    files.close()
    assert len(files) == 0


class AskedAnew:
    """A source of bytes whose open files have to be asked for each time."""

    def __init__(self, store: LocalStore) -> None:
        self._files = ObjectFiles(store)
        self.info, self.read, self.close = store.info, store.read, self._files.close
        self.asked = 0

    def held(self, stored: Stored) -> FileSlice | None:
        self.asked += 1
        found = self._files.held(stored)
        return None if found is None else replace(found, hold=never)

    async def open(self, stored: Stored) -> FileSlice | None:
        return await self._files.open(stored)


async def test_a_file_that_cannot_be_held_again_is_asked_for_anew(
    client: aiohttp.ClientSession, lesson: Presentation, store: LocalStore
) -> None:
    files = AskedAnew(store)
    async with serving(Shelf(lesson), store, bodies=files) as served:
        bodies = set()
        for _ in range(4):
            async with client.get(
                served.at(lesson.lesson, f"{lesson.renditions[0].id}/0.m4s")
            ) as answer:
                bodies.add(await answer.read())
        assert len(bodies) == 1
        assert len(bodies.pop()) == lesson.renditions[0].objects[0].sizes[0]
        assert files.asked == 3


async def test_a_file_that_is_sent_again_and_again_is_not_the_first_to_go(
    store: LocalStore,
) -> None:
    files = ObjectFiles(store, limit=2)
    keys = [f"media/{'0' * 20}/1/x/{n:06d}-a1.mp4" for n in range(4)]
    for key in keys:
        await store.put_bytes(key, key.encode(), "video/mp4")
    often = await files.open(Stored(keys[0], 0, 3))
    assert often is not None
    often.release()
    for key in keys[1:3]:
        assert often.hold()
        often.release()
        other = await files.open(Stored(key, 0, 3))
        assert other is not None
        other.release()
    assert len(files) == 2
    assert files.held(Stored(keys[1], 0, 3)) is None
    last = await files.open(Stored(keys[3], 0, 3))
    assert last is not None
    last.release()
    files.close()
    assert not often.hold()
    assert not last.hold()


def _read(fd: int) -> bytes:
    return os.pread(fd, 5, 2)


async def test_answers_are_counted_by_route_like_the_applications(
    client: aiohttp.ClientSession, lesson: Presentation, store: LocalStore
) -> None:
    async with serving(Shelf(lesson), store) as served:
        url = served.at(lesson.lesson, "multivariant.m3u8")
        etag = ""
        for method in ("GET", "GET", "HEAD", "GET"):
            async with client.request(method, url) as answer:
                etag = answer.headers["ETag"]
        async with client.get(url, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 304
        route = {"route": "/media/{path}"}

        def counted(name: str, **labels: str) -> float | None:
            return served.registry.get_sample_value(f"tongbu_http_{name}", labels | route)

        assert counted("answers_total", method="GET", status="200") == 2
        assert counted("answers_total", method="HEAD", status="200") == 1
        assert counted("answers_total", method="GET", status="304") == 1
        assert counted("request_seconds_count", method="GET") == 3
        assert counted("request_seconds_bucket", method="GET", le="0.002") == 3
