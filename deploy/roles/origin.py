"""`tongbu origin`: API, pages and playback on one port."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop
from aiohttp import web

from deploy.config import ConfigError
from deploy.database import catalogue
from deploy.origin_app import origin_app
from deploy.settings import Settings, parse_listen
from deploy.signals import until_signalled


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    with catalogue(settings) as dsn:
        uvloop.run(_until_signalled(settings, dsn))
    return 0


async def _until_signalled(settings: Settings, dsn: str) -> None:
    async with run_origin(settings, dsn):
        await until_signalled()


@asynccontextmanager
async def run_origin(settings: Settings, dsn: str) -> AsyncIterator[str]:
    """Run the origin in this loop and give its address."""
    async with AsyncExitStack() as stack:
        app = await origin_app(stack, settings, dsn)
        address = await _listen(stack, app, settings)
        sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()
        yield address


async def _listen(stack: AsyncExitStack, app: web.Application, settings: Settings) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=settings.server.drain_s)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    host, port = parse_listen(settings.server.listen)
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.server.listen}: {error.strerror}. "
            "Choose another with --listen HOST:PORT"
        ) from error
    bound = runner.addresses[0]
    return f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
