"""What a storm does to a service: its API asked by the clock, its processes looked at. Shells."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from loadtests.by_role import ByRole
from loadtests.client import Client, Refused
from loadtests.live_cpu import TICKS, cpu_s, machine_s, processes, reaped_s, resident_bytes
from loadtests.live_spread import Spread, spread
from loadtests.service import Service
from loadtests.service_processes import Role, roles, with_jobs

ASK_EVERY_S = 0.1
ENDS_IN_ITSELF = (Role.DATABASE, Role.WORKER)


@dataclass(frozen=True, slots=True)
class Asked:
    """When the API was asked, and how long its answer took."""

    at: float
    waited_s: float


def waits(answers: Sequence[Asked], since: float = 0.0, until: float = math.inf) -> Spread:
    """Give how long those waited who asked within a time, whenever they were answered."""
    return spread([one.waited_s for one in answers if since <= one.at < until])


@asynccontextmanager
async def asking(client: Client) -> AsyncIterator[list[Asked]]:
    """Ask the API by the clock, slow answers or not; the list has who was answered.

    Who is refused has waited for ever: of a few nothing is seen in p95, of many no number is left.
    """
    found: list[Asked] = []

    async def ask() -> None:
        began_at, waited_s = time.monotonic(), math.inf
        with suppress(Refused):
            await client.get("me")
            waited_s = time.monotonic() - began_at
        found.append(Asked(began_at, waited_s))

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
    """What had been used at a moment: CPU seconds and memory by role, the machine's seconds."""

    at: float
    seconds: ByRole
    busy_s: float
    whole_s: float
    bytes: ByRole

    def cores_until(self, later: Used) -> ByRole:
        """Give the cores of each role since."""
        return self.seconds.per(later.seconds, later.at - self.at)

    def machine_until(self, later: Used) -> float:
        """Give how much of the machine was busy since, whoever it was."""
        return (later.busy_s - self.busy_s) / max(later.whole_s - self.whole_s, 1 / TICKS)


def used(service: Service) -> Used:
    """Look at all processes of a service."""
    table = processes()
    given = with_jobs(table, roles(table, {service.process.pid: Role.ORIGIN}))
    seconds, memory = defaultdict[Role, float](float), defaultdict[Role, float](float)
    for pid, role in given.items():
        with suppress(OSError):
            # what has ended below it is of its own role; below the origin it is of others
            ended_s = reaped_s(pid) if role in ENDS_IN_ITSELF else 0.0
            seconds[role] += cpu_s(pid) + ended_s
            memory[role] += resident_bytes(pid)
    return Used(time.monotonic(), _by_role(seconds), *machine_s(), _by_role(memory))


def _by_role(found: Mapping[Role, float]) -> ByRole:
    return ByRole(found[Role.ORIGIN], found[Role.ENCODER], found[Role.WORKER], found[Role.DATABASE])


async def look(service: Service) -> Used:
    """Look without holding up what else this process measures."""
    return await asyncio.to_thread(used, service)


async def window(service: Service, seconds: float) -> tuple[Used, Used]:
    """Look at the service now and in a while."""
    before = await look(service)
    await asyncio.sleep(seconds)
    return before, await look(service)
