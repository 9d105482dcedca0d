"""Many who ask for one part at the same moment, and one who asks alone for another beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from streaming.hls.parse import parse_media, parse_multivariant

READ_BYTES = 1 << 18
REST_S = 1.0
PART_S = 0.2


@dataclass(frozen=True, slots=True)
class Part:
    """Who asks for parts at once: round n is `base` + n; before it a single fetch of another."""

    base: str
    pupils: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Newest:
    """Who asks for the newest part of a live lesson at once: `url` is that of its rungs.

    `alone` is the same lesson at the city itself: what one fetch takes over the line.
    """

    url: str
    alone: str
    pupils: int
    rounds: int


@asynccontextmanager
async def connection() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client that keeps one connection alive."""
    connector = aiohttp.TCPConnector(limit=1, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=READ_BYTES) as session:
        yield session


async def took_s(session: aiohttp.ClientSession, url: str) -> float:
    """Fetch and give the seconds that it took."""
    began_at = time.perf_counter()
    async with session.get(url) as answer:
        answer.raise_for_status()
        await answer.read()
    return time.perf_counter() - began_at


async def ask_at_once(order: Part) -> dict[str, list[float]]:
    """Fetch a part alone, then one by everybody, again and again, on connections that are open."""
    alone: list[float] = []
    together: list[float] = []
    async with asyncio.TaskGroup() as holding:
        ready: asyncio.Queue[aiohttp.ClientSession] = asyncio.Queue()
        done = asyncio.Event()

        async def hold() -> None:
            async with connection() as session:
                await took_s(session, f"{order.base}warm")
                await ready.put(session)
                await done.wait()

        for _ in range(order.pupils):
            holding.create_task(hold())
        sessions = [await ready.get() for _ in range(order.pupils)]
        for number in range(order.rounds):
            # Both begin on a line that has rested: TCP starts slowly again after it.
            await asyncio.sleep(REST_S)
            alone.append(await took_s(sessions[0], f"{order.base}alone{number}"))
            await asyncio.sleep(REST_S)
            together += await _together(sessions, f"{order.base}{number}")
        done.set()
    return {"alone_s": alone, "together_s": together}


async def _together(sessions: Sequence[aiohttp.ClientSession], url: str) -> list[float]:
    return await asyncio.gather(*(took_s(session, url) for session in sessions))


async def ask_newest_at_once(order: Newest) -> dict[str, list[float]]:
    """Fetch a part alone over the line, then the newest one by everybody, again and again."""
    alone: list[float] = []
    together: list[float] = []
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(connection())
        sessions = [await stack.enter_async_context(connection()) for _ in range(order.pupils)]
        for session in sessions:
            await top_rung(session, order.url)
        for _ in range(order.rounds):
            await asyncio.sleep(REST_S)
            alone.append(await took_s(one, await newest_part(one, order.alone)))
            await asyncio.sleep(REST_S)
            together += await _together(sessions, await newest_part(sessions[0], order.url))
    return {"alone_s": alone, "together_s": together}


async def newest_part(session: aiohttp.ClientSession, url: str) -> str:
    """Give the address of the newest part of the highest rung that is shown."""
    while True:
        rung = await top_rung(session, url)
        listing = parse_media(await _text(session, rung))
        parts = [part for segment in listing.segments for part in segment.parts]
        parts += listing.open.parts if listing.open else ()
        if parts:
            return urljoin(rung, parts[-1].uri)
        # Who has just begun to relay a rung knows its segments, and parts from then on.
        await asyncio.sleep(PART_S)


async def top_rung(session: aiohttp.ClientSession, url: str) -> str:
    """Give the address of the highest rung that is shown."""
    variants = parse_multivariant(await _text(session, url)).variants
    return urljoin(url, max(variants, key=lambda one: one.bandwidth_bps).uri)


async def _text(session: aiohttp.ClientSession, url: str) -> str:
    async with session.get(url) as answer:
        answer.raise_for_status()
        return await answer.text()
