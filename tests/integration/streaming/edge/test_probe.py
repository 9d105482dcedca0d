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
    """Time that passes as bytes come."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Way:
    """Answers trials at a rate of the test's clock; notes what was asked."""

    def __init__(self, clock: Clock, bps: int, then: Callable[[], None] = lambda: None) -> None:
        self.clock, self.bps, self.then = clock, bps, then
        self.asked: list[str] = []
        self.sent_bytes = 0
        self.gone = asyncio.Event()

    async def __call__(self, request: web.Request, body: bytes) -> web.StreamResponse:
        self.asked.append(request.query_string)
        response, body = head(request, body)
        await response.prepare(request)
        try:
            for at in range(0, len(body), CHUNK_BYTES):
                self.clock.now += 8 * CHUNK_BYTES / self.bps
                await response.write(body[at : at + CHUNK_BYTES])
                self.sent_bytes += CHUNK_BYTES
                self.then()
        finally:
            self.gone.set()
        return response


async def test_a_line_that_nobody_uses_is_filled_once(origin: ScriptedUpstream) -> None:
    clock = Clock()
    way = Way(clock, 8_000_000)
    origin.sizes[PATH] = 16 << 20
    origin.script(PATH, way)
    line = Line(clock=clock)
    async with connected(origin, meter=line) as (upstream, _):
        probe = Probe(upstream, line, lambda: None, clock)
        began_at = clock.now
        await probe.look()
        await probe.look()
    assert way.asked == [""]
    assert clock.now - began_at >= FIRST_S
    assert line.estimate_bps is not None


async def test_what_is_wanted_comes_and_is_known(origin: ScriptedUpstream) -> None:
    clock = Clock()
    way = Way(clock, NEXT_BPS + 100_000)
    origin.sizes[PATH] = 16 << 20
    origin.script(PATH, way)
    line = Line([KNOWN_BPS] * 60, clock)
    async with connected(origin, meter=line) as (upstream, _):
        probe = Probe(upstream, line, lambda: NEXT_BPS, clock)
        clock.now += WAIT_S
        await probe.look()
    assert way.asked == [f"bps={round(1.05 * NEXT_BPS)}"]
    assert line.transfers == 0
    assert line.estimate_bps is not None
    assert line.estimate_bps > NEXT_BPS


async def test_a_lesson_that_comes_later_ends_the_trial(origin: ScriptedUpstream) -> None:
    clock = Clock()
    line = Line([KNOWN_BPS] * 60, clock)
    way = Way(clock, NEXT_BPS, lambda: line.comes_late("s/main", LATE_S + 0.01))
    origin.sizes[PATH] = 16 << 20
    origin.script(PATH, way)
    async with connected(origin, meter=line) as (upstream, _):
        probe = Probe(upstream, line, lambda: NEXT_BPS, clock)
        clock.now += WAIT_S
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
    line = Line([KNOWN_BPS] * 60, clock)
    busy(line)
    async with connected(origin) as (upstream, _):
        clock.now += WAIT_S
        await Probe(upstream, line, lambda: NEXT_BPS, clock).look()
    assert not origin.requests
