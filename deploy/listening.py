"""Listening on a port until a stack ends: what is at hand is sent the short way, streaming/hot."""

from __future__ import annotations

from contextlib import AsyncExitStack

from aiohttp import web

from deploy.config import ConfigError
from deploy.settings import parse_listen
from streaming.hot.doors import doors_of
from streaming.hot.listening import listening


async def listen(stack: AsyncExitStack, app: web.Application, where: str, drain_s: float) -> str:
    """Serve the app on HOST:PORT until the stack ends, and give its address.

    Raises: ConfigError when the port is taken or not ours.
    """
    host, port = parse_listen(where)
    doors, metrics = doors_of(app)
    stack.callback(doors.close)
    try:
        opened = await stack.enter_async_context(
            listening(app, doors, metrics, host, port, drain_s)
        )
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {where}: {error.strerror}. Choose another with --listen HOST:PORT"
        ) from error
    bound = opened.address
    return f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
