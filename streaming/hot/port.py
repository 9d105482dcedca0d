"""What the connections of one port share: the door, the application behind it, one timer."""

from __future__ import annotations

import asyncio
import resource
import secrets
import time
from collections.abc import Callable
from email.utils import formatdate
from itertools import count
from typing import Protocol

from aiohttp import web

from streaming.hot.door import Door
from streaming.hot.head import REMEMBERED, REMEMBERED_BYTES, Head
from streaming.hot.metrics import HotMetrics
from streaming.hot.patience import IDLE_S, Why

HOT_METHODS = frozenset({"GET", "HEAD"})
SWEEP_S = 1.0
CONNECTIONS_LIMIT = 20_000
SPARE_FILES = 256
MAKE_ROOM_PART = 16
AHEAD_LIMIT_BYTES = 64 * 1024
TURN_REQUESTS = 16


class Connection(Protocol):
    """What a port asks of a connection, and what is to be seen of it."""

    half_closed: bool

    @property
    def in_head(self) -> bool:
        """Tell whether a part of a request has come."""

    @property
    def lags(self) -> bool:
        """Tell whether its viewer takes less than there is."""

    @property
    def holds(self) -> bool:
        """Tell whether nothing more is read from it for now."""

    @property
    def waiting_bytes(self) -> int:
        """Count what has been read of requests whose turn has not come."""

    def idle_since(self) -> float | None:
        """Since when it waits for a request; None when it does not."""

    def sweep(self, now: float) -> None:
        """End it when it is overdue."""

    def end(self, why: Why) -> None:
        """End it now."""

    def drain(self) -> None:
        """End it as soon as what was asked is answered."""


class Port:
    """One port. `server` makes aiohttp's handlers; make it inside the loop that serves."""

    def __init__(
        self,
        door: Door,
        server: Callable[[], web.RequestHandler],
        metrics: HotMetrics,
        clock_utc: Callable[[], float] = time.time,
        connections_limit: int | None = None,
    ) -> None:
        self.door = door
        self.server = server
        self.metrics = metrics
        self.loop = asyncio.get_running_loop()
        self.draining = False
        self.seen = 0
        self._clock_utc = clock_utc
        self._limit = connections_limit or _room()
        self.connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closing_tail, self._keeping_tail = b"", b""
        self._id_prefix, self._numbers = secrets.token_hex(6).encode(), count()
        self.idle_until = self.loop.time() + IDLE_S
        self.known: dict[bytes, Head] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self.connections)

    def enter(self, connection: Connection) -> None:
        """Count a connection in; when there are too many, the longest idle ones go."""
        full = len(self.connections) >= self._limit and not self._make_room()
        self.connections.add(connection)
        self.seen += 1
        self._empty.clear()
        self.metrics.connections.inc()
        if self._timer is None:
            self._tick()
            self._timer = self.loop.call_later(SWEEP_S, self._on_timer)
        if full:
            connection.end(Why.FULL)

    def leave(self, connection: Connection) -> None:
        """Count a connection out."""
        if connection in self.connections:
            self.connections.remove(connection)
            self.metrics.connections.dec()
        if not self.connections:
            self._empty.set()

    def remember(self, raw: bytes, head: Head) -> None:
        """Know a request again that comes in the same bytes, as a player's for a playlist does.

        Only what a door may answer.
        """
        if len(raw) > REMEMBERED_BYTES or head.method not in HOT_METHODS or not head.plain:
            return
        if len(self.known) >= REMEMBERED:
            del self.known[next(iter(self.known))]
        self.known[raw] = head

    def finish_head(self, fields: bytes, request_id: bytes | None, keep_alive: bool) -> bytes:
        """Add what each answer has of its own: X-Request-Id, Date, Connection, the empty line."""
        if request_id is None:
            request_id = b"%b%08x" % (self._id_prefix, next(self._numbers))
        tail = self._keeping_tail if keep_alive else self._closing_tail
        return b"%bX-Request-Id: %b\r\n%b" % (fields, request_id, tail)

    async def drain(self, limit_s: float) -> None:
        """Let everyone have what was asked for, at most for so long; then nobody is left."""
        self.draining = True
        for connection in list(self.connections):
            connection.drain()
        try:
            async with asyncio.timeout(limit_s):
                await self._empty.wait()
        except TimeoutError:
            for connection in list(self.connections):
                connection.end(Why.FULL)
        await self._empty.wait()
        if self._timer is not None:
            self._timer.cancel()

    def sweep(self, now: float) -> None:
        """End the connections that are overdue; the port's timer does so each `SWEEP_S`."""
        for connection in list(self.connections):
            connection.sweep(now)

    def _tick(self) -> None:
        """Know the time: it is not asked for by each answer."""
        self.idle_until = self.loop.time() + IDLE_S
        date = f"Date: {formatdate(self._clock_utc(), usegmt=True)}\r\nConnection: "
        self._keeping_tail = f"{date}keep-alive\r\n\r\n".encode()
        self._closing_tail = f"{date}close\r\n\r\n".encode()

    def _on_timer(self) -> None:
        self._tick()
        self.sweep(self.loop.time())
        self._timer = self.loop.call_later(SWEEP_S, self._on_timer) if self.connections else None

    def _make_room(self) -> bool:
        """End a part of the idle ones at once, so that this is seldom; False if there are none."""
        idle = [(since, c) for c in self.connections if (since := c.idle_since()) is not None]
        idle.sort(key=lambda item: item[0])
        for _, connection in idle[: max(1, self._limit // MAKE_ROOM_PART)]:
            connection.end(Why.FULL)
        return bool(idle)


def _room() -> int:
    """Two descriptors a connection that is being answered, and some for all else."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most == resource.RLIM_INFINITY:
        return CONNECTIONS_LIMIT
    return max(16, min(CONNECTIONS_LIMIT, (most - SPARE_FILES) // 2))
