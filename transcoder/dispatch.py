"""Keeping work going: wanted units are queued, lost ones are wanted again.

Every worker process runs this; all of it may run twice at the same time without harm. The lease
clock is the database's, and it is judged only by who has been in touch with the database for a
whole lease, so that a restart of the database costs no attempt its lease.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial

import psycopg
from procrastinate import App
from procrastinate.exceptions import ProcrastinateException

from catalog.db import work
from catalog.db.listen import Listener
from catalog.db.pool import Pool
from catalog.db.work import STILLS, Claim, Superseded, Unit
from catalog.errors import CatalogError
from transcoder.jobs import defer, drop_stalled
from transcoder.settings import WorkerSettings

QUEUE_LIMIT = 200
CALM_S = 0.05
LOST_CODE = "worker_lost"
LOST_SENTENCE = "The worker stopped in the middle of the video each time: try again."

_PRIORITIES = {"audio": 9, "video/0": 8, "video": 7, "side": 6, STILLS: 6, "prepare": 0}

log = logging.getLogger(__name__)

# Of each queue, those to queue now. Backlog lessons that were begun are finished first; late units
# have their turn when nothing else is to be done.
_UNQUEUED = """
with open_work as (
  select w.* from work w join lesson l on l.id = w.lesson_id and l.deleted_at is null
  where w.state in ('wanted', 'running')
), wanted as (
  select w.lesson_id, w.generation, w.unit,
    case when starts_with(w.unit, 'av1/') then 'late' when w.priority = 'backlog' then 'backlog'
      when w.unit = 'prepare' then 'prepare' else 'fresh' end as queue
  from open_work w where w.state = 'wanted' and w.not_before <= now()
    and not exists (select from procrastinate_jobs j where j.status = 'todo'
      and j.queueing_lock = w.lesson_id || '/' || w.generation || '/' || w.unit)
    and not (starts_with(w.unit, 'av1/')
      and exists (select from open_work o where not starts_with(o.unit, 'av1/')))
), ranked as (
  select *, row_number() over
    (partition by queue order by unit = 'prepare', lesson_id, unit) as place
  from wanted
)
select r.lesson_id, r.generation, r.unit, r.queue from ranked r
left join (select queue_name, count(*) as waiting from procrastinate_jobs where status = 'todo'
  group by queue_name) q on q.queue_name = r.queue
where r.place + coalesce(q.waiting, 0) <= %s
order by r.queue = 'prepare' desc, r.queue = 'fresh' desc, r.place
"""


class Dispatcher:
    """Queues what is wanted: when it is told, and every poll_s seconds."""

    def __init__(self, pool: Pool, app: App, poll_s: float) -> None:
        self._pool = pool
        self._app = app
        self._poll_s = poll_s
        self._asked = asyncio.Event()

    def ask(self, payload: str = "") -> None:
        """Look soon."""
        self._asked.set()

    async def run(self, listener: Listener) -> None:
        """Dispatch until cancelled."""
        unsubscribe = listener.subscribe("work", self.ask, self.ask)
        try:
            while True:
                self._asked.clear()
                await _surviving("dispatch", self.dispatch)
                await asyncio.sleep(CALM_S)
                await self._asked_or_later()
        finally:
            unsubscribe()

    async def _asked_or_later(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._asked.wait()

    async def dispatch(self) -> None:
        """Queue once."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_UNQUEUED, (QUEUE_LIMIT,))).fetchall()
        for row in rows:
            unit = Unit(row["lesson_id"], row["generation"], row["unit"])
            await defer(self._app, unit, row["queue"], priority_of(unit))


def priority_of(unit: Unit) -> int:
    """Order within a queue: what is cheap and what a lesson begins with goes first."""
    return _PRIORITIES.get(unit.name, _PRIORITIES.get(unit.kind, 0))


class Sweeper:
    """Wants lost units again."""

    def __init__(self, pool: Pool, app: App, settings: WorkerSettings) -> None:
        self._pool = pool
        self._app = app
        self._settings = settings

    async def run(self) -> None:
        """Sweep lost leases until cancelled."""
        clock = asyncio.get_running_loop().time
        every_s = self._settings.lease_s / 4
        in_touch_at = clock()
        while True:
            await asyncio.sleep(every_s)
            trusted = clock() - in_touch_at >= self._settings.lease_s
            if not await _surviving("leases", partial(self.sweep, trusted)):
                in_touch_at = clock()

    async def sweep(self, trusted: bool) -> None:
        """Find lost attempts; unless trusted, only make sure that the database answers."""
        async with self._pool.connection() as connection:
            lost = await work.lost_claims(connection, self._settings.lease_s)
        for claim, failures in lost if trusted else ():
            log.warning("%s: attempt %d is lost", claim.unit, claim.attempt)
            await self._take_back(claim, failures)
        await drop_stalled(self._app)

    async def _take_back(self, claim: Claim, failures: int) -> None:
        try:
            async with self._pool.connection() as connection:
                if failures + 1 >= self._settings.tries:
                    await work.give_up(connection, claim, LOST_CODE, LOST_SENTENCE)
                else:
                    await work.try_again(connection, claim, LOST_CODE, LOST_SENTENCE, 0)
        except Superseded as gone:
            log.info("%s", gone)


async def _surviving(what: str, call: Callable[[], Awaitable[None]]) -> bool:
    """Do it; tell whether it went well. What is away is tried again by the next round."""
    try:
        await call()
    except (psycopg.Error, CatalogError, ProcrastinateException) as error:
        log.warning("%s: %s", what, str(error).splitlines()[0] if str(error) else repr(error))
        return False
    return True
