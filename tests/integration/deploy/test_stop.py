"""SIGTERM while pages watch and files come in: nobody holds the stop up, and nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp

from loadtests.client import signed_in
from loadtests.service import ADMIN_PASSWORD, Service, running

BEGINNING = b"\x00\x00\x00\x18ftypisom"
STOP_LIMIT_S = 15.0


async def stop_amid(service: Service) -> float:
    """Give how long the stop took with an open event stream and half an upload."""
    stopped = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield BEGINNING
        await stopped.wait()

    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        where = await client.create_upload(1000, {"filename": "a.mp4"})
        headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Length": "1000",
                   "Content-Type": "application/offset+octet-stream"}  # fmt: skip

        async def send() -> None:
            # Cut when it was there before the stop, told to wait when it came after.
            with suppress(aiohttp.ClientConnectionError):
                async with client.http.patch(where, data=half(), headers=headers) as answer:
                    assert answer.status == 503

        sending = asyncio.create_task(send())
        async with client.http.get(f"{service.url}/api/v1/events?mine=1") as events:
            began = time.monotonic()
            service.process.terminate()
            await events.read()
            await asyncio.to_thread(service.process.wait, STOP_LIMIT_S)
            took_s = time.monotonic() - began
        stopped.set()
        await sending
    return took_s


def test_open_streams_and_uploads_do_not_hold_the_stop_up() -> None:
    # Longer than the limit here: only what lets go by itself stops in time.
    with running(extra={"TONGBU_SERVER_WORKERS": "0", "TONGBU_SERVER_DRAIN_S": "60"}) as service:
        assert asyncio.run(stop_amid(service)) < STOP_LIMIT_S
        assert service.process.returncode == 0
