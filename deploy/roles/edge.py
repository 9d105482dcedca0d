"""`tongbu edge`: the box in a school."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import uvloop

from deploy.config import ConfigError
from deploy.edge_app import edge_app
from deploy.edge_identity import EdgeIdentity, enrol, load
from deploy.listening import listen
from deploy.settings import Settings
from deploy.signals import until_signalled


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    uvloop.run(_until_signalled(settings, asked.enrol))
    return 0


async def _until_signalled(settings: Settings, code: str | None) -> None:
    identity = await identify(settings, code)
    async with run_edge(settings, identity):
        await until_signalled()


async def identify(settings: Settings, code: str | None) -> EdgeIdentity:
    """Read who this box is, or enrol it with a code. Raises: ConfigError, IdentityError."""
    data = settings.server.data
    known = None if code else await asyncio.to_thread(load, data)
    if known is not None:
        return known
    if not code:
        raise ConfigError(
            f"this box is not enrolled ({data} holds no identity): ask the city for a code and add "
            "--origin URL --enrol CODE"
        )
    if not settings.edge.origin:
        raise ConfigError("--enrol needs the address of the city's service: add --origin URL")
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    async with aiohttp.ClientSession() as client:
        identity = await enrol(client, settings.edge.origin, code, data)
    sys.stdout.write(f"enrolled as {identity.words.name} of {identity.words.school.name}\n")
    return identity


@asynccontextmanager
async def run_edge(settings: Settings, identity: EdgeIdentity) -> AsyncIterator[str]:
    """Run the box in this loop and give its address."""
    async with AsyncExitStack() as stack:
        app = await edge_app(stack, settings, identity)
        address = await listen(stack, app, settings.server.listen, settings.server.drain_s)
        sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()
        yield address
