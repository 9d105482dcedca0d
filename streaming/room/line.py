"""One member's connection as its room sees it: a bounded outbox that never waits.

The room pushes the same bytes object to all its lines; `send_all` is the only one that waits for
the network. A line whose outbox is full is cut off: a member that reads too slowly comes back and
gets the whole state, which is smaller than what it missed.

Limits: 128 messages and 1 MiB in the outbox (one message of any size is always taken).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import IntEnum

from aiohttp import WSMsgType, web

from catalog.live import RoomRole

OUTBOX_LIMIT_BYTES = 1 << 20
OUTBOX_LIMIT_MESSAGES = 128
LINGER_S = 5.0


class Close(IntEnum):
    """Why we close a connection (README)."""

    DONE = 1000
    POLICY = 1008
    AWAY = 1012
    FULL = 1013
    TAKEN_OVER = 4001
    SLOW = 4008


class Line:
    """The way to one connection. `cut` drops it without a word."""

    def __init__(self, role: RoomRole, cut: Callable[[], None]) -> None:
        self.role = role
        self.member: str | None = None
        self.code: Close | None = None
        self._cut = cut
        self._out: deque[bytes] = deque()
        self._out_bytes = 0
        self._wake = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None

    def push(self, data: bytes) -> bool:
        """Put a message into the outbox. Gives False when that was the end of a slow member."""
        if self.code is not None:
            return True
        self._out.append(data)
        self._out_bytes += len(data)
        self._wake.set()
        many = len(self._out) > OUTBOX_LIMIT_MESSAGES
        if not many and (self._out_bytes <= OUTBOX_LIMIT_BYTES or len(self._out) == 1):
            return True
        self._out.clear()
        self.code = Close.SLOW
        self._cut()
        return False

    def close(self, code: Close) -> None:
        """Close the connection after what is in the outbox; cut it when that takes 5 s."""
        if self.code is None:
            self.code = code
            self._wake.set()
            self._linger = asyncio.get_running_loop().call_later(LINGER_S, self._cut)

    async def send_all(self, socket: web.WebSocketResponse) -> None:
        """Send what is pushed until the line is closed or the connection is gone."""
        try:
            while self.code is None or self._out:
                await self._wake.wait()
                self._wake.clear()
                await self._send_outbox(socket)
        except ConnectionError:
            self._cut()
        finally:
            if self._linger is not None:
                self._linger.cancel()

    async def _send_outbox(self, socket: web.WebSocketResponse) -> None:
        while self._out:
            data = self._out.popleft()
            self._out_bytes -= len(data)
            await socket.send_frame(data, WSMsgType.TEXT)
