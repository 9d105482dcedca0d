"""The pool's figures are exported and follow its use."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from catalog.db.metrics import PoolMetrics
from catalog.db.pool import Pool


async def test_figures_follow_the_pool(pool: Pool) -> None:
    registry = CollectorRegistry()
    PoolMetrics(pool, registry)
    before = registry.get_sample_value("tongbu_database_requests_total")
    async with pool.connection():
        idle = registry.get_sample_value("tongbu_database_idle")
        size = registry.get_sample_value("tongbu_database_connections")
    assert before is not None
    assert idle is not None
    assert size is not None
    assert idle < size
    assert registry.get_sample_value("tongbu_database_requests_total") == before + 1
    assert registry.get_sample_value("tongbu_database_waiting") == 0
