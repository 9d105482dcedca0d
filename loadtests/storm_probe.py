"""What a storm does to a service: its API asked by the clock, its process looked at. Shells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from loadtests.client import Client
from loadtests.live_cpu import children_of, cpu_s, machine_s, resident_bytes
from loadtests.service import Service

ASK_EVERY_S = 0.1


@asynccontextmanager
async def asking(client: Client) -> AsyncIterator[list[float]]:
    """Ask the API by the clock, slow answers or not; the list has each answer's seconds."""
    found: list[float] = []

    async def ask() -> None:
        began_at = time.monotonic()
        await client.get("me")
        found.append(time.monotonic() - began_at)

    async def by_the_clock() -> None:
        due_at = time.monotonic()
        async with asyncio.TaskGroup() as answers:
            while not over.is_set():
                answers.create_task(ask())
                due_at += ASK_EVERY_S
                await asyncio.sleep(max(0.0, due_at - time.monotonic()))

    over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(by_the_clock())
        try:
            yield found
        finally:
            over.set()


@dataclass(frozen=True, slots=True)
class Used:
    """What had been used at a moment."""

    at: float
    service_s: float
    encoders_s: float
    busy_s: float
    whole_s: float
    bytes: int

    def cores_until(self, later: Used) -> tuple[float, float]:
        """Give the cores of the service's process and of its encoders since."""
        took_s = later.at - self.at
        return (later.service_s - self.service_s) / took_s, (
            later.encoders_s - self.encoders_s
        ) / took_s  # fmt: skip


def used(service: Service) -> Used:
    """Look at the service's process and its encoders."""
    pid = service.process.pid
    encoders = [child for child, command in children_of(pid).items() if "ffmpeg" in command]
    seconds, memory = 0.0, resident_bytes(pid)
    for child in encoders:
        with suppress(FileNotFoundError, ProcessLookupError):
            seconds += cpu_s(child)
            memory += resident_bytes(child)
    return Used(time.monotonic(), cpu_s(pid), seconds, *machine_s(), memory)


async def look(service: Service) -> Used:
    """Look without holding up what else this process measures."""
    return await asyncio.to_thread(used, service)


async def window(service: Service, seconds: float) -> tuple[Used, Used]:
    """Look at the service now and in a while."""
    before = await look(service)
    await asyncio.sleep(seconds)
    return before, await look(service)
