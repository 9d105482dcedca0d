"""Listening on a port until a stack ends: what is at hand is sent the short way, streaming/hot."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from deploy.config import ConfigError
from deploy.observe import HTTP_METRICS
from deploy.settings import parse_listen
from streaming.hot.door import Door, Found, Viewer
from streaming.hot.doors import doors_of
from streaming.hot.head import Head
from streaming.hot.listening import listening
from streaming.qoe.overheard import Overheard

OVERHEARD: web.AppKey[Overheard] = web.AppKey("overheard")
Watched = Callable[[str, str], None]
"""Learns what is asked for, and from which address; it is quick."""
WATCHED: web.AppKey[Watched] = web.AppKey("watched")


@dataclass(frozen=True, slots=True)
class Secure:
    """Where HTTPS is served besides, and with what."""

    where: str
    context: ssl.SSLContext


class Overhearing:
    """A door where somebody listens what players say of themselves, and who asks for what."""

    def __init__(self, door: Door, overheard: Overheard, watched: Watched | None) -> None:
        self._door = door
        self._overheard = overheard
        self._watched = watched

    def find(self, head: Head, viewer: Viewer) -> Found:
        """Hear, and let the door answer."""
        self._overheard.hear(head.target, head.fields)
        if self._watched is not None:
            self._watched(head.target, viewer.address)
        return self._door.find(head, viewer)


async def listen(
    stack: AsyncExitStack,
    app: web.Application,
    where: str,
    drain_s: float,
    secure: Secure | None = None,
) -> str:
    """Serve the app on HOST:PORT until the stack ends, and give its address (HTTPS, if any).

    Raises: ConfigError when the port is taken or not ours.
    """
    host, port = parse_listen(where)
    doors, metrics = doors_of(app, app.get(HTTP_METRICS))
    stack.callback(doors.close)
    door: Door = doors
    if OVERHEARD in app:
        door = Overhearing(doors, app[OVERHEARD], app.get(WATCHED))
    try:
        opened = await stack.enter_async_context(listening(app, door, metrics, host, port, drain_s))
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {where}: {error.strerror}. Choose another with --listen HOST:PORT"
        ) from error
    if secure is None:
        return _address("http", opened.address)
    host, port = parse_listen(secure.where)
    try:
        bound = await stack.enter_async_context(opened.binding(host, port, secure.context))
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {secure.where}: {error.strerror}. Choose another with --edge-https"
        ) from error
    return _address("https", bound)


def _address(scheme: str, bound: tuple[Any, ...]) -> str:
    return f"{scheme}://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
