"""Measures the line when nothing else does: a short transfer of bytes that are good for nothing.

Live relays say nothing about a line that carries them well, so a school that watches live alone
would never learn what it could have. When, and with how much, `trial.py` decides. What is being
watched goes first: nothing is tried while pieces come, which measure the line better.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from streaming.edge.arrival import Broken
from streaming.edge.line import Line
from streaming.edge.trial import LATE_S, Situation, Trial, Trials
from streaming.edge.upstream import LineCut, Upstream

log = logging.getLogger(__name__)

PATH = "/api/v1/edge/probe"
LOOK_EVERY_S = 2.0


class Probe:
    """Runs beside everything else. `next_bps`: what the line must carry for the cap's next raise;
    None when the line holds nothing back.
    """

    def __init__(
        self,
        upstream: Upstream,
        line: Line,
        next_bps: Callable[[], int | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstream = upstream
        self._line = line
        self._next_bps = next_bps
        self._clock = clock
        self._trials = Trials()
        self._looked = (clock(), line.arrived_bytes)

    async def run(self) -> None:
        """Look every now and then whether to try."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Try the line if it is time."""
        line, now = self._line, self._clock()
        (before, had_bytes), self._looked = self._looked, (now, line.arrived_bytes)
        if self._upstream.cut is not None or line.transfers or self._is_late():
            return
        relayed_bps = 8 * (line.arrived_bytes - had_bytes) / max(now - before, 0.001)
        known = Situation(line.estimate_bps, line.measured_at, self._next_bps(), relayed_bps)
        trial = self._trials.next(now, known)
        if trial is not None:
            await self._try(trial)

    async def _try(self, trial: Trial) -> None:
        carried_bps = 0.0
        with suppress(LineCut, Broken):
            carried_bps = await self._carried_bps(trial)
        carries = self._trials.ended(trial, carried_bps, in_time=not self._is_late())
        log.info("tried the line: %.1f Mbit/s came, enough: %s", carried_bps / 1e6, carries)
        if carries and carried_bps:
            learn = self._line.carries if trial.paced_bps else self._line.know
            learn(round(carried_bps))

    async def _carried_bps(self, trial: Trial) -> float:
        """Let bytes come; give what came with them from the first on. Raises: LineCut, Broken."""
        paced = trial.paced_bps is not None
        path = f"{PATH}?bps={trial.paced_bps}" if paced else PATH
        async with self._upstream.media(path, {}, paced=paced) as incoming:
            if incoming.status != 200:
                log.info("the upstream answers %d to a trial of the line", incoming.status)
                return 0.0
            began_at, had_bytes = self._clock(), self._line.arrived_bytes
            async for _ in incoming.chunks:
                if self._clock() >= began_at + trial.seconds or self._is_late():
                    break
            passed_s = max(self._clock() - began_at, 0.001)
            return 8 * (self._line.arrived_bytes - had_bytes) / passed_s

    def _is_late(self) -> bool:
        return self._line.falling_behind or self._line.late_s > LATE_S
