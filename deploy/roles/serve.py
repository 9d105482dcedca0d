"""`tongbu serve`: database, origin and workers of one machine in one process group."""

from __future__ import annotations

import argparse
import asyncio
import os
import time

import uvloop

from catalog.db.pool import make_pool
from catalog.passwords import Passwords
from catalog.people import city_day
from catalog.store.settings import open_store
from deploy.command import Argument, Command
from deploy.database import catalogue
from deploy.demo import fill_demo
from deploy.roles.origin import run_origin
from deploy.settings import Settings
from deploy.signals import until_signalled
from deploy.supervise import keep_running


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    with catalogue(settings) as dsn:
        uvloop.run(_serve(settings, dsn, asked.demo))
    return 0


async def _serve(settings: Settings, dsn: str, demo: bool) -> None:
    environment = {
        **os.environ,
        "TONGBU_DATABASE_URL": dsn,
        "TONGBU_TRANSCODE_LISTEN": "",
        "TONGBU_SERVER_DATA": str(settings.server.data),
        "TONGBU_LOG_LEVEL": settings.log.level,
        "TONGBU_LOG_FORMAT": settings.log.format,
    }
    async with run_origin(settings, dsn) as address, asyncio.TaskGroup() as group:
        beside = [
            group.create_task(keep_running(["worker"], environment, settings.server.drain_s))
            for _ in range(settings.server.workers)
        ]
        if demo:
            beside.append(group.create_task(_demo(settings, dsn, address)))
        await until_signalled()
        for task in beside:
            task.cancel()


async def _demo(settings: Settings, dsn: str, address: str) -> None:
    async with (
        make_pool(dsn, 2) as pool,
        open_store(settings.store, settings.server.data) as store,
    ):
        await fill_demo(pool, store, Passwords(), city_day(time.time()), address)


COMMANDS = (
    Command("serve", "run everything: database, origin, workers", run,
            (Argument(("--demo",), {"action": "store_true", "help": "start with the demo city"}),)),
)  # fmt: skip
