"""Measures the line when nothing else does: a short transfer of bytes that are good for nothing.

Live relays say nothing about a line that carries them well, so a school that watches live alone
would never learn what it could have. When the line was never measured, or something is capped and
the last measure is old, a second of transfer tells. What is being watched goes first: a probe ends
when a relay falls behind, and does not begin while pieces come, which measure the line better.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from streaming.edge.arrival import Broken
from streaming.edge.line import Line
from streaming.edge.upstream import LineCut, Upstream

log = logging.getLogger(__name__)

PATH = "/api/v1/edge/probe"
LOOK_EVERY_S = 2.0
FIRST_S, AGAIN_S = 2.5, 1.0
OLD_S = 45.0


class Probe:
    """Runs beside everything else. `capped` tells whether the line is why something is capped."""

    def __init__(
        self,
        upstream: Upstream,
        line: Line,
        capped: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstream = upstream
        self._line = line
        self._capped = capped
        self._clock = clock
        self._probed_at = float("-inf")
        self.probes = 0

    async def run(self) -> None:
        """Look every now and then whether to measure."""
        while True:
            if self.is_due():
                await self.measure()
            await asyncio.sleep(LOOK_EVERY_S)

    def is_due(self) -> bool:
        """Tell whether to measure now."""
        if self._upstream.cut is not None or self._line.transfers or self._line.falling_behind:
            return False
        measured_at = max(self._line.measured_at or float("-inf"), self._probed_at)
        return (self._line.estimate_bps is None or self._capped()) and (
            self._clock() - measured_at >= OLD_S
        )

    async def measure(self) -> None:
        """Let bytes come for a second, or a little more the first time."""
        began_at = self._probed_at = self._clock()
        self.probes += 1
        ends_at = began_at + (FIRST_S if self._line.estimate_bps is None else AGAIN_S)
        size_bytes = 0
        with suppress(LineCut, Broken):
            async with self._upstream.media(PATH, {}) as incoming:
                if incoming.status != 200:
                    log.info("the upstream answers %d to a probe", incoming.status)
                    return
                async for chunk in incoming.chunks:
                    size_bytes += len(chunk)
                    if self._clock() >= ends_at or self._line.falling_behind:
                        return
                self._line.know(round(8 * size_bytes / (self._clock() - began_at)))
