"""When the box of each school was heard last, for Prometheus; read from the catalogue.

The label is the school's id. A city that cannot scrape its boxes (they may stand behind the
schools' own networks) sees here which of them is away. While the catalogue is away there are no
figures: old ones would grow into an alarm for every school.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from catalog.db.edges import schools_heard
from catalog.db.pool import Pool
from catalog.errors import Unavailable

EVERY_S = 15.0
SCHOOLS_LIMIT = 5000

log = logging.getLogger(__name__)


class BoxFigures(Collector):
    """Exports what was read last as tongbu_box_heard_seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._heard: dict[str, datetime] = {}
        registry.register(self)

    async def run(self, pool: Pool) -> None:
        """Read again and again, until cancelled."""
        while True:
            await self.read(pool)
            await asyncio.sleep(EVERY_S)

    async def read(self, pool: Pool) -> None:
        """Read once."""
        try:
            async with pool.connection() as connection:
                self._heard = await schools_heard(connection, SCHOOLS_LIMIT)
        except Unavailable as error:
            log.warning("no figures of the boxes: %s", error)
            self._heard = {}

    def describe(self) -> list[Metric]:
        """Name nothing beforehand."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give what was read last."""
        heard = GaugeMetricFamily(
            "tongbu_box_heard_seconds",
            "When a school's box was heard last, in Unix time; of several the one that is longest "
            "away",
            labels=["school"],
        )
        for school, at in self._heard.items():
            heard.add_metric([school], at.timestamp())
        yield heard
