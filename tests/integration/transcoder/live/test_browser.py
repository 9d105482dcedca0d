"""A browser's WebSocket with real H.264 and Opus; refusals; both containers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from catalog.live import FeedName
from tests.support.browser_media import HELLO, made, messages, paced
from tests.support.live_feeds import KEY
from tests.support.publishing import Studio, studio
from tests.support.rtmp import SESSION
from tests.support.wait import eventually
from transcoder.live.address import Address
from transcoder.live.browser import CLOSE_REFUSED, BrowserIngest, MayPublish
from transcoder.live.flv import Hints
from transcoder.live.ladder import recoding_cores
from transcoder.live.webcodecs import MESSAGE_LIMIT_BYTES


@asynccontextmanager
async def page(
    here: Studio, key: str = KEY, session: str = SESSION, may: MayPublish | None = None
) -> AsyncIterator[ClientWebSocketResponse]:
    """A browser's open socket."""
    app = web.Application()
    app.router.add_get("/live/{session}/publish", BrowserIngest(here.ingest, may).handle)
    async with TestServer(app, host="127.0.0.1") as server, ClientSession() as client:
        url = server.make_url(f"/live/{session}/publish").with_query(feed="main", key=key)
        async with client.ws_connect(url, max_msg_size=0) as socket:
            yield socket


async def told(socket: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of that type."""
    async with asyncio.timeout(20):
        while True:
            found: dict[str, Any] = await socket.receive_json()
            if found["type"] == kind:
                return found


async def test_frames_of_webcodecs_become_fragments() -> None:
    due = await messages(4)
    async with studio() as here, page(here) as socket:
        await socket.send_json(HELLO)
        accepted = await told(socket, "accepted")
        assert accepted["now"] > 1_700_000_000
        await paced(due, socket.send_bytes)
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("360p") > 3 and feed.end_s("aac") > 3)
        assert feed.names() == ["360p", "180p", "aac"]
        assert feed.inits["aac"][0].track.codecs == "mp4a.40.2"
        assert abs(feed.kept["aac"][0].start_s - feed.kept["360p"][0].start_s) < 0.06
        stats = await told(socket, "stats")
        while not (stats["fps"] and stats["video_bps"] and stats["audio_bps"]):
            stats = await told(socket, "stats")
        assert here.figure("tongbu_ingest_publishers", way="browser") == 1
        await socket.close()
        await feed.reaches(lambda: feed.states == ["interrupted"])


async def test_webm_is_read_as_it_is() -> None:
    whole = await made(4, "matroska")
    pieces = [whole[at : at + 20_000] for at in range(0, len(whole), 20_000)]
    async with studio() as here, page(here) as socket:
        await socket.send_json(HELLO | {"container": "webm"})
        await told(socket, "accepted")
        step_s = 4 / len(pieces)
        await paced([(n * step_s, piece) for n, piece in enumerate(pieces)], socket.send_bytes)
        feed = await here.feed()
        await feed.reaches(lambda: feed.end_s("360p") > 2 and feed.end_s("aac") > 2)
        await socket.close()
        await feed.reaches(lambda: feed.states == ["interrupted"])


async def refused(here: Studio, hello: str, key: str = KEY, session: str = SESSION) -> str:
    """Why a hello is turned away."""
    async with page(here, key, session) as socket:
        await socket.send_str(hello)
        found = await told(socket, "refused")
        assert found["message"]
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert socket.close_code == CLOSE_REFUSED
        return str(found["why"])


async def test_who_may_not_publish_is_told_why() -> None:
    good = json.dumps(HELLO)
    async with studio() as here:
        assert await refused(here, good, key="wrong") == "key"
        assert await refused(here, good, session="none") == "key"
        assert await refused(here, "no json") == "hello"
        async with page(here) as socket:
            await socket.send_json(HELLO)
            await told(socket, "accepted")
            assert await refused(here, good) == "busy"
        assert here.figure("tongbu_ingest_refused_total", why="key") == 2


async def test_a_signed_in_right_stands_for_the_key() -> None:
    async def may(_request: web.Request, address: Address) -> bool:
        return address.session == SESSION

    async with studio() as here, page(here, key="", may=may) as socket:
        await socket.send_json(HELLO)
        await told(socket, "accepted")
        assert here.book.asked == 0


async def test_a_bad_message_closes_the_socket() -> None:
    async with studio() as here, page(here) as socket:
        await socket.send_json(HELLO)
        await told(socket, "accepted")
        await socket.send_bytes(b"\x01" + bytes(20))
        assert "start code" in (await told(socket, "ended"))["why"]
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert socket.close_code == 1003


async def test_a_message_that_is_too_large_is_not_read() -> None:
    async with studio() as here, page(here) as socket:
        await socket.send_json(HELLO)
        await told(socket, "accepted")
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(bytes(MESSAGE_LIMIT_BYTES + 1))
        live = here.ingest.find(SESSION, FeedName.MAIN)
        assert live is not None
        await eventually(lambda: live.publisher is None)
        assert not any(live.intake.tally.bytes.values())


VP8 = HELLO | {"container": "webm", "video": {"codec": "vp8", "width": 640, "height": 360}}


async def test_what_decoding_vp8_costs_is_counted_and_given_back() -> None:
    costs = recoding_cores(Hints(640, 360))
    async with studio() as here:
        async with page(here) as socket:
            await socket.send_json(VP8)
            await told(socket, "accepted")
            assert here.figure("tongbu_live_cores_taken") == costs
        await eventually(lambda: here.figure("tongbu_live_cores_taken") == 0)


async def test_vp8_that_the_machine_cannot_decode_is_refused_and_h264_comes_in() -> None:
    async with studio(encode_cores=0.05) as here:
        assert await refused(here, json.dumps(VP8)) == "capacity"
        assert here.figure("tongbu_ingest_refused_total", why="capacity") == 1
        async with page(here) as socket:
            await socket.send_json(HELLO)
            await told(socket, "accepted")


@pytest.mark.parametrize("channels", ["Infinity", "NaN", "1e999", '"two"', "[]", "{}"])
async def test_a_hello_with_strange_numbers_is_refused_in_words(channels: str) -> None:
    strange = json.dumps(HELLO).replace('"channels": 1', f'"channels": {channels}')
    async with studio() as here:
        assert await refused(here, strange) == "hello"
