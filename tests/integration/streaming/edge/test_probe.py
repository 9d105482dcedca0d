"""A box tries its line: beside a live lesson with so much, and no longer than it is in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from streaming.edge.line import Line
from streaming.edge.probe import PATH, Probe
from streaming.edge.trial import FIRST_S, LATE_S, WAIT_S
from tests.support.scripted_upstream import CHUNK_BYTES, ScriptedUpstream, head
from tests.support.upstream_client import connected
from tests.support.upstream_client import origin as origin

KNOWN_BPS, NEXT_BPS = 2_400_000, 2_600_000


class Clock:
    """Time that passes as bytes arrive over a line of so many bits a second."""

    def __init__(self, bps: int = NEXT_BPS) -> None:
        self.began_at, self._bps = 1000.0, bps
        self.line: Line | None = None

    def __call__(self) -> float:
        arrived_bytes = self.line.arrived_bytes if self.line else 0
        return self.began_at + 8 * arrived_bytes / self._bps


class Way:
    """Answers trials; notes what was asked."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.then = then
        self.asked: list[str] = []
        self.sent_bytes = 0
        self.gone = asyncio.Event()

    async def __call__(self, request: web.Request, body: bytes) -> web.StreamResponse:
        self.asked.append(request.query_string)
        response, body = head(request, body)
        await response.prepare(request)
        try:
            for at in range(0, len(body), CHUNK_BYTES):
                await response.write(body[at : at + CHUNK_BYTES])
                self.sent_bytes += CHUNK_BYTES
                self.then()
        finally:
            self.gone.set()
        return response


def line_of(clock: Clock, *windows_bps: int) -> Line:
    """Give a line whose bytes make the time."""
    clock.line = line = Line(windows_bps, clock)
    return line


async def test_a_line_that_nobody_uses_is_filled_once(origin: ScriptedUpstream) -> None:
    way = Way()
    clock = Clock(8_000_000)
    origin.sizes[PATH] = 16 << 20
    origin.script(PATH, way)
    line = line_of(clock)
    async with connected(origin, meter=line) as (upstream, _):
        probe = Probe(upstream, line, lambda: None, clock)
        await probe.look()
        await probe.look()
    assert way.asked == [""]
    assert clock() - clock.began_at >= FIRST_S
    assert line.estimate_bps is not None


async def test_what_is_wanted_comes_and_is_known(origin: ScriptedUpstream) -> None:
    way = Way()
    clock = Clock(NEXT_BPS + 100_000)
    origin.sizes[PATH] = 16 << 20
    origin.script(PATH, way)
    line = line_of(clock, *[KNOWN_BPS] * 60)
    async with connected(origin, meter=line) as (upstream, _):
        probe = Probe(upstream, line, lambda: NEXT_BPS, clock)
        clock.began_at += WAIT_S
        await probe.look()
    assert way.asked == [f"bps={round(1.05 * NEXT_BPS)}"]
    assert line.transfers == 0
    assert line.estimate_bps is not None
    assert line.estimate_bps > NEXT_BPS


async def test_a_lesson_that_comes_later_ends_the_trial(origin: ScriptedUpstream) -> None:
    clock = Clock()
    line = line_of(clock, *[KNOWN_BPS] * 60)
    way = Way(lambda: line.comes_late("s/main", LATE_S + 0.01))
    origin.sizes[PATH] = 16 << 20
    origin.script(PATH, way)
    async with connected(origin, meter=line) as (upstream, _):
        probe = Probe(upstream, line, lambda: NEXT_BPS, clock)
        clock.began_at += WAIT_S
        await probe.look()
        await way.gone.wait()
    assert way.sent_bytes < origin.sizes[PATH]
    assert line.estimate_bps == KNOWN_BPS


@pytest.mark.parametrize(
    "busy",
    [lambda line: line.began(1000.0), lambda line: line.comes_late("s/main", LATE_S + 0.01)],
    ids=["pieces come", "a lesson is late"],
)
async def test_nothing_is_tried_while_the_line_is_busy(
    origin: ScriptedUpstream, busy: Callable[[Line], None]
) -> None:
    clock = Clock()
    line = line_of(clock, *[KNOWN_BPS] * 60)
    busy(line)
    async with connected(origin, meter=line) as (upstream, _):
        clock.began_at += WAIT_S
        await Probe(upstream, line, lambda: NEXT_BPS, clock).look()
    assert not origin.requests
