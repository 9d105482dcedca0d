"""A class of pupils in a process of its own: players on plain HLS, or many who ask for one part.

    python -m loadtests.pupils < order.json

Standard input is one JSON object: the fields of `Class` with `"kind": "class"`, or those of `Part`
or `Newest` (`pupils_at_once`) with `"kind": "part"` or `"newest"`. Prints one line of JSON: reports
(`pupil.Report`) and how late this process was by its own clock (a machine that is too busy measures
itself), or the seconds that fetches took. With `stay_s` pupils leave in the middle of whatever they
fetch, after a while between the two bounds, and others join at once in their place.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
import uvloop

from loadtests.pupil import Drop, Order, Pupil, Report
from loadtests.pupil_lists import Ask, Lane
from loadtests.pupils_at_once import Newest, Part, ask_at_once, ask_newest_at_once, connection

FIRST_BYTE_LIMIT_S, MEDIA_LIMIT_S, LIST_LIMIT_S = 10.0, 120.0, 20.0
SMALL_PX, LARGE_PX = 360, 2160
READ_BYTES = 1 << 18
LOOK_EVERY_S = 0.05
REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Class:
    """Who watches what: pupil n watches `urls[n % len(urls)]`; joins are spread over `join_s`."""

    urls: list[str]
    pupils: int
    join_s: float
    seconds: float
    seed: int = 1
    small: float = 0.3
    stay_s: tuple[float, float] | None = None
    least_px: int = 0


class Watching:
    """The shell of one pupil: two lanes, one timer. Playlists that cannot be read end the bench."""

    def __init__(self, core: Pupil, lists: aiohttp.ClientSession, media: aiohttp.ClientSession):
        self._core = core
        self._sessions = {Lane.LISTS: lists, Lane.MEDIA: media}
        self._media: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def run(self, until: float) -> Report:
        """Watch until a moment of the loop's clock."""
        clock = asyncio.get_running_loop().time
        self._core.begin(clock())
        async with asyncio.TaskGroup() as group:
            lanes: set[asyncio.Task[None]] = set()
            while clock() < until:
                lanes |= {task for one in self._core.orders() if (task := self._obey(one, group))}
                await self._wait(until)
                self._core.on_timer(clock())
            for task in lanes:
                task.cancel()
        return self._core.report(until)

    def _obey(self, order: Order, group: asyncio.TaskGroup) -> asyncio.Task[None] | None:
        if isinstance(order, Drop):
            assert self._media is not None
            self._media.cancel()
            return None
        fetch = self._fetch_list if order.lane is Lane.LISTS else self._fetch_media
        task = group.create_task(fetch(order))
        if order.lane is Lane.MEDIA:
            self._media = task
        return task

    async def _wait(self, until: float) -> None:
        due_at = self._core.next_deadline()
        now = asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(until, due_at or until) - now):
                await self._changed.wait()
        self._changed.clear()

    async def _fetch_list(self, ask: Ask) -> None:
        clock = asyncio.get_running_loop().time
        timeout = aiohttp.ClientTimeout(total=LIST_LIMIT_S)
        try:
            async with self._sessions[Lane.LISTS].get(ask.uri, timeout=timeout) as answer:
                answer.raise_for_status()
                self._core.on_list(await answer.text(), clock())
        except (aiohttp.ClientError, TimeoutError):
            self._core.on_failed(Lane.LISTS, clock())
        self._changed.set()

    async def _fetch_media(self, ask: Ask) -> None:
        clock = asyncio.get_running_loop().time
        timeout = aiohttp.ClientTimeout(total=MEDIA_LIMIT_S, sock_read=FIRST_BYTE_LIMIT_S)
        headers = {"Range": f"bytes={ask.of[0]}-{sum(ask.of) - 1}"} if ask.of else {}
        session = self._sessions[Lane.MEDIA]
        try:
            async with session.get(ask.uri, headers=headers, timeout=timeout) as answer:
                answer.raise_for_status()
                self._core.on_first_byte(answer.content_length or 0, clock())
                async for data in answer.content.iter_any():
                    self._core.on_bytes(len(data), clock())
                self._core.on_media(clock())
        except (aiohttp.ClientError, TimeoutError):
            self._core.on_failed(Lane.MEDIA, clock())
        self._changed.set()


async def watched(url: str, heights_px: tuple[int, int], until: float) -> Report:
    """Be a pupil until a moment of the loop's clock; the heights are the most and the least."""
    unix_offset_s = time.time() - asyncio.get_running_loop().time()
    most_px, least_px = heights_px
    core = Pupil(url, most_height_px=most_px, least_height_px=least_px, unix_offset_s=unix_offset_s)
    async with connection() as lists, connection() as media:
        return await Watching(core, lists, media).run(until)


async def seat(order: Class, number: int, until: float) -> list[Report]:
    """Be the pupils that sit on one chair, one after the other."""
    chance = random.Random(order.seed * 1000 + number)
    loop = asyncio.get_running_loop()
    height_px = SMALL_PX if chance.random() < order.small else LARGE_PX
    await asyncio.sleep(chance.random() * order.join_s)
    found = []
    least_s = order.stay_s[0] if order.stay_s else 0.0
    while (now := loop.time()) < until - least_s:
        leaves_at = now + chance.uniform(*order.stay_s) if order.stay_s else until
        url = order.urls[number % len(order.urls)]
        found.append(await watched(url, (height_px, order.least_px), min(until, leaves_at)))
    return found


async def attend(order: Class) -> dict[str, Any]:
    """Let everybody watch; give all reports."""
    until = asyncio.get_running_loop().time() + order.seconds
    seats = [seat(order, number, until) for number in range(order.pupils)]
    late_s, found = await asyncio.gather(lateness_s(until), asyncio.gather(*seats))
    return {"late_s": late_s, "reports": [asdict(one) for reports in found for one in reports]}


async def lateness_s(until: float) -> list[float]:
    """Say how late this process was woken, again and again."""
    clock, found = asyncio.get_running_loop().time, []
    while (due_at := clock() + LOOK_EVERY_S) < until:
        await asyncio.sleep(LOOK_EVERY_S)
        found.append(clock() - due_at)
    return found


async def ordered(kind: str, order: dict[str, Any]) -> dict[str, Any]:
    """Do what an order says."""
    match kind:
        case "part":
            return await ask_at_once(Part(**order))
        case "newest":
            return await ask_newest_at_once(Newest(**order))
    return await attend(Class(**order))


def main() -> None:
    """Read the order, run, print."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    order = json.loads(sys.stdin.read())
    kind = order.pop("kind")
    print(json.dumps(uvloop.run(ordered(kind, order))))


if __name__ == "__main__":
    main()
