"""A box's HTTP client before an upstream that answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streaming.edge.upstream import Meter, Upstream, UpstreamSettings
from tests.support.filling import Tally
from tests.support.scripted_upstream import ScriptedUpstream, serving

PATH = "/api/v1/lessons/1"


def identity() -> dict[str, str]:
    """Give the box's credential."""
    return {"Authorization": "Edge key"}


@asynccontextmanager
async def connected(
    origin: ScriptedUpstream, meter: Meter | None = None, **times_s: float
) -> AsyncIterator[tuple[Upstream, Tally]]:
    """Give a client and what its meter was told, if that is no other one."""
    tally = Tally()
    settings = UpstreamSettings(origin.url + "/", **{"knock_first_s": 0.02, **times_s})
    async with Upstream(settings, identity, meter or tally) as client:
        yield client, tally


def is_cut(client: Upstream) -> bool:
    """Tell whether the line is cut now."""
    return client.cut is not None


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedUpstream]:
    """An upstream that a test scripts."""
    async with serving(ScriptedUpstream()) as origin:
        yield origin
