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
from deploy.edge_certificate import keep_certificate, own_addresses, tls_context
from deploy.edge_identity import EdgeIdentity, enrol, load
from deploy.listening import Secure, listen
from deploy.settings import Settings
from deploy.signals import until_signalled
from deploy.tasks import running


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
    addresses = await asyncio.to_thread(own_addresses, settings.edge.origin)
    async with aiohttp.ClientSession() as client:
        identity = await enrol(client, settings.edge.origin, code, data, addresses)
    sys.stdout.write(f"enrolled as {identity.words.name} of {identity.words.school.name}\n")
    return identity


@asynccontextmanager
async def run_edge(settings: Settings, identity: EdgeIdentity) -> AsyncIterator[str]:
    """Run the box in this loop and give its address."""
    async with AsyncExitStack() as stack:
        app = await edge_app(stack, settings, identity)
        secure = await _secure(stack, settings, identity)
        server = settings.server
        address = await listen(stack, app, server.listen, server.drain_s, secure)
        sys.stdout.write(f"listening on {address}\n")
        sys.stdout.flush()
        yield address


async def _secure(
    stack: AsyncExitStack, settings: Settings, identity: EdgeIdentity
) -> Secure | None:
    """Give what HTTPS is served with, and keep the certificate. Raises: ConfigError."""
    context = await asyncio.to_thread(tls_context, identity)
    client = await stack.enter_async_context(aiohttp.ClientSession())
    keeping = keep_certificate(identity, client, context)
    await stack.enter_async_context(running(keeping, "certificate"))
    if not settings.edge.https:
        return None
    if context is None:
        raise ConfigError(
            "HTTPS needs a certificate, and the city has not given this box one: run `tongbu edges "
            "ca` there, start this box once without --edge-https, and try again"
        )
    return Secure(settings.edge.https, context)
