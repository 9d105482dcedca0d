"""The city's API through a box, over real sockets: passed on, kept, and refused in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from catalog.http.problem import problems
from streaming.edge.answers import Answers
from streaming.edge.proxy import KEPT_LIMIT_BYTES, Proxy
from streaming.edge.titles import TITLE_LIMIT_CHARS, Titles
from streaming.edge.upstream import Upstream, UpstreamSettings

SECRET = {"Authorization": "Edge secret"}


class City:
    """An origin that says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.go_on = asyncio.Event()
        self.banned: set[str] = set()
        self.hangs_up = 0

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4_000_000)
        app.router.add_get("/healthz", self.me)
        app.router.add_get("/api/v1/me", self.me)
        app.router.add_get("/api/v1/large", self.large)
        app.router.add_get("/api/v1/sessions/{id}", self.session)
        app.router.add_get("/api/v1/events", self.events)
        app.router.add_post("/api/v1/lessons", self.upload)
        return app

    async def me(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if self.hangs_up and request.transport:
            self.hangs_up -= 1
            request.transport.close()
        if request.cookies.get("tongbu_session", "") in self.banned:
            return web.json_response({"detail": "signed out"}, status=401)
        answer = web.json_response({"name": request.cookies.get("tongbu_session", "")})
        answer.headers.add("Set-Cookie", "a=1")
        answer.headers.add("Set-Cookie", "b=2")
        return answer

    async def session(self, request: web.Request) -> web.Response:
        titles = {"s1": "圆的面积", "s2": "二元一次方程组"}
        return web.json_response(
            {"id": request.match_info["id"], "title": titles[request.path[-2:]]}
        )

    async def large(self, request: web.Request) -> web.Response:
        body = b'"' + b"x" * KEPT_LIMIT_BYTES + b'"'
        answer = web.Response(body=body, content_type="application/json")
        if request.query.get("packed"):
            answer.enable_compression()
        return answer

    async def events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await answer.write(b"data: one\n\n")
        await self.go_on.wait()
        await answer.write(b"data: two\n\n")
        return answer

    async def upload(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return web.json_response({"bytes": len(await request.read())}, status=201)


class Deaf:
    """A meter that nobody reads."""

    def began(self, now: float) -> None: ...

    def arrived(self, size_bytes: int, now: float) -> None: ...

    def ended(self, now: float) -> None: ...


@dataclass
class Here:
    """A box, its city, and a browser."""

    url: str
    city: City
    upstream: Upstream
    origin: web.AppRunner
    http: aiohttp.ClientSession


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[tuple[str, web.AppRunner]]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}", runner
    finally:
        await runner.cleanup()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    city = City()
    answers = Answers(tmp_path / "answers.db")
    await answers.open()
    async with (
        serving(city.app()) as (base, origin),
        Upstream(UpstreamSettings(base), lambda: SECRET, Deaf()) as upstream,
    ):
        app = web.Application(middlewares=[problems])
        app.router.add_route("*", "/{path:.*}", Proxy(upstream, answers).serve)
        async with serving(app) as (url, _), aiohttp.ClientSession() as http:
            yield Here(url, city, upstream, origin, http)
            city.go_on.set()
    await answers.close()


def who(name: str) -> dict[str, str]:
    return {"Cookie": f"tongbu_session={name}"}


async def test_a_request_goes_on_as_its_asker_s_own(here: Here) -> None:
    headers = {**who("wang"), "Host": "box.school.example", "Accept-Language": "zh"}
    async with here.http.get(f"{here.url}/api/v1/me", headers=headers) as answer:
        assert await answer.json() == {"name": "wang"}
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    (asked,) = here.city.asked
    assert asked.headers["Host"] == "box.school.example"
    assert asked.headers["Accept-Language"] == "zh"
    assert asked.headers["X-Forwarded-For"] == "127.0.0.1"
    assert "Authorization" not in asked.headers, "the box's credential is its own"
    assert asked.headers["Tongbu-Edge"] == "secret", "and vouches for whose request this is"


async def test_without_a_line_everyone_has_what_they_had(here: Here) -> None:
    for name in ("wang", "zhao"):
        async with here.http.get(f"{here.url}/api/v1/me", headers=who(name)) as answer:
            assert answer.status == 200
    await here.origin.cleanup()
    for name in ("wang", "zhao"):
        async with here.http.get(f"{here.url}/api/v1/me", headers=who(name)) as answer:
            assert await answer.json() == {"name": name}
            assert answer.headers["Tongbu-Line"] == "down"
            assert answer.headers["Cache-Control"] == "no-store"
    async with here.http.get(f"{here.url}/api/v1/me", headers=who("li")) as answer:
        assert answer.status == 503
        assert "line to the city is down" in (await answer.json())["detail"]
    async with here.http.post(f"{here.url}/api/v1/lessons", headers=who("wang")) as answer:
        assert answer.status == 503


async def test_events_come_as_they_happen(here: Here) -> None:
    async with here.http.get(f"{here.url}/api/v1/events") as answer:
        assert await answer.content.readany() == b"data: one\n\n"
        here.city.go_on.set()
        assert await answer.content.readany() == b"data: two\n\n"


async def test_an_upload_goes_through_whole(here: Here) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100_000)

    url = f"{here.url}/api/v1/lessons"
    async with here.http.post(url, data=pieces()) as answer:
        assert answer.status == 201
        assert await answer.json() == {"bytes": 2_000_000}
    async with here.http.post(url, data=bytes(70_000)) as answer:
        assert await answer.json() == {"bytes": 70_000}


