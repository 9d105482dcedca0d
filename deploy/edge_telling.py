"""The box tells its origin its figures every few seconds: operations see who suffers, and why.

One WebSocket beside the relays; when it breaks it is dialled anew each second. An upstream that
has no ear for it (an older one, another box) is asked again each half minute. A school's line
carries some 200 bytes for it every 3 s. What could not be told is not told later: it is old.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

import aiohttp

from catalog.operations.telling import EVERY_S, Telling, write_telling
from deploy.edge_school import School
from streaming.edge.cap import Why

AGAIN_S = 1.0
DEAF_AGAIN_S = 30.0
DEAF = frozenset({400, 404, 405, 501})
FEEL_EVERY_S = 0.25
FELT = 40
PATH = "/api/v1/edge/telling"
BY_LINE = frozenset({Why.LINE, Why.UNKNOWN})

log = logging.getLogger(__name__)


class EdgeTelling:
    """Tells until it is cancelled. `use_bps` gives what crosses the line."""

    def __init__(
        self, school: School, use_bps: Callable[[], int], every_s: float = EVERY_S
    ) -> None:
        self._school = school
        self._use_bps = use_bps
        self._every_s = every_s
        self._late: deque[float] = deque(maxlen=FELT)

    async def run(self) -> None:
        """Keep the connection, and feel how late the loop is."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feel(), name="lateness of the loop")
            group.create_task(self._keep(), name="telling")

    async def _keep(self) -> None:
        while True:
            wait_s = AGAIN_S
            try:
                await self._tell()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.debug("the origin is not told: %s", error)
                wait_s = patience_s(error)
            await asyncio.sleep(wait_s)

    async def _tell(self) -> None:
        async with self._school.upstream.dial(PATH) as socket:
            while not socket.closed:
                await socket.send_bytes(write_telling(self.telling()))
                try:
                    async with asyncio.timeout(self._every_s):
                        await socket.receive()
                        return  # nothing is ever said to us: it has ended
                except TimeoutError:
                    pass

    async def _feel(self) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(FEEL_EVERY_S)
            self._late.append(max(0.0, time.monotonic() - asked - FEEL_EVERY_S))

    def telling(self) -> Telling:
        """Give the figures of this moment."""
        school = self._school
        decisions, seen = school.watching.decisions.values(), school.watching.seen
        lag_s = max((feed.lag.lag_s for feed in school.feeds.feeds.values()), default=0.0)
        return Telling(
            estimate_bps=school.line.estimate_bps,
            ceiling_bps=school.settings.edge.line_bps,
            use_bps=self._use_bps(),
            lowest=sum(one.why is Why.LOWEST for one in decisions),
            by_line=sum(one.capped and one.why in BY_LINE for one in decisions),
            streams=len(seen),
            viewers=sum(one.viewers for one in seen),
            lag_s=round(max(0.0, lag_s), 2),
            disk=school.shelf.figures().state.value,
            loop_late_s=round(sorted(self._late)[len(self._late) // 2], 3) if self._late else 0.0,
            waiting=school.rooms.waiting,
            cuts=school.upstream.cuts,
        )


def patience_s(error: Exception) -> float:
    """Give how long to wait until the next try: long where nobody listens for tellings."""
    refused = isinstance(error, aiohttp.WSServerHandshakeError) and error.status in DEAF
    return DEAF_AGAIN_S if refused else AGAIN_S
