"""The one HTTP client across the line: bounded texts, and a line that is cut and comes back."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from catalog.ending import end_task
from streaming.edge import reach
from streaming.edge import upstream as module
from streaming.edge.arrival import Broken
from streaming.edge.pulse import IDLE_S, KNOCK_LIMIT_S
from streaming.edge.reach import KNOCKS_FAST, Reach
from streaming.edge.upstream import BadAnswer, LineCut, Upstream, UpstreamSettings
from streaming.hot.patience import IDLE_S as ORIGIN_IDLE_S
from tests.support.box import PIECE_BYTES, box, place
from tests.support.filling import Tally
from tests.support.scripted_upstream import (
    ScriptedUpstream,
    body_of,
    holding,
    serving,
)
from tests.support.wait import eventually

PATH = "/api/v1/lessons/1"
Speaker = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def identity() -> dict[str, str]:
    """Give the box's credential."""
    return {"Authorization": "Edge key"}


@asynccontextmanager
async def connected(
    origin: ScriptedUpstream, **times_s: float
) -> AsyncIterator[tuple[Upstream, Tally]]:
    meter = Tally()
    settings = UpstreamSettings(origin.url + "/", **{"knock_first_s": 0.02, **times_s})
    async with Upstream(settings, identity, meter) as client:
        yield client, meter


def is_cut(client: Upstream) -> bool:
    """Tell whether the line is cut now."""
    return client.cut is not None


@asynccontextmanager
async def full_backlog() -> AsyncIterator[int]:
    """Give a port that answers no more connections, as a line that is cut does."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    try:
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
    finally:
        for one in (*fillers, listener):
            one.close()


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedUpstream]:
    async with serving(ScriptedUpstream()) as origin:
        yield origin


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


async def test_a_cut_line_is_told_at_once_and_knocked_at_until_it_is_back() -> None:
    origin = ScriptedUpstream()
    async with serving(origin):
        port = int(origin.url.rpartition(":")[2])
    async with connected(origin) as (client, _):
        with pytest.raises(LineCut):
            await client.text(PATH)
        first = client.cut
        assert first is not None
        with pytest.raises(LineCut, match="the line is cut"):
            async with client.media(PATH, {}):
                pass
        assert client.cuts == 1
        back = asyncio.create_task(client.reachable())
        async with serving(origin, port):
            await back
            assert not is_cut(client)
            assert (await client.text(PATH)).status == 200
        assert origin.requests[0][0] == module.KNOCK_PATH
        with pytest.raises(LineCut):
            await client.text(PATH)
        second = client.cut
        assert second is not None
        assert second.since_at > first.since_at
        assert client.cuts == 2


async def test_knocks_come_each_second_and_later_each_two() -> None:
    async def knock() -> None:
        raise AssertionError

    pauses = Reach(knock).pauses_s()
    assert [next(pauses) for _ in range(KNOCKS_FAST + 2)] == [*[1.0] * KNOCKS_FAST, 2.0, 2.0]


class Silent:
    """A way to an origin on which nothing comes through while it is cut: nobody says a word."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cut = False
        self.accepted = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers += [writer, back]
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if not self.cut:
                    writer.write(data)
        writer.close()

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def silent(origin: ScriptedUpstream) -> AsyncIterator[tuple[Silent, str]]:
    way = Silent(int(origin.url.rpartition(":")[2]))
    server = await asyncio.start_server(way.serve, "127.0.0.1", 0)
    async with server:
        yield way, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        way.close()


@asynccontextmanager
async def listened(url: str, heard: Callable[[], int] = lambda: 0) -> AsyncIterator[Upstream]:
    settings = UpstreamSettings(url, knock_s=0.3, knock_first_s=0.05)
    async with Upstream(settings, identity, Tally()) as client:
        listening = asyncio.create_task(client.listen(heard, lambda: True))
        yield client
        await end_task(listening)


async def test_a_silent_line_is_known_within_five_seconds_though_nobody_asks(
    origin: ScriptedUpstream,
) -> None:
    origin.sizes[module.KNOCK_PATH] = 15
    async with silent(origin) as (way, url), listened(url) as client:
        await eventually(lambda: len(origin.asked(module.KNOCK_PATH)) >= 2)
        assert way.accepted == 1, "on the connection it has"
        assert IDLE_S < module.KEPT_OPEN_S < ORIGIN_IDLE_S, "also while nobody is here"
        assert client.cut is None
        assert "Authorization" not in origin.asked(module.KNOCK_PATH)[0]
        way.cut, cut_at = True, time.monotonic()
        await eventually(lambda: is_cut(client))
        assert time.monotonic() - cut_at < 5.0 - KNOCK_LIMIT_S + 1.5
        way.cut = False
        async with asyncio.timeout(5.0):
            await client.reachable()
        assert client.cuts == 1


async def test_a_line_on_which_anything_comes_is_not_knocked_at(
    origin: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "LOOK_EVERY_S", 0.01)
    looked = count()
    async with silent(origin) as (way, url), listened(url, lambda: next(looked)) as client:
        way.cut = True
        await eventually(lambda: next(looked) > 300)
        assert client.cut is None
    assert origin.asked(module.KNOCK_PATH) == []


async def test_who_waits_for_an_answer_hears_at_once_that_the_line_is_cut(
    origin: ScriptedUpstream,
) -> None:
    never = asyncio.Event()
    origin.script(PATH, holding(0.0, never))

    async def once() -> AsyncIterator[bytes]:
        yield b"[]"

    async with silent(origin) as (way, url), listened(url) as client:
        way.cut = True
        for body in (None, once()):
            with pytest.raises(LineCut):
                async with asyncio.timeout(8.0), client.forward("POST", PATH, {}, body):
                    pass
            way.cut = False
            await client.reachable()
            way.cut = True
        never.set()


async def test_a_line_that_swallows_connections_is_cut() -> None:
    async with full_backlog() as port:
        settings = UpstreamSettings(f"http://127.0.0.1:{port}", connect_s=0.1)
        async with Upstream(settings, identity, Tally()) as client:
            with pytest.raises(LineCut):
                await client.text(PATH)
            assert is_cut(client)


async def test_who_waits_for_a_piece_gets_the_rest_when_the_line_is_back(tmp_path: Path) -> None:
    origin, one = ScriptedUpstream(), place(0)
    origin.sizes[one.path] = PIECE_BYTES
    origin.script(one.path, holding(0.5, asyncio.Event()))
    async with AsyncExitStack() as stack:
        async with serving(origin):
            port = int(origin.url.rpartition(":")[2])
            school = await stack.enter_async_context(box(tmp_path, origin.url))
            reader = asyncio.create_task(school.read(one.piece))
            await eventually(lambda: school.fills.find(one.piece) is not None)
            fill = school.fills.find(one.piece)
            assert fill is not None
            await fill.reach(PIECE_BYTES // 2 - 1)
        await eventually(lambda: is_cut(school.upstream))
        async with serving(origin, port):
            assert await reader == body_of(one.path, PIECE_BYTES)
            assert not is_cut(school.upstream)
    assert [h.get("Range") for h in origin.asked(one.path)] == [
        None, f"bytes={PIECE_BYTES // 2}-",
    ]  # fmt: skip


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


def certificate(path: Path) -> Path:
    """Make a certificate of 127.0.0.1 that vouches for itself; the key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + secret)
    return path


async def test_an_upstream_by_tls_is_one_that_the_citys_authority_vouches_for(
    tmp_path: Path,
) -> None:
    pem = await asyncio.to_thread(certificate, tmp_path / "pem")
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
