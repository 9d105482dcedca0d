"""`tongbu edge`: the box in a school."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import uvloop

from deploy.command import Argument, Command
from deploy.config import ConfigError
from deploy.edge_app import edge_app
from deploy.edge_asking import IdentityError
from deploy.edge_certificate import keep_certificate, own_addresses, tls_context
from deploy.edge_identity import EdgeIdentity, enrol, load
from deploy.listening import Secure, listen
from deploy.settings import Settings
from deploy.signals import until_signalled
from deploy.tasks import running


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    uvloop.run(_until_signalled(settings, asked.enrol, again=asked.enrol_again))
    return 0


async def _until_signalled(settings: Settings, code: str | None, *, again: bool) -> None:
    identity = await identify(settings, code, again=again)
    async with run_edge(settings, identity):
        await until_signalled()


async def identify(settings: Settings, code: str | None, *, again: bool = False) -> EdgeIdentity:
    """Read who this box is, or enrol it with a code. Raises: ConfigError, IdentityError.

    Who it is for this origin it stays, whatever code it is given; `again`: it takes the code.
    """
    data = settings.server.data
    if again and not code:
        raise ConfigError("--enrol-again needs a new code from the city: add --enrol CODE")
    known = None if again else await asyncio.to_thread(_known, settings, code)
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


def _known(settings: Settings, code: str | None) -> EdgeIdentity | None:
    """Give who this box is already; with a code, only if that is for the same origin. Blocks."""
    try:
        found = load(settings.server.data)
    except IdentityError:
        if code:
            return None
        raise
    origin = settings.edge.origin.rstrip("/")
    if found is None or not code:
        return found
    if origin and origin != found.words.origin:
        return None
    sys.stdout.write(
        f"enrolled as {found.words.name} of {found.words.school.name} already: the code is not "
        "used (--enrol-again takes it)\n"
    )
    return found


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


COMMANDS = (
    Command("edge", "run the box of a school", run,
            (Argument(("--enrol",), {"metavar": "CODE", "help": "one-time code from the city, for a"
                      " box that has not come in yet"}),
             Argument(("--enrol-again",), {"action": "store_true", "help": "take the code though"
                      " this box has come in before"}))),
)  # fmt: skip
