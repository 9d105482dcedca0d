"""CMCD changes no answer: not by header, not by query, not on the short way, not on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.media import Presentation
from catalog.store.local import LocalStore
from streaming.qoe.cmcd import HEADERS
from tests.support.screening import Served, serving

SAID = {"CMCD-Object": "br=900,d=4000,ot=v", "CMCD-Session": 'cid="a",sf=h,sid="b",st=v'}
QUERY = "CMCD=br%3D900%2Csid%3D%22b%22"


@pytest.fixture(params=["hot", "aiohttp"])
async def served(
    store: LocalStore, pool: Pool, request: pytest.FixtureRequest
) -> AsyncIterator[Served]:
    async with serving(Presentations(pool), store, hot=request.param == "hot") as served:
        yield served


async def test_answers_are_the_same(served: Served, lesson: Presentation) -> None:
    rendition = lesson.renditions[0].id
    for name in ("multivariant.m3u8", f"{rendition}/media.m3u8", f"{rendition}/1.m4s"):
        url = served.at(lesson.lesson, name)
        ways = [(url, {}), (url, SAID), (f"{url}{'&' if '?' in url else '?'}{QUERY}", {})]
        found = set()
        async with aiohttp.ClientSession() as http:
            for one, headers in ways * 2:
                async with http.get(one, headers=headers) as answer:
                    assert answer.status == 200, (one, await answer.text())
                    found.add((answer.headers["ETag"], await answer.read()))
        assert len(found) == 1, name


async def test_a_preflight_allows_it(served: Served, lesson: Presentation) -> None:
    url = served.at(lesson.lesson, "multivariant.m3u8")
    async with aiohttp.ClientSession() as http, http.options(url) as answer:
        allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(HEADERS) <= set(allowed)
