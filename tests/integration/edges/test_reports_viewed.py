"""What viewers behind a box report is known to operations while it is fresh."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from catalog.db.pool import Pool
from catalog.http.signin import SignIn, SignInSettings
from catalog.operations.known import VIEWINGS_OVER_S
from deploy.qoe import OriginQoe
from tests.integration.edges.test_reports_counted import known, report
from tests.support.edges import Bureau
from tests.support.sessions import Town


async def test_fresh_reports_count_for_their_school_and_those_that_waited_do_not(
    bureau: Bureau, pool: Pool, town: Town
) -> None:
    edge, registry = await known(bureau, town), CollectorRegistry()
    qoe = OriginQoe(registry, SignIn(pool, SignInSettings()))
    now = datetime.now(UTC)
    fresh = [replace(one, at=now) for one in (report(), report(delivery="ws"))]
    waited = replace(report(), at=now - timedelta(seconds=VIEWINGS_OVER_S + 60))
    qoe.reported(edge, [*fresh, waited])
    found = qoe.viewed.by_school(time.monotonic())
    assert set(found) == {town.rural}
    assert (found[town.rural].reports, found[town.rural].play_s) == (2, 55.0)
    labels = {"school": town.rural, "delivery": "hls"}
    assert registry.get_sample_value("tongbu_qoe_reports_total", labels) == 2
