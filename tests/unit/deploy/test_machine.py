"""Room on the disk, checks, certificates and the lateness of the loop as figures."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

from blockbuster import BlockBuster
from prometheus_client import CollectorRegistry

from deploy.checks import Check
from deploy.machine import MachineFigures
from deploy.tasks import running
from tests.support.wait import eventually

ENDS = datetime(2027, 1, 1, tzinfo=UTC)


async def fine() -> None:
    return None


async def broken() -> None:
    raise ConnectionError("the database is away")


async def test_it_looks_at_disk_checks_and_certificates(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    ends = {"box": lambda: ENDS, "none": lambda: None}
    figures = MachineFigures(
        registry, tmp_path, {"database": Check(broken), "store": Check(fine)}, ends
    )
    await figures.look()
    await figures.look_at_certificates()
    value = registry.get_sample_value
    free, size = value("tongbu_disk_free_bytes"), value("tongbu_disk_size_bytes")
    assert free is not None
    assert size is not None
    assert 0 < free < size
    assert value("tongbu_check_up", {"check": "database"}) == 0
    assert value("tongbu_check_up", {"check": "store"}) == 1
    ending = value("tongbu_certificate_ends_seconds", {"certificate": "box"})
    assert ending == ENDS.timestamp()
    assert value("tongbu_certificate_ends_seconds", {"certificate": "none"}) is None


async def test_it_counts_the_tasks_of_its_loop(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    figures = MachineFigures(registry, tmp_path, {})
    await figures.look()
    before = registry.get_sample_value("tongbu_loop_tasks")
    assert before == len(asyncio.all_tasks())
    async with running(asyncio.Event().wait(), "leaked"):
        await figures.look()
        assert registry.get_sample_value("tongbu_loop_tasks") == before + 1


async def test_a_disk_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    await MachineFigures(registry, tmp_path / "gone", {"store": Check(fine)}).look()
    assert registry.get_sample_value("tongbu_disk_size_bytes") == 0
    assert registry.get_sample_value("tongbu_check_up", {"check": "store"}) == 1


async def test_a_loop_that_was_held_up_is_late(tmp_path: Path, blockbuster: BlockBuster) -> None:
    registry = CollectorRegistry()

    def count() -> float:
        return registry.get_sample_value("tongbu_loop_late_seconds_count") or 0.0

    def late() -> float:
        """Give how often it was later than half a second."""
        quick = registry.get_sample_value("tongbu_loop_late_seconds_bucket", {"le": "0.5"})
        return count() - (quick or 0.0)

    def hold_up() -> None:
        blockbuster.deactivate()
        time.sleep(1.0)
        blockbuster.activate()

    async with running(MachineFigures(registry, tmp_path, {}).run(), "figures"):
        await eventually(lambda: count() > 0)
        before = late()
        hold_up()
        await eventually(lambda: late() > before)
