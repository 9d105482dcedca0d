"""Serving the built pages: headers that browsers go by, compression, and which addresses exist."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from catalog.http.pages import APP_PATHS, Asset, Pages, read_dist
from catalog.http.problem import NOWHERE, problems

ROUTER = Path(__file__).parents[3] / "catalog/web/src/router.ts"
PAGE_OF_THE_BOX = "/edge/status"
SCRIPT = b"console.log(1);" * 100


def build(dist: Path) -> None:
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>同步</title>", "utf-8")
    (dist / "favicon.svg").write_text("<svg/>")
    (dist / "manifest.json").write_text("{}")
    (dist / ".stamp").write_text("secret")
    (dist / "assets/a-1.js").write_bytes(SCRIPT)
    (dist / "assets/a-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (dist / "assets/a-1.js.br").write_bytes(b"brotli")


@pytest.fixture
def assets(tmp_path: Path) -> dict[str, Asset]:
    build(tmp_path / "dist")
    return read_dist(tmp_path / "dist")


@pytest.fixture
async def client(assets: dict[str, Asset]) -> AsyncIterator[ClientSession]:
    app = web.Application(middlewares=[problems])
    app.add_routes(Pages(assets).routes())
    async with (
        TestServer(app) as server,
        ClientSession(server.make_url("/"), auto_decompress=False) as session,
    ):
        yield session


async def test_an_address_of_the_router_is_the_document_with_strict_rules(
    client: ClientSession,
) -> None:
    for path in ("/", "/lessons/abc", "/upload", "/mine", "/admin", "/admin/users", "/login"):
        async with client.get(path) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/html"
            assert answer.headers["Cache-Control"] == "no-cache"
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert "同步" in await answer.text()


async def test_hashed_files_never_change(client: ClientSession) -> None:
    async with client.get("/assets/a-1.js", headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.content_type == "text/javascript"
        assert "Content-Encoding" not in answer.headers
        assert await answer.read() == SCRIPT


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("deflate", None),
    ],
)
async def test_the_best_encoding_that_the_browser_takes(
    client: ClientSession, accepted: str, encoding: str | None
) -> None:
    async with client.get("/assets/a-1.js", headers={"Accept-Encoding": accepted}) as answer:
        assert answer.headers.get("Content-Encoding") == encoding
        assert answer.headers["Vary"] == "Accept-Encoding"


async def test_an_unchanged_document_is_not_sent_again(client: ClientSession) -> None:
    async with client.get("/") as answer:
        etag = answer.headers["ETag"]
    async with client.get("/", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
        assert await answer.read() == b""


async def test_an_unknown_address_is_a_page_for_people_and_404_for_all(
    client: ClientSession,
) -> None:
    async with client.get("/nowhere", headers={"Accept": "text/html"}) as answer:
        assert answer.status == 404
        assert "同步" in await answer.text()
    for path in ("/nowhere", "/assets/none.js", "/assets/%2e%2e/index.html", "/.stamp"):
        async with client.get(path, headers={"Accept": "*/*"}) as answer:
            assert answer.status == 404
            assert answer.content_type == "application/problem+json"
    async with client.get("/api/v1/none", headers={"Accept": "text/html"}) as answer:
        assert answer.content_type == "application/problem+json"


async def test_an_address_of_the_api_is_left_to_the_api(assets: dict[str, Asset]) -> None:
    async def taken(request: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application(middlewares=[problems])
    app.router.add_post("/api/v1/login", taken)
    app.add_routes(Pages(assets).routes())
    async with TestServer(app) as server, ClientSession(server.make_url("/")) as session:
        for method in ("GET", "HEAD", "PUT"):
            async with session.request(method, "/api/v1/login") as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        async with session.get("/api/v1/login") as answer:
            found = await answer.json(content_type="application/problem+json")
            assert found["detail"] == "this address takes only POST"
        for method in ("GET", "POST"):
            async with session.request(method, "/api/v1/none") as answer:
                found = await answer.json(content_type="application/problem+json")
                assert (answer.status, found["detail"]) == (404, NOWHERE)


async def test_says_so_when_nothing_was_built() -> None:
    app = web.Application(middlewares=[problems])
    app.add_routes(Pages({}).routes())
    async with (
        TestServer(app) as server,
        ClientSession(server.make_url("/")) as session,
        session.get("/") as answer,
    ):
        assert answer.status == 503
        assert "make web" in await answer.text()


def test_every_address_of_the_router_is_served() -> None:
    source = ROUTER.read_text("utf-8")
    for path in APP_PATHS:
        spelled = path.replace("/admin/{kind}", "/admin/:kind?").replace("{id}", ":id")
        assert f'"{spelled}"' in source or path == "/admin"
    known = {path for path in re.findall(r'"(/[^"]*)"', source) if ":rest" not in path}
    assert len(known - {PAGE_OF_THE_BOX}) == len(APP_PATHS) - 1, "/admin is /admin/:kind?"
