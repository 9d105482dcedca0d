"""One port, two servers: both ways are counted and named alike."""

from __future__ import annotations

from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from catalog.http.problem import problems
from catalog.media import Presentation
from catalog.store.local import LocalStore
from catalog.tokens import Verifier
from deploy.listening import listen
from deploy.observe import HTTP_METRICS, HttpMetrics, observing
from streaming.metrics import MediaMetrics
from streaming.vod.access import Gate
from streaming.vod.app import Media
from tests.support.presentations import WHOLE
from tests.support.screening import nobody


class OneLesson:
    """A catalogue of one lesson."""

    async def presentation(self, lesson: str) -> Presentation | None:
        return WHOLE if lesson == WHOLE.lesson else None

    async def rendition(self, rendition: str) -> None:
        return None


async def test_answers_of_both_ways_have_an_id_and_are_counted_as_one(store: LocalStore) -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    app = web.Application(middlewares=[observing(metrics), problems])
    app[HTTP_METRICS] = metrics
    gate = Gate(Verifier({"k": Ed25519PrivateKey.generate().public_key()}), nobody)
    app.add_subapp("/media", Media(OneLesson(), store, gate, MediaMetrics(registry)).app())

    def figure(name: str, **labels: str) -> float:
        return registry.get_sample_value(name, labels) or 0.0

    async with AsyncExitStack() as stack:
        url = await listen(stack, app, "127.0.0.1:0", 1.0)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        playlist = f"{url}/media/{WHOLE.lesson}/multivariant.m3u8"
        made = set()
        for _ in range(4):
            async with client.get(playlist) as answer:
                assert answer.status == 200
                made.add(answer.headers["X-Request-Id"])
        assert {len(one) for one in made} == {20}
        assert len(made) == 4
        async with client.get(playlist, headers={"X-Request-Id": "upstream-1234"}) as answer:
            assert answer.headers["X-Request-Id"] == "upstream-1234"
        async with client.get(f"{url}/media/{WHOLE.lesson}/none") as answer:
            assert answer.status == 404
    hot = figure("tongbu_hot_requests_total", way="hot")
    assert 0 < hot < 6
    route = {"method": "GET", "route": "/media/{path}"}
    assert figure("tongbu_http_answers_total", **route, status="200") == 5
    assert figure("tongbu_http_answers_total", **route, status="404") == 1
    assert figure("tongbu_http_request_seconds_count", **route) == 6
