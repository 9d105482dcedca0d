"""A worker process of its own, for tests that kill or freeze it.

`python -m tests.support.worker_process DSN FOLDER SECONDS CHUNKS FREE` works on FOLDER/store. After
FREE media objects it publishes none any more, so that it is always in the middle of something; a
number below zero sets no bound. Says `stored KEY` for each object.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from catalog.db.pool import make_pool
from catalog.store.local import LocalSettings, LocalStore
from tests.support import worker as w
from tests.support.paced_store import PacedStore
from transcoder.service import run_worker

ROOT = Path(__file__).parents[2]


class TellingStore(PacedStore):
    """Says what it stored, and then keeps the caller waiting once there was enough."""

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        await self._store.put_file(key, path, content_type)
        print("stored", key, flush=True)
        if self._room is not None:
            await self._room.acquire()


async def main(dsn: str, folder: str, seconds: str, chunks: str, free: str) -> None:
    """Work until terminated."""
    local = LocalStore(LocalSettings(Path(folder) / "store", 0))
    store = TellingStore(local, int(free) if int(free) >= 0 else None)
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with make_pool(dsn, 6) as pool:
        made = w.plan(float(seconds), int(chunks))
        await run_worker(w.settings(Path(folder)), dsn, pool, store, w.FixedPlan(made))


class WorkerProcess:
    """The process as a test sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.pid = process.pid

    async def stored(self, count: int = 1) -> list[str]:
        """Wait for so many objects; give their keys."""
        assert self.process.stdout is not None
        keys: list[str] = []
        while len(keys) < count:
            line = (await self.process.stdout.readline()).decode()
            assert line, "the worker ended"
            if line.startswith("stored "):
                keys.append(line.split()[1])
        return keys

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker alone."""
        os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait for its end; give the exit code."""
        async with asyncio.timeout(20):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def worker_process(
    dsn: str, folder: Path, *, seconds: int = 60, chunks: int = 1, free: int = -1
) -> AsyncIterator[WorkerProcess]:
    """Run a worker process; it is killed at the end of the block at the latest."""
    arguments = [dsn, str(folder), str(seconds), str(chunks), str(free)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.worker_process", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield WorkerProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
