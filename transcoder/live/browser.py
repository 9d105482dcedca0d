"""A browser that publishes over one WebSocket. A handler that the composition root mounts.

The message format stands in this folder's README. The key is judged after the hello and before any
binary message is read; a page whose person may publish (`may_publish`) needs none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from itertools import count

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from catalog.live import FeedName
from transcoder.errors import ProcessError
from transcoder.live.address import Address, make_address
from transcoder.live.errors import BadContribution, Refusal, Refused
from transcoder.live.feeds import LiveIngest
from transcoder.live.ladder import recoding_cores
from transcoder.live.live_feed import FIGURES_EVERY_S, Publisher
from transcoder.live.relay import WEBM_PIPE, Relay
from transcoder.live.webcodecs import (
    MESSAGE_LIMIT_BYTES,
    BrowserFrames,
    Container,
    Hello,
    read_hello,
)

HELLO_LIMIT_S = 10.0
HEARTBEAT_S = 10.0
CLOSE_REFUSED = 4403

MayPublish = Callable[[web.Request, Address], Awaitable[bool]]
Take = Callable[[bytes], Awaitable[None]]

log = logging.getLogger(__name__)


class BrowserIngest:
    """Takes browsers in; `handle` serves `/live/{session}/publish`."""

    def __init__(self, ingest: LiveIngest, may_publish: MayPublish | None = None) -> None:
        self._ingest = ingest
        self._may_publish = may_publish
        self._numbers = count()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one browser until it goes or the feed ends."""
        socket = web.WebSocketResponse(
            max_msg_size=MESSAGE_LIMIT_BYTES, heartbeat=HEARTBEAT_S, compress=False
        )
        await socket.prepare(request)
        relay = f"relay {next(self._numbers)}"
        try:
            hello, publisher = await self._admit(request, socket, relay)
        except Refused as refused:
            await _refuse(socket, refused)
            return socket
        self._ingest.metrics.publishers.labels("browser").inc()
        try:
            await self._serve(socket, hello, publisher)
        finally:
            self._ingest.metrics.publishers.labels("browser").dec()
            self._ingest.admission.release(relay)
            publisher.leave()
        return socket

    async def _admit(
        self, request: web.Request, socket: web.WebSocketResponse, relay: str
    ) -> tuple[Hello, Publisher]:
        """Hear the hello, judge the key. Raises: Refused."""
        message = await _receive(socket, HELLO_LIMIT_S)
        if message is None or message.type is not WSMsgType.TEXT:
            raise Refused(Refusal.HELLO, "the first message must be text of type publish")
        hello = read_hello(message.data)
        read = partial(
            make_address,
            request.match_info["session"],
            request.query.get("feed", FeedName.MAIN.value),
            request.query.get("key", ""),
        )
        trusted = self._may_publish is not None and await self._may_publish(request, read())
        publisher = await self._ingest.admit(read, request.remote or "?", trusted=trusted)
        publisher.hint(hello.hints)
        if hello.foreign:
            self._reserve(relay, hello, publisher)
        return hello, publisher

    def _reserve(self, relay: str, hello: Hello, publisher: Publisher) -> None:
        """Count what decoding VP8 or VP9 costs beside the feed's own encoder. Raises: Refused."""
        try:
            self._ingest.admission.reserve(relay, recoding_cores(hello.hints))
        except Refused as refused:
            self._ingest.metrics.refused.labels(refused.why.value).inc()
            publisher.leave()
            raise

    async def _serve(
        self, socket: web.WebSocketResponse, hello: Hello, publisher: Publisher
    ) -> None:
        """Read media and tell figures until one side ends."""
        await socket.send_json({"type": "accepted", "now": time.time()})
        reading = asyncio.create_task(self._read(socket, hello, publisher))
        telling = asyncio.create_task(_tell(socket, publisher))
        why, code = "", WSCloseCode.OK
        try:
            waits: set[asyncio.Future[str] | asyncio.Task[None]] = {reading, publisher.ended}
            await asyncio.wait({*waits, telling}, return_when=asyncio.FIRST_COMPLETED)
            if publisher.ended.done():
                why = publisher.ended.result()
            elif reading.done():
                reading.result()
        except (BadContribution, Refused) as error:
            why, code = str(error), WSCloseCode.UNSUPPORTED_DATA
            log.info("browser: %s", error)
        except (ProcessError, OSError) as error:
            why, code = "the recording could not be read", WSCloseCode.UNSUPPORTED_DATA
            log.warning("browser's WebM: %s", error)
        finally:
            for task in (reading, telling):
                task.cancel()
            await asyncio.gather(reading, telling, return_exceptions=True)
        await _end(socket, why, code)

    async def _read(
        self, socket: web.WebSocketResponse, hello: Hello, publisher: Publisher
    ) -> None:
        """Take binary messages. Raises: BadContribution, Refused, ProcessError."""
        async with self._taking(hello, publisher) as take:
            while (message := await _receive(socket, self._ingest.settings.idle_s)) is not None:
                if message.type is WSMsgType.BINARY:
                    await take(message.data)

    @contextlib.asynccontextmanager
    async def _taking(self, hello: Hello, publisher: Publisher) -> AsyncIterator[Take]:
        """Give what takes the binary messages of this container."""
        if hello.container is Container.WEBCODECS:
            frames = BrowserFrames(hello)

            async def take(data: bytes) -> None:
                for tag in frames.take(data):
                    publisher.take(tag)

            yield take
            return

        async def admitted() -> Publisher:
            return publisher

        ffmpeg = str(self._ingest.settings.ffmpeg)
        relay = Relay(ffmpeg, WEBM_PIPE, admitted, recode=hello.foreign)
        async with relay.running() as child:
            yield child.send
            child.close_input()
            await child.ended()


async def _receive(socket: web.WebSocketResponse, limit_s: float) -> WSMessage | None:
    """Give the next message; None when the socket closes or is silent for too long."""
    try:
        message = await socket.receive(timeout=limit_s)
    except TimeoutError:
        return None
    return message if message.type in (WSMsgType.TEXT, WSMsgType.BINARY) else None


async def _tell(socket: web.WebSocketResponse, publisher: Publisher) -> None:
    """Say once a second how it goes."""
    while True:
        await asyncio.sleep(FIGURES_EVERY_S)
        now = publisher.figures
        stats = {
            "type": "stats",
            "video_bps": now.video_bps,
            "audio_bps": now.audio_bps,
            "fps": now.fps,
            "dropped": now.dropped,
            "speed": now.speed,
        }
        await socket.send_str(json.dumps(stats))
        if now.wants_keyframe:
            await socket.send_json({"type": "keyframe"})


async def _refuse(socket: web.WebSocketResponse, refused: Refused) -> None:
    with contextlib.suppress(ConnectionError):
        await socket.send_json(
            {"type": "refused", "why": refused.why.value, "message": str(refused)}
        )
        await socket.close(code=CLOSE_REFUSED, message=refused.why.value.encode())


async def _end(socket: web.WebSocketResponse, why: str, code: int) -> None:
    if socket.closed:
        return
    with contextlib.suppress(ConnectionError):
        await socket.send_json({"type": "ended", "why": why})
        await socket.close(code=code)
