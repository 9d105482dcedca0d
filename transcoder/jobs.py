"""The job queue: procrastinate wakes workers up, the `work` table says what is to be done.

A queue row carries nothing but the name of a unit. It may be lost, doubled or stale: taking the
unit decides (catalog/db/work.py), and the dispatcher defers what is wanted and not queued. Queues
are kept short, so that looking into them stays cheap whatever the backlog. No `lock` is used.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager

from catalog.db.work import Unit
from transcoder.settings import WorkerSettings

TASK = "tongbu:unit"
RUNNER = "run_unit"
POOL_SIZE = 6
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 2.0
STALLED_JOB_S = 60
_SCHEMA_LOCK = 7_305_110_222

log = logging.getLogger(__name__)

T = TypeVar("T")
RunUnit = Callable[[Unit], Awaitable[None]]


async def unit_task(context: JobContext, lesson: str, generation: int, unit: str) -> None:
    """Do one unit with the runner that this worker was started with."""
    run: RunUnit = context.additional_context[RUNNER]
    await run(Unit(lesson, generation, unit))


class PatientConnector(PsycopgConnector):
    """Waits for a database that is away, so that its restart ends no running job.

    `hurry` ends all waiting: when the worker stops, a database that is away is left alone.
    """

    def __init__(self, dsn: str) -> None:
        super().__init__(conninfo=dsn, min_size=1, max_size=POOL_SIZE)
        self._hurrying = asyncio.Event()

    def hurry(self) -> None:
        """Wait no longer, now and from now on."""
        self._hurrying.set()

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Run a statement."""
        call = partial(super().execute_query_async, query, **arguments)
        await self._patiently(call)

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        """Run a statement that gives one row."""
        call = partial(super().execute_query_one_async, query, **arguments)
        return await self._patiently(call)

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        """Run a statement that gives rows."""
        call = partial(super().execute_query_all_async, query, **arguments)
        return await self._patiently(call)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return await call()
            except ConnectorException as error:
                away = isinstance(error.__cause__, psycopg.OperationalError)
                if not away or self._hurrying.is_set():
                    raise
            log.warning("the queue's database is away; next try in %.1f s", wait_s)
            await asyncio.wait((asyncio.create_task(self._hurrying.wait()),), timeout=wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)


def make_app(connector: PatientConnector) -> App:
    """Make the queue's application, not yet open."""
    app = App(connector=connector)
    app.task(name=TASK, pass_context=True)(unit_task)
    return app


async def defer(app: App, unit: Unit, queue: str, priority: int) -> None:
    """Queue a unit, unless it waits in the queue already."""
    job = app.configure_task(TASK, queue=queue, priority=priority, queueing_lock=str(unit))
    try:
        await job.defer_async(lesson=unit.lesson, generation=unit.generation, unit=unit.name)
    except AlreadyEnqueued:
        log.debug("%s waits already", unit)


async def run_queue(
    app: App, settings: WorkerSettings, queue: str, slots: int, run: RunUnit
) -> None:
    """Run this queue's units, so many at a time; when cancelled, drain and come back."""
    await app.run_worker_async(
        queues=[queue],
        name=queue,
        concurrency=slots,
        fetch_job_polling_interval=settings.poll_s,
        abort_job_polling_interval=settings.poll_s,
        shutdown_graceful_timeout=settings.drain_s,
        delete_jobs="always",
        additional_context={RUNNER: run},
        install_signal_handlers=False,
    )


async def drop_stalled(app: App) -> None:
    """Delete queue rows whose worker is gone; what they named is wanted again by its lease."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_JOB_S):
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


def ensure_schema(dsn: str) -> None:
    """Install the queue's tables, or bring those of an older procrastinate up to date."""
    ours = version("procrastinate")
    with psycopg.connect(dsn) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
        row = connection.execute(
            "select to_regclass('procrastinate_jobs') is not null,"
            " obj_description(to_regclass('procrastinate_jobs'))"
        ).fetchone()
        there, theirs = row or (False, None)
        if not there:
            connection.execute(SchemaManager.get_schema().encode())
        elif theirs != ours:
            for text in _steps_after(theirs or "0"):
                connection.execute(text.encode())
        connection.execute(f"comment on table procrastinate_jobs is '{ours}'".encode())


def _steps_after(installed: str) -> list[str]:
    """Read procrastinate's own migrations that are newer than the installed version."""
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    return [
        path.read_text("utf-8") for path in files if _numbers(path.name[:8]) > _numbers(installed)
    ]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
