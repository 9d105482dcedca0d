"""`tongbu origin`: API, pages and playback on one port."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop

from deploy.command import Command
from deploy.database import catalogue
from deploy.listening import listen
from deploy.origin_app import origin_app
from deploy.settings import Settings
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
        address = await listen(stack, app, settings.server.listen, settings.server.drain_s)
        sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()
        yield address


COMMANDS = (Command("origin", "run API, pages and playback", run),)
