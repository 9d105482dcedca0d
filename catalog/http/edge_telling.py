"""`/api/v1/edge/telling`: the WebSocket on which a box tells its figures (operations/telling.py).

Nothing is answered on it. A box that tells nothing for SILENT_LIMIT_S is let go: its line is cut,
or it will dial again. One that tells too often, too much or nonsense is closed with 1008.

Spec: RFC 6455 5.5, 7.4.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from aiohttp import WSCloseCode, WSMsgType, web

from catalog.edges import KnownEdge
from catalog.errors import Invalid
from catalog.http.endpoint import Endpoint, edge_of
from catalog.operations.telling import (
    LEAST_EVERY_S,
    SILENT_LIMIT_S,
    TELLING_LIMIT_BYTES,
    Boxes,
    read_telling,
)

BURST = 5
FAREWELL_S = 1.0

log = logging.getLogger(__name__)


class TellingApi:
    """Hands what boxes tell to `Boxes`."""

    def __init__(
        self,
        boxes: Boxes,
        clock: Callable[[], float] = time.monotonic,
        silent_limit_s: float = SILENT_LIMIT_S,
    ) -> None:
        self._boxes = boxes
        self._clock = clock
        self._silent_limit_s = silent_limit_s
        self._sockets: set[web.WebSocketResponse] = set()

    def endpoints(self) -> Sequence[Endpoint]:
        """List what this part answers."""
        return [
            Endpoint("GET", "/api/v1/edge/telling", self.serve, "Tell the box's figures"
                     " (WebSocket)", "edge", status=101, edge=True, errors=(400, 401, 403)),
        ]  # fmt: skip

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Take one box's connection until it ends."""
        edge = edge_of(request)
        socket = web.WebSocketResponse(
            max_msg_size=TELLING_LIMIT_BYTES, compress=False, timeout=FAREWELL_S
        )
        await socket.prepare(request)
        self._sockets.add(socket)
        line = self._boxes.opened(edge.id, edge.school_id, self._clock())
        try:
            await self._listen(socket, edge, line)
        finally:
            self._sockets.discard(socket)
        return socket

    async def close(self) -> None:
        """Let all boxes go at once: the origin ends, and lines that are cut answer nothing."""
        going = [socket.close(code=WSCloseCode.GOING_AWAY) for socket in self._sockets]
        await asyncio.gather(*going, return_exceptions=True)

    async def _listen(self, socket: web.WebSocketResponse, edge: KnownEdge, line: int) -> None:
        left, before = float(BURST), self._clock()
        while True:
            try:
                async with asyncio.timeout(self._silent_limit_s):
                    message = await socket.receive()
            except TimeoutError:
                await socket.close()
                return
            now = self._clock()
            if message.type is not WSMsgType.BINARY:
                if message.type is not WSMsgType.ERROR:
                    self._boxes.closed(edge.id, line, now)
                return
            left, before = min(BURST, left + (now - before) / LEAST_EVERY_S) - 1, now
            try:
                if left < 0:
                    raise Invalid("a box tells its figures once a second at most")
                self._boxes.told(edge.id, line, read_telling(message.data), now)
            except Invalid as error:
                log.warning("edge %s tells what cannot be used: %s", edge.id, error)
                await socket.close(code=WSCloseCode.POLICY_VIOLATION)
                return
