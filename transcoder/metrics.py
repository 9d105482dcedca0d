"""Figures of the work: lessons by state, queues by class, attempts, speed. Read from the catalogue.

Any process may export them, because ends are counted in the database. Speed as a multiple of real
time is rate(tongbu_work_media_seconds_total) / rate(tongbu_work_seconds_total).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from catalog.db.pool import Pool
from catalog.db.tally import Ended, Queue, WorkFigures, read_figures
from catalog.errors import Unavailable

EVERY_S = 15.0
_EMPTY = WorkFigures({}, [], [])

log = logging.getLogger(__name__)

_QUEUES: tuple[tuple[str, str, Callable[[Queue], float]], ...] = (
    ("queue_depth", "Units of work that wait, by class", lambda queue: queue.wanted),
    ("queue_running", "Units of work that run, by class", lambda queue: queue.running),
    ("queue_oldest_seconds", "Age of the unit that waits longest", lambda queue: queue.oldest_s),
)
_ENDED: tuple[tuple[str, str, Callable[[Ended], float]], ...] = (
    ("attempts", "Attempts that ended, by kind and outcome", lambda row: row.ended),
    ("media_seconds", "Seconds of media that attempts encoded", lambda row: row.media_s),
    ("seconds", "Seconds that attempts took", lambda row: row.took_s),
)


class WorkMetrics(Collector):
    """Exports what was read last under tongbu_lessons and tongbu_work_*."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._figures = _EMPTY
        registry.register(self)

    async def run(self, pool: Pool) -> None:
        """Read the figures again and again, until cancelled."""
        while True:
            try:
                await self.read(pool)
            except Unavailable as error:
                log.warning("no figures of the work: %s", error)
            await asyncio.sleep(EVERY_S)

    async def read(self, pool: Pool) -> None:
        """Read the figures once. Raises: Unavailable."""
        async with pool.connection() as connection:
            self._figures = await read_figures(connection)

    def describe(self) -> list[Metric]:
        """Name nothing beforehand."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give what was read last."""
        lessons = GaugeMetricFamily("tongbu_lessons", "Lessons by state", labels=["state"])
        for state, number in self._figures.lessons.items():
            lessons.add_metric([state], number)
        yield lessons
        for name, text, value in _QUEUES:
            gauge = GaugeMetricFamily(f"tongbu_work_{name}", text, labels=["class"])
            for queue in self._figures.queues:
                gauge.add_metric([queue.priority], value(queue))
            yield gauge
        for name, text, value_of in _ENDED:
            counter = CounterMetricFamily(f"tongbu_work_{name}", text, labels=["kind", "outcome"])
            for row in self._figures.ended:
                counter.add_metric([row.kind, row.outcome], value_of(row))
            yield counter
