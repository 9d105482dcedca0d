"""`POST /qoe`: takes the reports of players, at the origin and in a school's box alike.

204 when a report is taken (counted, or durable in the box's outbox), also when it was before. What
is answered otherwise a player keeps and sends again, but for what is refused for good: 422.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from catalog.errors import Invalid, TooMany, Unavailable
from streaming.qoe.rate import Rate
from streaming.qoe.report import REPORT_LIMIT_BYTES, Report, read_report

PATH = "/qoe"
BODY_LIMIT_S = 10.0
Take = Callable[[Report], Awaitable[None]]


def remote_of(request: web.Request) -> str:
    """Give the address that a request comes from."""
    return request.remote or ""


class QoeDoor:
    """Reads reports and hands them on."""

    def __init__(
        self,
        take: Take,
        address_of: Callable[[web.Request], str] = remote_of,
        rate: Rate | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take = take
        self._address_of = address_of
        self._rate = rate or Rate()
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Give the route."""
        return [web.post(PATH, self.serve)]

    async def serve(self, request: web.Request) -> web.Response:
        """Take a report. Raises: Invalid, TooMany, Unavailable."""
        wait_s = self._rate.wait_s(self._address_of(request), self._clock())
        if wait_s:
            raise TooMany("too many reports from this address: keep them for a moment", wait_s)
        await self._take(read_report(await _body(request)))
        return web.Response(status=204, headers={"Cache-Control": "no-store"})


async def _body(request: web.Request) -> bytes:
    """Read a report's bytes, and no more than one may have."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > REPORT_LIMIT_BYTES:
                    raise Invalid(f"a report has at most {REPORT_LIMIT_BYTES} bytes")
    except TimeoutError as error:
        raise Unavailable(f"the report did not come within {BODY_LIMIT_S:.0f} s") from error
    return bytes(body)
