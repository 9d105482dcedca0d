"""A box that serves TLS gets its new certificate in time, and goes on with the old one without."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from catalog.edge_ca import pem_of
from deploy.edge_certificate import keep_certificate, own_addresses, renew_if_due, tls_context
from deploy.edge_identity import EdgeIdentity, enrol
from deploy.tasks import running
from tests.support.edges import Bureau
from tests.support.sessions import Town
from tests.support.wait import eventually

LAN = ("127.0.0.1",)


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """What carries a box's questions."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def box(
    bureau: Bureau, town: Town, client: aiohttp.ClientSession, tmp_path: Path
) -> EdgeIdentity:
    """An enrolled box with a certificate."""
    await asyncio.to_thread(bureau.ca.make, "school.example")
    _, code = await bureau.code(town.rural)
    return await enrol(client, str(bureau.desk.client.make_url("/")), code, tmp_path, LAN)


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve TLS on a free port."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def serial_of(bureau: Bureau, port: int) -> str:
    """Connect as a device that trusts the city's authority; give the certificate's number."""
    ca = await asyncio.to_thread(bureau.ca.read)
    assert ca is not None
    trusting = ssl.create_default_context(cadata=pem_of((ca.certificate,)))
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    shown = writer.get_extra_info("peercert")
    writer.close()
    await writer.wait_closed()
    return str(shown["serialNumber"])


async def test_a_new_certificate_is_served_at_once(
    bureau: Bureau, box: EdgeIdentity, client: aiohttp.ClientSession
) -> None:
    context = await asyncio.to_thread(tls_context, box)
    assert context is not None
    async with serving(context) as port:
        first = await serial_of(bureau, port)
        assert not await renew_if_due(box, client, context, LAN)
        assert await serial_of(bureau, port) == first
        assert await renew_if_due(box, client, context, (*LAN, "10.0.0.9"))
        second = await serial_of(bureau, port)
        assert second != first
        box.clock = lambda: time.time() + 70 * 86_400.0
        async with running(keep_certificate(box, client, context), "certificate"):

            async def renewed() -> bool:
                return await serial_of(bureau, port) != second

            await eventually(renewed)


async def test_when_the_origin_gives_none_the_old_one_stays(
    bureau: Bureau,
    box: EdgeIdentity,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = await asyncio.to_thread(box.chain_file.read_bytes)
    await bureau.boss.ask("POST", f"/edges/{box.words.id}/revoke")

    async def refused() -> bool:
        caplog.clear()
        assert not await renew_if_due(box, client, None, (*LAN, "8.8.8.8"))
        return "(401)" in caplog.text

    await eventually(refused, 1.0)
    assert await asyncio.to_thread(box.chain_file.read_bytes) == before


async def test_a_box_without_a_certificate_serves_without(
    box: EdgeIdentity,
) -> None:
    await asyncio.to_thread(box.chain_file.unlink)
    assert await asyncio.to_thread(tls_context, box) is None


@pytest.mark.parametrize(
    ("origin", "found"),
    [
        ("http://127.0.0.1:8080", ("127.0.0.1",)),
        ("https://127.0.0.1", ("127.0.0.1",)),
        ("", ()),
        ("http://", ()),
    ],
)
def test_the_address_that_the_lan_knows(origin: str, found: tuple[str, ...]) -> None:
    assert own_addresses(origin) == found
