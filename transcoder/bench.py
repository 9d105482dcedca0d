"""What the units of work are given: tools that last, and one attempt's own things."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from catalog.db.pool import Pool
from catalog.db.work import Taken, Unit
from catalog.store.port import ObjectStore
from transcoder.plan import EncodePlan
from transcoder.prepare import Prepared
from transcoder.sandbox import Limits, Sandbox
from transcoder.settings import WorkerSettings

CPU_S_PER_MEDIA_S = 60
LEAST_CPU_S = 120
NICE = {"fresh": 2, "backlog": 12, "late": 16}

Prepare = Callable[[Path], Awaitable[Prepared]]
Report = Callable[[float, float | None, float], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """What units work with; `prepare` looks at a source in a sandbox and plans it."""

    settings: WorkerSettings
    pool: Pool
    store: ObjectStore
    prepare: Prepare


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a unit: its source on this machine, and where to tell how far it is.

    The source of `stills` is a file that the unit makes itself; it goes with the attempt.

    `report` takes the share that is done, the speed, and the seconds of media of this attempt.
    """

    taken: Taken
    source: Path
    report: Report

    @property
    def unit(self) -> Unit:
        """The unit's name."""
        return self.taken.claim.unit

    def plan(self) -> EncodePlan:
        """The generation's plan, which `prepare` has written."""
        return msgspec.convert(self.taken.plan, EncodePlan)

    def sandbox(self, media_s: float) -> Sandbox:
        """The room for a child that reads the source and handles so many seconds of media."""
        nice = NICE["late" if self.unit.late else self.taken.priority]
        cpu_s = int(LEAST_CPU_S + CPU_S_PER_MEDIA_S * media_s)
        return Sandbox(Limits(cpu_s=cpu_s, nice=nice), (self.source,))
