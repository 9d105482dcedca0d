"""Listening on a port until a stack ends."""

from __future__ import annotations

from contextlib import AsyncExitStack

from aiohttp import web

from deploy.config import ConfigError
from deploy.settings import parse_listen


async def listen(stack: AsyncExitStack, app: web.Application, where: str, drain_s: float) -> str:
    """Serve the app on HOST:PORT until the stack ends, and give its address.

    Raises: ConfigError when the port is taken or not ours.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain_s)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    host, port = parse_listen(where)
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {where}: {error.strerror}. Choose another with --listen HOST:PORT"
        ) from error
    bound = runner.addresses[0]
    return f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
