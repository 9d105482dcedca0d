"""The certificate of a box in use: kept up to date while it serves, with no connection dropped.

A box looks once an hour whether its certificate ends soon or its address on the LAN has changed
(DHCP), and asks the origin for another. Connections that begin afterwards are given the new one.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

from catalog.edge_ca import LAN
from deploy.edge_asking import IdentityError
from deploy.edge_identity import EdgeIdentity

log = logging.getLogger(__name__)

LOOK_EVERY_S = 3600.0
PORTS = {"http": 80, "https": 443}


def tls_context(identity: EdgeIdentity) -> ssl.SSLContext | None:
    """Give what to serve TLS with; None while the box has no certificate. Blocks on the disk."""
    if not identity.chain_file.exists():
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, identity)
    return context


def own_addresses(origin: str) -> tuple[str, ...]:
    """Give the private address by which this machine reaches the origin. Blocks."""
    parts = urlsplit(origin)
    if not parts.hostname:
        return ()
    port = parts.port or PORTS.get(parts.scheme, PORTS["https"])
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_DGRAM)
        family, kind, _, _, target = found[0]
        with socket.socket(family, kind) as probe:
            probe.connect(target)  # chooses a way, sends nothing
            own = ip_address(str(probe.getsockname()[0]).partition("%")[0])
    except OSError:
        return ()
    return (str(own),) if any(own in network for network in LAN) else ()


async def keep_certificate(
    identity: EdgeIdentity,
    client: aiohttp.ClientSession,
    context: ssl.SSLContext | None,
    every_s: float = LOOK_EVERY_S,
) -> None:
    """Renew in time until cancelled; `context` is what the box serves with."""
    while True:
        addresses = await asyncio.to_thread(own_addresses, identity.words.origin)
        await renew_if_due(identity, client, context, addresses)
        await asyncio.sleep(every_s)


async def renew_if_due(
    identity: EdgeIdentity,
    client: aiohttp.ClientSession,
    context: ssl.SSLContext | None,
    addresses: tuple[str, ...],
) -> bool:
    """Get a new certificate if it is time, and serve with it from now on; tell whether it was."""
    if not await asyncio.to_thread(identity.needs_renewal, addresses):
        return False
    try:
        await identity.renew(client, addresses)
    except IdentityError as error:
        log.warning("no new certificate: %s; the next try is in an hour", error)
        return False
    if context is not None:
        await asyncio.to_thread(_load, context, identity)
    return True


def _load(context: ssl.SSLContext, identity: EdgeIdentity) -> None:
    context.load_cert_chain(identity.chain_file, identity.tls_key_file)
