"""Processes that stand still or are slow, as on a machine that hangs or has too much to do."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from catalog.db.home import home_of
from catalog.ending import end_task
from loadtests.live_cpu import cpu_s
from loadtests.service import Service

MEASURED_S = 2.0
SLICE_S = 0.02


@contextmanager
def held(*processes: int) -> Iterator[None]:
    """Let them stand still in the block, and go on after it."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def database_of(service: Service) -> list[int]:
    """Give the processes of a service's own database, the one that starts others first."""
    first = (home_of(service.data).cluster / "postmaster.pid").read_text().split()[0]
    others = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    return [int(pid) for pid in (first, *others)]


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Let one stand still, and end it."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGKILL)


@asynccontextmanager
async def slowed(process: int, share: float) -> AsyncIterator[None]:
    """Let one have a share of the CPU that it took before, whatever the machine is worth."""
    began, before_s = time.monotonic(), await asyncio.to_thread(cpu_s, process)
    await asyncio.sleep(MEASURED_S)
    took = (await asyncio.to_thread(cpu_s, process) - before_s) / (time.monotonic() - began)
    rationing = asyncio.create_task(_ration(process, share * took), name="rationing")
    try:
        yield
    finally:
        await end_task(rationing)
        os.kill(process, signal.SIGCONT)


async def _ration(process: int, cores: float) -> None:
    began, before_s = time.monotonic(), await asyncio.to_thread(cpu_s, process)
    while True:
        allowed_s = cores * (time.monotonic() - began)
        greedy = await asyncio.to_thread(cpu_s, process) - before_s > allowed_s
        os.kill(process, signal.SIGSTOP if greedy else signal.SIGCONT)
        await asyncio.sleep(SLICE_S)
