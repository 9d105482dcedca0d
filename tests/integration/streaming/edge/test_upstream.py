"""The one HTTP client across the line: bounded texts, sockets, and whom it believes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from loadtests.own_certificate import own_certificate
from streaming.edge import upstream as module
from streaming.edge.arrival import Broken
from streaming.edge.upstream import BadAnswer, LineCut, Upstream, UpstreamSettings
from tests.support.filling import Tally
from tests.support.scripted_upstream import (
    ScriptedUpstream,
    body_of,
    holding,
    serving,
)
from tests.support.upstream_client import PATH, connected, identity
from tests.support.upstream_client import origin as origin
from tests.support.wait import eventually

Speaker = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def test_a_text_comes_with_its_tag_and_the_edges_credential(
    origin: ScriptedUpstream,
) -> None:
    async def tagged(request: web.Request, body: bytes) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304, headers={"ETag": '"1"'})
        response = web.json_response({"title": "勾股定理"}, headers={"ETag": '"1"'})
        response.enable_compression(web.ContentCoding.gzip)
        return response

    origin.script(PATH, tagged, tagged)
    async with connected(origin) as (client, meter):
        first = await client.text(PATH)
        assert (first.status, first.headers["etag"]) == (200, '"1"')
        assert first.body.decode("utf-8") == '{"title": "\\u52fe\\u80a1\\u5b9a\\u7406"}'
        second = await client.text(PATH, '"1"')
        assert (second.status, second.body) == (304, b"")
        assert meter.size_bytes > 0
        assert meter.most_flows == 0
    assert [h["Authorization"] for h in origin.asked(PATH)] == ["Edge key"] * 2


async def test_any_status_is_an_answer_and_redirects_are_not_followed(
    origin: ScriptedUpstream,
) -> None:
    async def away(request: web.Request, body: bytes) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/stolen", "Set-Cookie": "a=b"})

    async def failing(request: web.Request, body: bytes) -> web.StreamResponse:
        return web.Response(status=500, text="no")

    origin.script(PATH, away, failing)
    async with connected(origin) as (client, _):
        assert [(await client.text(PATH)).status for _ in range(2)] == [302, 500]
    assert [path for path, _ in origin.requests] == [PATH, PATH]
    assert "Cookie" not in origin.asked(PATH)[1]


@pytest.mark.parametrize("packed", [True, False])
async def test_a_text_is_bounded_also_when_it_is_packed(
    origin: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    assert module.TEXT_LIMIT_BYTES == 16 * 1024 * 1024
    monkeypatch.setattr(module, "TEXT_LIMIT_BYTES", 1_000_000)

    async def endless(request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        if packed:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        while True:
            await response.write(bytes(100_000))

    origin.script(PATH, endless)
    async with connected(origin) as (client, _):
        with pytest.raises(BadAnswer, match="longer than"):
            await client.text(PATH)
        assert client.cut is None


async def media(client: Upstream) -> bytes:
    """Read a transfer of media to its end."""
    async with client.media(PATH, {}) as incoming:
        return b"".join([chunk async for chunk in incoming.chunks])


def speaking(text: bytes, *, endless: bool = False) -> Speaker:
    """Answer a connection with this, once or until it is closed."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        with suppress(ConnectionError):
            writer.write(text)
            while endless:
                writer.write(b"X-More: and more\r\n" * 100)
                await writer.drain()
            await writer.drain()
        writer.close()

    return speak


NO_HTTP = {
    "another protocol": speaking(b"220 this is no HTTP\r\n\r\n"),
    "an endless head": speaking(b"HTTP/1.1 200 OK\r\n", endless=True),
    "a long field": speaking(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    "two lengths": speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "a chunk without a size": speaking(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("what", NO_HTTP)
async def test_what_is_no_http_is_a_bad_answer(what: str) -> None:
    server = await asyncio.start_server(NO_HTTP[what], "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = UpstreamSettings(url, head_s=5.0)
    async with server, Upstream(settings, identity, Tally()) as client:
        with pytest.raises(BadAnswer):
            await client.text(PATH)
        with pytest.raises(Broken):
            await media(client)
        assert client.cut is None


async def test_one_answer_that_never_comes_is_not_a_cut_line(origin: ScriptedUpstream) -> None:
    async def never(request: web.Request, body: bytes) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    origin.script(PATH, never, never)
    async with connected(origin, head_s=0.1) as (client, _):
        with pytest.raises(BadAnswer, match="no answer in time"):
            await client.text(PATH)
        with pytest.raises(Broken, match="no answer in time"):
            async with client.media(PATH, {}):
                pass
        await eventually(lambda: bool(origin.asked(module.KNOCK_PATH)))
        assert client.cut is None
        assert (await client.text("/other")).status == 200


async def test_texts_do_not_wait_behind_media(origin: ScriptedUpstream) -> None:
    go = asyncio.Event()
    origin.script("/media/1.m4s", holding(0.1, go))
    async with connected(origin) as (client, meter):
        async with client.media("/media/1.m4s", {}) as incoming:
            assert (await client.text(PATH)).status == 200
            assert meter.flows == 1
            go.set()
            body = b"".join([chunk async for chunk in incoming.chunks])
        assert body == body_of("/media/1.m4s", 256 * 1024)
        assert meter.flows == 0


async def test_texts_are_so_many_at_once_and_no_more(origin: ScriptedUpstream) -> None:
    go = asyncio.Event()
    origin.script(PATH, *[holding(0.0, go)] * (module.TEXTS_AT_ONCE + 2))
    async with connected(origin) as (client, _):
        tasks = [asyncio.create_task(client.text(PATH)) for _ in range(module.TEXTS_AT_ONCE + 2)]
        await eventually(lambda: len(origin.requests) == module.TEXTS_AT_ONCE)
        await asyncio.sleep(0)
        assert len(origin.requests) == module.TEXTS_AT_ONCE
        go.set()
        await asyncio.gather(*tasks)
    assert len(origin.requests) == module.TEXTS_AT_ONCE + 2


async def test_a_socket_is_dialled_with_the_credential() -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        await answer.send_str(request.headers["Authorization"])
        async for message in answer:
            await answer.send_bytes(message.data)
        return answer

    app = web.Application()
    app.router.add_get("/live/1/relay", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = UpstreamSettings(f"http://127.0.0.1:{runner.addresses[0][1]}", head_s=2.0)
    async with Upstream(settings, identity, Tally()) as client:
        async with client.dial("/live/1/relay") as dialled:
            assert (await dialled.receive_str()) == "Edge key"
            await dialled.send_bytes(b"one")
            assert (await dialled.receive_bytes()) == b"one"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with client.dial("/live/2/relay"):
                pass
    await runner.cleanup()


async def test_an_upstream_by_tls_is_one_that_the_citys_authority_vouches_for(
    tmp_path: Path,
) -> None:
    pem = await asyncio.to_thread(own_certificate, tmp_path / "pem")
    serve_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    await asyncio.to_thread(serve_tls.load_cert_chain, pem)
    trusting = await asyncio.to_thread(ssl.create_default_context, cafile=str(pem))
    origin = ScriptedUpstream()
    async with serving(origin, tls=serve_tls):
        settings = UpstreamSettings(origin.url)
        async with Upstream(settings, identity, Tally(), trusting) as client:
            assert (await client.text(PATH)).status == 200
        async with Upstream(settings, identity, Tally()) as client:
            with pytest.raises(LineCut, match="Certificate"):
                await client.text(PATH)
    assert len(origin.requests) == 1
