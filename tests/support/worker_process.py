"""A worker process of its own, for tests that kill or freeze it.

`python -m tests.support.worker_process DSN FOLDER SECONDS CHUNKS FREE PICTURES` works on
FOLDER/store. After FREE media objects (or PICTURES of a lesson) it publishes none any more, so that
it is always in the middle of something; a number below zero sets no bound. Says `stored KEY` for
each object, and for each picture when these are bounded.
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
from catalog.store.port import ObjectStore
from tests.support import worker as w
from tests.support.paced_store import PacedStore
from transcoder.service import run_worker

ROOT = Path(__file__).parents[2]


class TellingStore(PacedStore):
    """Says what it stored, and then keeps the caller waiting once there was enough."""

    def __init__(self, store: ObjectStore, free: int | None, pictures: int | None) -> None:
        super().__init__(store, free)
        self._pictures = asyncio.Semaphore(pictures) if pictures is not None else None

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        await self._store.put_file(key, path, content_type)
        print("stored", key, flush=True)
        if self._room is not None:
            await self._room.acquire()

    async def put_bytes(self, key: str, body: bytes, content_type: str) -> None:
        await self._store.put_bytes(key, body, content_type)
        if self._pictures is not None:
            print("stored", key, flush=True)
            await self._pictures.acquire()


def bound(number: str) -> int | None:
    """Read a bound; none when it is below zero."""
    return int(number) if int(number) >= 0 else None


async def main(dsn: str, folder: str, seconds: str, chunks: str, free: str, pictures: str) -> None:
    """Work until terminated."""
    local = LocalStore(LocalSettings(Path(folder) / "store", 0))
    store = TellingStore(local, bound(free), bound(pictures))
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
    dsn: str,
    folder: Path,
    *,
    seconds: int = 60,
    chunks: int = 1,
    free: int = -1,
    pictures: int = -1,
) -> AsyncIterator[WorkerProcess]:
    """Run a worker process; it is killed at the end of the block at the latest."""
    arguments = [dsn, str(folder), *map(str, (seconds, chunks, free, pictures))]
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