@pytest.mark.parametrize("query", ["", "?packed=1"])
async def test_what_is_large_goes_through_and_is_not_kept(here: Here, query: str) -> None:
    async with here.http.get(f"{here.url}/api/v1/large{query}") as answer:
        assert len(await answer.read()) == KEPT_LIMIT_BYTES + 2
    await here.origin.cleanup()
    async with here.http.get(f"{here.url}/api/v1/large{query}") as answer:
        assert answer.status == 503


async def test_who_may_no_longer_see_has_nothing_kept(here: Here) -> None:
    async with here.http.get(f"{here.url}/api/v1/me", headers=who("wang")) as answer:
        assert answer.status == 200
    here.city.banned.add("wang")
    async with here.http.get(f"{here.url}/api/v1/me", headers=who("wang")) as answer:
        assert answer.status == 401
    await here.origin.cleanup()
    async with here.http.get(f"{here.url}/api/v1/me", headers=who("wang")) as answer:
        assert answer.status == 503


async def test_a_connection_that_ends_is_no_cut_line(here: Here) -> None:
    here.city.hangs_up = 2  # aiohttp asks once more by itself
    async with here.http.get(f"{here.url}/api/v1/me", headers=who("wang")) as answer:
        assert answer.status == 503
    assert here.upstream.cuts == 0
    async with here.http.get(f"{here.url}/api/v1/me", headers=who("wang")) as answer:
        assert await answer.json() == {"name": "wang"}


async def test_titles_of_sessions_are_heard_as_they_pass(here: Here, tmp_path: Path) -> None:
    answers = Answers(tmp_path / "titles.db")
    await answers.open()
    titles = Titles(answers)
    proxy = Proxy(here.upstream, answers, titles.hear)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", proxy.serve)
    async with serving(app) as (url, _):
        async with here.http.get(f"{url}/api/v1/sessions/s1?lang=zh") as answer:
            assert answer.status == 200
        async with here.http.get(f"{url}/api/v1/me") as answer:
            assert answer.status == 200
        asked = make_mocked_request("GET", "/live/s2/multivariant.m3u8")
        assert await proxy.allows(asked, "/api/v1/sessions/s2")
    for now in (titles, Titles(answers)):
        assert [await now.of(one) for one in ("s1", "s2", "s3")] == [
            "圆的面积", "二元一次方程组", "",
        ]  # fmt: skip
    await titles.hear("/api/v1/sessions/s1", b"{")
    await titles.hear("/api/v1/sessions/s1/attendance", b'{"title":"x"}')
    await titles.hear("/api/v1/sessions/s1", b'{"title":"' + b"x" * 500 + b'"}')
    assert len(await titles.of("s1")) == TITLE_LIMIT_CHARS
    await answers.close()
