"""Publishers that are slow, silent, rude or broken cost little and end soon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import Invalid
from catalog.live import FeedName
from tests.support.children import encoders_of
from tests.support.live_feeds import KEY
from tests.support.publishing import Studio, publisher, studio
from tests.support.rtmp import SESSION, asking, command, greeting, message
from tests.support.wait import eventually
from transcoder.live import rtmp_server as server_module
from transcoder.live.address import Address
from transcoder.live.encoder import DEATHS_LIMIT
from transcoder.live.errors import Refused
from transcoder.live.feed_state import FeedState
from transcoder.live.rtsp import URL_LIMIT_CHARACTERS, checked_url

MAIN = Address(SESSION, FeedName.MAIN, KEY)
NO_FFMPEG = Path(shutil.which("false") or "/bin/false").resolve()
GOOD = f"{SESSION}?key={KEY}"


@contextlib.asynccontextmanager
async def connection(here: Studio) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """A socket to the RTMP port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.server.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def admitted(here: Studio) -> AsyncIterator[StreamWriter]:
    """An encoder that has shown its key."""
    async with connection(here) as (_, encoder):
        encoder.write(asking(GOOD))
        await eventually(lambda: here.figure("tongbu_ingest_publishers", way="rtmp") == 1)
        yield encoder


async def closed(reader: StreamReader) -> None:
    """Read until the server closes."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while await reader.read(65_536):
                continue


async def test_who_does_not_show_a_key_is_closed() -> None:
    async with studio(greeting_s=0.2) as here:
        for sent in (b"", b"\x03", greeting(), greeting() + command("connect", 1, {"app": "live"})):
            async with connection(here) as (reader, writer):
                writer.write(sent)
                await closed(reader)
        async with connection(here) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await closed(reader)
        assert here.book.asked == 0


async def test_who_is_silent_is_closed_and_may_come_back() -> None:
    async with studio(idle_s=0.3, silent_s=0.3) as here:
        async with connection(here) as (reader, writer):
            writer.write(asking(GOOD))
            await closed(reader)
        live = here.ingest.find(SESSION, FeedName.MAIN)
        assert live is not None
        assert live.publisher is None


async def test_a_silent_publisher_gives_way_to_another() -> None:
    async with studio(silent_s=0.2) as here, connection(here) as (reader, writer):
        writer.write(asking(GOOD))
        await eventually(lambda: here.figure("tongbu_ingest_publishers", way="rtmp") == 1)
        live = here.ingest.find(SESSION, FeedName.MAIN)
        assert live is not None
        await eventually(live.is_silent)
        other = await here.ingest.admit(lambda: MAIN, "elsewhere")
        await closed(reader)
        assert live.publisher is other


async def test_the_number_of_connections_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "STRANGERS_LIMIT_OF_ADDRESS", 2)
    async with studio() as here, connection(here) as first, connection(here):
        await eventually(lambda: here.server.connections == 2)
        async with connection(here) as (reader, _):
            await closed(reader)
        assert here.figure("tongbu_ingest_refused_total", why="connections") == 1
        first[1].close()
        await eventually(lambda: here.server.connections == 1)


async def test_who_showed_a_key_is_no_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "STRANGERS_LIMIT_OF_ADDRESS", 1)
    async with studio() as here, admitted(here) as encoder:
        async with connection(here):
            await eventually(lambda: here.server.connections == 2)
            async with connection(here) as (reader, _):
                await closed(reader)
        await eventually(lambda: here.server.connections == 1)
        encoder.close()
        await eventually(lambda: here.server.connections == 0)
        async with connection(here):
            await eventually(lambda: here.server.connections == 1)


async def test_no_more_connections_than_the_port_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "CONNECTIONS_LIMIT", 1)
    async with studio() as here, admitted(here):
        async with connection(here) as (reader, _):
            await closed(reader)
        assert here.figure("tongbu_ingest_refused_total", why="connections") == 1


async def test_bytes_that_are_no_rtmp_end_the_publisher_not_the_feed() -> None:
    async with studio() as here:
        async with connection(here) as (reader, writer):
            writer.write(asking(GOOD) + message(20, b"\x05"))
            await closed(reader)
        live = here.ingest.find(SESSION, FeedName.MAIN)
        assert live is not None
        assert live.publisher is None


async def test_an_encoder_that_cannot_work_turns_the_publisher_out() -> None:
    async with studio(ffmpeg=NO_FFMPEG) as here:
        async with publisher(here.url(SESSION)) as process:
            async with asyncio.timeout(30):
                await process.communicate()
        assert here.figure("tongbu_live_encoder_restarts_total") == DEATHS_LIMIT
        live = here.ingest.find(SESSION, FeedName.MAIN)
        assert live is not None
        assert live.state is FeedState.AWAY
        feed = await here.feed()
        await feed.reaches(lambda: feed.states == ["interrupted"])


async def test_everything_is_gone_when_the_service_stops() -> None:
    async with studio() as here, publisher(here.url(SESSION)):
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("aac") > 0)
        assert await encoders_of(os.getpid(), "pipe:0")
        await here.ingest.close()
        assert not await encoders_of(os.getpid(), "pipe:0")
        assert "ended" not in feed.states


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/camera",
        "rtsp://",
        "rtsp://[::1",
        "rtsp://10.0.0.1/camera",
        "rtsp://127.0.0.1/a b",
        "rtsp://127.0.0.1/课",
        "rtsp://127.0.0.1:port/",
        "rtsp://u:p@ss@127.0.0.1/",
        "rtsp://10.0.0.1\\@127.0.0.1@10.0.0.1/",
        "rtsp://127.0.0.1@10.0.0.1/",
        "rtsp://10.0.0.1#@127.0.0.1/",
        "rtsp://127.0.0.1/" + "x" * URL_LIMIT_CHARACTERS,
    ],
)
def test_addresses_that_are_no_cameras(url: str) -> None:
    with pytest.raises(Invalid):
        checked_url(url, ("camera.school",))


@pytest.mark.parametrize("url", ["rtsp://camera.school/1", "rtsp://u:p@127.0.0.1:8554/live"])
def test_cameras(url: str) -> None:
    assert checked_url(url, ("camera.school",)) == url


async def test_a_refusal_names_a_reason_for_metrics() -> None:
    async with studio() as here:
        with pytest.raises(Refused):
            await here.ingest.admit(lambda: replace(MAIN, key="wrong"), "here")
        assert here.figure("tongbu_ingest_refused_total", why="key") == 1
        here.book.away = True
        with pytest.raises(Refused, match="try again"):
            await here.ingest.admit(lambda: MAIN, "here")
        assert here.figure("tongbu_ingest_refused_total", why="away") == 1
