"""`tongbu origin`: API, pages and playback on one port. Here all parts of the origin are joined."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.db.pool import Pool, make_pool
from catalog.http.problem import problems
from deploy.config import ConfigError
from deploy.database import catalogue
from deploy.observe import Check, HttpMetrics, health_routes, observing
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
        pool = await stack.enter_async_context(make_pool(dsn, settings.database.pool))
        registry = CollectorRegistry()
        app = web.Application(middlewares=[observing(HttpMetrics(registry)), problems])
        app.add_routes(health_routes(registry, {"database": _database_check(pool)}))
        address = await _listen(stack, app, settings)
        sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()
        yield address


def _database_check(pool: Pool) -> Check:
    async def check() -> None:
        async with pool.connection() as connection:
            await connection.execute("select 1")

    return check


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
