"""A worker process put together: queues by class, dispatcher, sweeper, drain.

One a process (`tongbu worker`, also as a child of `tongbu serve`), on the loop of the main thread:
children of the encoder die with the thread that started them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from procrastinate import App
from procrastinate.exceptions import ProcrastinateException

from catalog.db.listen import listening
from catalog.db.pool import Pool
from catalog.store.port import ObjectStore
from transcoder.bench import Bench, Prepare
from transcoder.dispatch import Dispatcher, Sweeper
from transcoder.errors import TranscoderError
from transcoder.jobs import PatientConnector, RunUnit, make_app, run_queue
from transcoder.prepare import prepare as look
from transcoder.settings import WorkerSettings
from transcoder.sources import SourceCache
from transcoder.worker import UnitRunner

log = logging.getLogger(__name__)


class QueueEnded(TranscoderError):
    """A queue stopped by itself: the worker process is to be started again."""


async def run_worker(
    settings: WorkerSettings,
    dsn: str,
    pool: Pool,
    store: ObjectStore,
    prepare: Prepare | None = None,
) -> None:
    """Work until cancelled; then take nothing more, and hand back what is not done in drain_s.

    The queue's schema is there already (`jobs.ensure_schema`); pool and store are the caller's.
    `prepare` decides plans, transcoder/prepare.py unless told otherwise.
    Raises: QueueEnded, and what broke a part of it.
    """
    async with _home(settings.scratch) as home:
        settings = replace(settings, scratch=home)
        sources = SourceCache(store, home, settings.cache_bytes)
        bench = Bench(settings, pool, store, prepare or partial(look, str(settings.ffmpeg)))
        runner = UnitRunner(bench, sources, _name())
        connector = PatientConnector(dsn)
        app = make_app(connector)
        dispatcher = Dispatcher(pool, app, settings.poll_s)
        sweeper = Sweeper(pool, app, settings)
        async with (
            listening(dsn, ("work",)) as listener,
            app.open_async(),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(_hurry_at_the_end(connector))
            group.create_task(dispatcher.run(listener))
            group.create_task(sweeper.run())
            for queue, slots in settings.slots.by_queue():
                group.create_task(_run_queue(app, settings, queue, slots, runner))


async def _run_queue(
    app: App, settings: WorkerSettings, queue: str, slots: int, run: RunUnit
) -> None:
    try:
        await run_queue(app, settings, queue, slots, run)
    except ProcrastinateException as error:
        raise QueueEnded(f"queue {queue}: {error}") from error
    raise QueueEnded(f"queue {queue} ended")


async def _hurry_at_the_end(connector: PatientConnector) -> None:
    """Once this worker is being stopped, wait no more for a database that is away."""
    try:
        await asyncio.Event().wait()
    finally:
        connector.hurry()


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _make_home(scratch: Path) -> Path:
    """Make a folder for this process, and remove those of processes that are gone."""
    scratch.mkdir(parents=True, exist_ok=True)
    for folder in scratch.glob("worker-*"):
        if not Path(f"/proc/{folder.name.split('-')[1]}").exists():
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"worker-{os.getpid()}-", dir=scratch))


@asynccontextmanager
async def _home(scratch: Path) -> AsyncIterator[Path]:
    """A folder for what this process spools and caches."""
    folder = await asyncio.to_thread(_make_home, scratch)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
