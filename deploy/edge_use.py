"""Whether anybody uses the box now: a page that asks, a room, a live lesson, a recording.

Probes of machines do not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from catalog.http.endpoint import Handler

USED_S = 60.0
PROBES = frozenset({"/metrics", "/healthz", "/readyz"})


class Use:
    """Knows when somebody last asked for anything that was not at hand (`streaming.hot`)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked_at = float("-inf")

    @property
    def lately(self) -> bool:
        """Tell whether somebody asked within USED_S."""
        return self._clock() - self._asked_at < USED_S

    @property
    def middleware(self) -> Middleware:
        """Notes who asks."""

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path not in PROBES:
                self._asked_at = self._clock()
            return await handler(request)

        return note
