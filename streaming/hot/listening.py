"""A port on which a door answers what it can, and an aiohttp application everything else.

What is sent beyond this machine goes by bbr where the kernel has it: cubic takes each packet that a
school's line loses for a line that is full. On the loopback bbr would only pace.

Spec: Linux tcp(7) (TCP_CONGESTION; accepted sockets inherit it).
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from aiohttp import web

from streaming.hot.door import Door
from streaming.hot.lent import Returns
from streaming.hot.metrics import HotMetrics
from streaming.hot.port import Port
from streaming.hot.protocol import HotProtocol

BACKLOG = 1024
HANDSHAKE_S = 15.0
_TCP_CONGESTION = getattr(socket, "TCP_CONGESTION", 13)


@dataclass(frozen=True, slots=True)
class Listening:
    """An open port: where it is bound (`sockname`), and its connections.

    `binding` opens one more address with the same door, application and limits.
    """

    address: tuple[Any, ...]
    port: Port

    @asynccontextmanager
    async def binding(
        self, host: str, number: int, tls: ssl.SSLContext | None
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Serve there too until the block ends; give where. Raises: OSError."""
        server = await _bind(self.port, host, number, tls)
        try:
            yield server.sockets[0].getsockname()
        finally:
            server.close()


@asynccontextmanager
async def listening(
    app: web.Application,
    door: Door,
    metrics: HotMetrics,
    host: str,
    port: int,
    drain_s: float,
    tls: ssl.SSLContext | None = None,
    connections_limit: int | None = None,
) -> AsyncIterator[Listening]:
    """Serve until the block ends; then what was asked is answered, for at most `drain_s`.

    Raises: OSError when the port cannot be bound.
    """
    runner = web.AppRunner(app, access_log_class=Returns, shutdown_timeout=drain_s)
    await runner.setup()
    shared: Port | None = None
    try:
        assert runner.server is not None
        shared = Port(door, runner.server, metrics, connections_limit=connections_limit)
        server = await _bind(shared, host, port, tls)
        try:
            yield Listening(server.sockets[0].getsockname(), shared)
        finally:
            server.close()
    finally:
        await asyncio.gather(runner.cleanup(), *([shared.drain(drain_s)] if shared else []))


async def _bind(
    port: Port, host: str, number: int, tls: ssl.SSLContext | None
) -> asyncio.base_events.Server:
    handshake_s = HANDSHAKE_S if tls else None
    server = await port.loop.create_server(
        lambda: HotProtocol(port), host, number, backlog=BACKLOG, ssl=tls,
        ssl_handshake_timeout=handshake_s,
    )  # fmt: skip
    for listener in server.sockets:
        if not ip_address(listener.getsockname()[0]).is_loopback:
            send_far(listener.fileno())
    return server


def send_far(listener: int) -> None:
    """Let what a listening socket accepts from now on use bbr where the kernel has it."""
    with socket.socket(fileno=os.dup(listener)) as own, suppress(OSError):
        own.setsockopt(socket.IPPROTO_TCP, _TCP_CONGESTION, b"bbr")
