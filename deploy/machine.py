"""What a role tells of its machine: is the loop late, how many tasks, room on the disk, checks.

Read every few seconds beside the work, so that a scrape never waits for what is away. Labels are
the names of checks and certificates, which this program gives.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, Histogram

from deploy.checks import OK, Check

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
CERTIFICATES_EVERY_S = 60.0
FEEL_EVERY_S = 0.25
LATE_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
Ends = Callable[[], datetime | None]


class MachineFigures:
    """Figures of one process. Each of `ends` tells when a certificate ends; it may block."""

    def __init__(
        self,
        registry: CollectorRegistry,
        data: Path,
        checks: Mapping[str, Check],
        ends: Mapping[str, Ends] | None = None,
    ) -> None:
        self._data = data
        self._checks = checks
        self._ends = ends or {}
        self.late = Histogram(
            "tongbu_loop_late_seconds", "How late the event loop wakes who asked for a moment",
            buckets=LATE_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.tasks = Gauge(
            "tongbu_loop_tasks", "Tasks of the event loop: about one a connection and a few more",
            registry=registry,
        )  # fmt: skip
        self.free = Gauge(
            "tongbu_disk_free_bytes", "Room where the data directory is", registry=registry
        )
        self.size = Gauge(
            "tongbu_disk_size_bytes", "Size of the disk that it is on", registry=registry
        )
        self.up = Gauge(
            "tongbu_check_up", "1 while what this role needs answers, as on /readyz",
            ["check"], registry=registry,
        )  # fmt: skip
        self.certificates = Gauge(
            "tongbu_certificate_ends_seconds", "When the certificate ends, in Unix time",
            ["certificate"], registry=registry,
        )  # fmt: skip

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feel(), name="lateness of the loop")
            group.create_task(_again(self.look, LOOK_EVERY_S), name="disk and checks")
            group.create_task(
                _again(self.look_at_certificates, CERTIFICATES_EVERY_S), name="certificates"
            )

    async def _feel(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + FEEL_EVERY_S
            await asyncio.sleep(FEEL_EVERY_S)
            self.late.observe(max(0.0, loop.time() - due_at))

    async def look(self) -> None:
        """Read tasks, disk and checks once."""
        self.tasks.set(len(asyncio.all_tasks()))
        await self._look_at_disk()
        verdicts = await asyncio.gather(*(check.verdict() for check in self._checks.values()))
        for name, verdict in zip(self._checks, verdicts, strict=True):
            self.up.labels(name).set(verdict == OK)

    async def look_at_certificates(self) -> None:
        """Read when each certificate ends; what cannot be read keeps what is known."""
        for name, ends in self._ends.items():
            found = await asyncio.to_thread(ends)
            if found is not None:
                self.certificates.labels(name).set(found.timestamp())

    async def _look_at_disk(self) -> None:
        try:
            disk = await asyncio.to_thread(shutil.disk_usage, self._data)
        except OSError as error:
            log.warning("the room on the disk of %s is not known: %s", self._data, error)
            return
        self.free.set(disk.free)
        self.size.set(disk.total)


async def _again(look: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        await look()
        await asyncio.sleep(every_s)
