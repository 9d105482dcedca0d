"""/live the short way: at hand at once, soon when it is there, in vain with the same words."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from catalog.live import FeedName
from catalog.store.local import LocalStore
from streaming.hls.parse import parse_media
from streaming.live.feed import LiveFeed
from tests.support.live_origin import RENDITIONS, Running, encoded_live, running, send
from tests.support.wait import eventually

BEGUN_S = 4.2
TOKEN = "t/abc.def/"


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        yield client


async def begun(live: Running) -> tuple[str, LiveFeed]:
    session = live.sessions.add()
    feed = await live.origin.open(session, FeedName.MAIN)
    await feed.begin(RENDITIONS)
    await send(feed, await asyncio.to_thread(encoded_live), BEGUN_S)
    return session, feed


def hot(live: Running) -> float:
    return live.registry.get_sample_value("tongbu_hot_requests_total", {"way": "hot"}) or 0.0


async def test_who_was_let_in_is_answered_from_memory(
    store: LocalStore, client: aiohttp.ClientSession
) -> None:
    async with running(store) as live:
        session, _ = await begun(live)
        url = live.at(session, f"{TOKEN}360p.m3u8")
        bodies, heads = [], []
        for _ in range(3):
            async with client.get(url, headers={"Accept-Encoding": "identity"}) as answer:
                bodies.append(await answer.read())
                heads.append({k: v for k, v in answer.headers.items() if k in ("ETag", "Vary")})
        assert hot(live) == 2
        assert bodies[0] == bodies[1] == bodies[2]
        assert heads[0] == heads[2]
        first = parse_media(bodies[0].decode()).segments[0]
        before = live.figure("sent_bytes_total", delivery="hls")
        async with client.get(live.at(session, TOKEN + first.uri)) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            segment = await answer.read()
        assert live.figure("sent_bytes_total", delivery="hls") == before + len(segment)
        async with client.head(live.at(session, TOKEN + first.uri)) as answer:
            assert answer.content_length == len(segment)
        asked = {"Range": "bytes=10-19"}
        async with client.get(live.at(session, TOKEN + first.uri), headers=asked) as answer:
            assert (answer.status, await answer.read()) == (206, segment[10:20])
        assert hot(live) == 5


async def test_a_stranger_is_sent_to_the_gate(
    store: LocalStore, client: aiohttp.ClientSession
) -> None:
    async with running(store) as live:
        session, _ = await begun(live)
        async with client.get(live.at(session, f"{TOKEN}360p.m3u8")) as answer:
            assert answer.status == 200
        for other in ("360p.m3u8", "t/other/360p.m3u8", f"floor/{TOKEN}360p.m3u8"):
            async with client.get(live.at(session, other)):
                assert hot(live) == 0


async def test_a_reload_waits_for_its_part(
    store: LocalStore, client: aiohttp.ClientSession
) -> None:
    async with running(store) as live:
        session, feed = await begun(live)
        url = live.at(session, f"{TOKEN}360p.m3u8")
        async with client.get(url) as answer:
            assert answer.status == 200
        position = feed.listings["360p"].position()
        asked = {"_HLS_msn": str(position.open_number), "_HLS_part": str(position.parts)}
        waiting = asyncio.gather(*(client.get(url, params=asked) for _ in range(5)))
        await eventually(lambda: feed.waiters["360p"].waiting == 5)
        await feed.end()
        bodies = set()
        for answer in await waiting:
            assert answer.status == 200
            bodies.add(await answer.read())
        assert len(bodies) == 1
        assert hot(live) == 5


async def test_what_all_ask_for_at_once_is_made_once_and_counted_for_each(
    store: LocalStore, client: aiohttp.ClientSession
) -> None:
    async with running(store) as live:
        session, feed = await begun(live)
        url = live.at(session, f"{TOKEN}360p.m3u8")
        async with client.get(url, headers={"Accept-Encoding": "identity"}) as answer:
            before, segments = answer.headers["ETag"], parse_media(await answer.text()).segments
        for coding, known in (("identity", before), ("gzip", f'{before[:-1]}-gz"')):
            for _ in range(2):
                async with client.get(url, headers={"Accept-Encoding": coding}) as answer:
                    assert (answer.status, answer.headers["ETag"]) == (200, known)
            asked = {"Accept-Encoding": coding, "If-None-Match": known}
            async with client.get(url, headers=asked) as answer:
                assert answer.status == 304
        async with client.head(url, headers={"Accept-Encoding": "identity"}) as answer:
            assert answer.headers["ETag"] == before
        assert live.figure("answers_total", kind="playlist", status="200") == 1 + 4 + 1
        assert live.figure("answers_total", kind="playlist", status="304") == 2
        for segment in segments[:2]:
            for asked, size in (({}, None), ({"Range": "bytes=0-9"}, 10), ({}, None)):
                async with client.get(live.at(session, TOKEN + segment.uri), headers=asked) as a:
                    body = await a.read()
                    assert len(body) == (size or int(a.headers["Content-Length"])) > 0
        await feed.end()
        async with client.get(url, headers={"Accept-Encoding": "identity"}) as answer:
            assert answer.headers["ETag"] != before


async def test_a_wait_in_vain_is_told_once_and_as_the_application_would(
    store: LocalStore, client: aiohttp.ClientSession
) -> None:
    async with running(store, wait_limit_s=0.3) as live:
        session, feed = await begun(live)
        position = feed.listings["360p"].position()
        asked = {"_HLS_msn": str(position.open_number), "_HLS_part": str(position.parts)}
        said = []
        for _ in range(2):
            async with client.get(live.at(session, f"{TOKEN}360p.m3u8"), params=asked) as answer:
                names = ("Cache-Control", "Retry-After", "Content-Type")
                fields = [answer.headers[name].partition(";")[0] for name in names]
                said.append((answer.status, fields, await answer.json(content_type=None)))
        assert said[0] == said[1]
        assert said[0][0] == 503
        assert hot(live) == 1
        async with client.get(
            live.at(session, f"{TOKEN}360p.m3u8"), params={"_HLS_part": "1"}
        ) as a:
            assert a.status == 400
