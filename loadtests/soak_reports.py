"""Reports of viewings in a soak, each with an id of its own: some cut off, some sent twice."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import aiohttp

from loadtests.soak_books import Ledger, What
from loadtests.soak_viewers import AGAIN_S, BROKEN

AGAIN, CUT = 0.3, 0.15
DELIVERIES = ("ws", "ll-hls", "hls", "dash")
Where = Callable[[], str]


def report_of(chance: random.Random) -> dict[str, Any]:
    """Make what a player tells of a viewing; its id is its own."""
    return {
        "id": str(UUID(int=chance.getrandbits(128), version=4)),
        "cmcd": {"v": 1, "sid": "soak", "st": "l", "sf": "h", "br": 2000},
        "delivery": chance.choice(DELIVERIES), "join_ms": chance.randrange(50, 2000),
        "play_ms": chance.randrange(1000, 30_000), "rebuffer_ms": chance.randrange(0, 500),
    }  # fmt: skip


async def tell(base: Where, what: What, ledger: Ledger, chance: random.Random) -> None:
    """Send a report until it is taken: perhaps cut off before the answer, perhaps once more."""
    report, again, cut = report_of(chance), chance.random() < AGAIN, chance.random() < CUT
    if cut:
        ledger.note(What.REPORTS_AGAIN)
        with suppress(*BROKEN):
            await _post_and_go(base(), report)
    for _ in range(1 + again):
        while not await _post(base(), report):
            ledger.note(What.REPORTS_AGAIN)
            await asyncio.sleep(AGAIN_S)
    ledger.note(What.REPORTS_AGAIN, again)
    ledger.note(what)


async def _post(base: str, report: dict[str, Any]) -> bool:
    with suppress(*BROKEN):
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{base}/qoe", json=report) as answer,
        ):
            return answer.status == 204
    return False


async def _post_and_go(base: str, report: dict[str, Any]) -> None:
    """Send it and hang up before the answer is read."""
    host, _, port = base.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    data = json.dumps(report).encode()
    writer.write(
        b"POST /qoe HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (base.encode(), len(data), data)
    )
    await writer.drain()
    writer.transport.abort()
