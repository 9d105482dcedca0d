"""`tongbu worker`: transcoding jobs, with health and metrics on a port of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import imageio_ffmpeg
import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.db.metrics import PoolMetrics
from catalog.db.pool import make_pool
from catalog.store.metrics import MeasuredStore, StoreMetrics
from catalog.store.settings import open_store
from deploy.checks import Check, database_check
from deploy.command import Command
from deploy.database import catalogue
from deploy.listening import listen
from deploy.machine import MachineFigures
from deploy.observe import HttpMetrics, health_routes, observing
from deploy.settings import Settings
from deploy.signals import until_signalled
from deploy.tasks import running
from transcoder.service import run_worker
from transcoder.settings import GIB, Slots, WorkerSettings


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT, or until a part breaks: then whoever started it starts anew."""
    with catalogue(settings) as dsn:
        code: int = uvloop.run(_work(settings, dsn))
    return code


async def _work(settings: Settings, dsn: str) -> int:
    async with AsyncExitStack() as stack:
        registry = CollectorRegistry()
        pool = await stack.enter_async_context(make_pool(dsn, settings.database.pool))
        PoolMetrics(pool, registry)
        opened = await stack.enter_async_context(open_store(settings.store, settings.server.data))
        store = MeasuredStore(opened, StoreMetrics(registry))
        if settings.transcode.listen:
            app = web.Application(middlewares=[observing(HttpMetrics(registry))])
            checks = {"database": database_check(pool), "store": Check(store.check)}
            app.add_routes(health_routes(registry, checks))
            figures = MachineFigures(registry, settings.server.data, checks).run()
            await stack.enter_async_context(running(figures, "figures of the machine"))
            address = await listen(stack, app, settings.transcode.listen, settings.server.drain_s)
            sys.stdout.write(f"listening on {address}\n")
            sys.stdout.flush()
        work = run_worker(worker_settings(settings), dsn, pool, store)
        task = await stack.enter_async_context(running(work, "worker"))
        stopped = asyncio.create_task(until_signalled())
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        return 1 if task.done() else 0


def worker_settings(settings: Settings) -> WorkerSettings:
    """Give the transcoder its own settings from the options."""
    options = settings.transcode
    return WorkerSettings(
        scratch=settings.server.data / "scratch",
        ffmpeg=Path(imageio_ffmpeg.get_ffmpeg_exe()),
        slots=Slots(
            options.prepare_slots, options.fresh_slots, options.backlog_slots, options.late_slots
        ),
        cache_bytes=options.cache_gib * GIB,
        drain_s=settings.server.drain_s / 2,
    )


COMMANDS = (Command("worker", "run transcoding jobs", run),)
