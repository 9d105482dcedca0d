"""Request ids, bounded route labels and health answers through real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from catalog.errors import NotFound
from catalog.http.problem import problems
from deploy.checks import Check
from deploy.observe import HttpMetrics, health_routes, observing

Client = TestClient[web.Request, web.Application]


async def fine() -> None:
    return None


async def broken() -> None:
    raise ConnectionError("the database is away")


async def lesson(request: web.Request) -> web.Response:
    if request.match_info["id"] == "none":
        raise NotFound("no such lesson")
    return web.Response(text="a lesson")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    registry = CollectorRegistry()
    app = web.Application(middlewares=[observing(HttpMetrics(registry)), problems])
    app.add_routes(health_routes(registry, {"database": Check(broken), "store": Check(fine)}))
    app.router.add_get("/lessons/{id}", lesson)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_metrics_name_the_pattern_never_the_path(client: Client) -> None:
    for path in ("/lessons/1", "/lessons/2", "/lessons/none", "/wp-admin.php"):
        await client.get(path)
    text = await (await client.get("/metrics")).text()
    assert 'answers_total{method="GET",route="/lessons/{id}",status="200"} 2.0' in text
    assert 'answers_total{method="GET",route="/lessons/{id}",status="404"} 1.0' in text
    assert 'route="unknown",status="404"} 1.0' in text
    assert "wp-admin" not in text


async def test_an_answer_carries_its_request_id(client: Client) -> None:
    made = await client.get("/lessons/1")
    assert len(made.headers["X-Request-Id"]) == 20
    given = await client.get("/lessons/1", headers={"X-Request-Id": "upstream-1234"})
    assert given.headers["X-Request-Id"] == "upstream-1234"
    hostile = await client.get("/lessons/1", headers={"X-Request-Id": "a" * 65})
    assert len(hostile.headers["X-Request-Id"]) == 20


async def test_ready_names_what_is_away(client: Client) -> None:
    assert (await client.get("/healthz")).status == 200
    answer = await client.get("/readyz")
    assert answer.status == 503
    checks = (await answer.json())["checks"]
    assert checks == {"database": "ConnectionError: the database is away", "store": "ok"}
