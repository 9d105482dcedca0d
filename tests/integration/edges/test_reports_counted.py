"""Reports that a box passes on become figures of its school: each once, and only what is one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from prometheus_client import CollectorRegistry

from catalog.db.edge_reports import add_reports
from catalog.db.pool import Pool
from catalog.edge_reports import Report, ReportKind
from catalog.edges import KnownEdge
from catalog.http.signin import SignIn, SignInSettings
from deploy.qoe import OriginQoe
from tests.support.edges import Bureau
from tests.support.qoe import raw_report
from tests.support.sessions import Town

NOW = datetime.now(UTC)


def report(kind: ReportKind = ReportKind.QOE, **changes: Any) -> Report:
    key = uuid4()
    return Report(key, kind, NOW, raw_report(**{"id": str(key), **changes}).decode())


async def known(bureau: Bureau, town: Town) -> KnownEdge:
    box = await bureau.box(town.rural)
    credential = box.header["Authorization"].partition(" ")[2]
    return await bureau.known.enter(credential)


async def test_only_what_is_new_is_told(bureau: Bureau, pool: Pool, town: Town) -> None:
    edge, reports = await known(bureau, town), [report() for _ in range(5)]

    async def add(some: list[Report]) -> list[UUID]:
        async with pool.connection() as connection:
            return await add_reports(connection, edge, some, NOW)

    assert set(await add(reports[:3])) == {one.id for one in reports[:3]}
    assert await add([]) == []
    assert await add([reports[0], reports[3], reports[3]]) == [reports[3].id]
    together = await asyncio.gather(*(add(reports) for _ in range(4)))
    assert [key for new in together for key in new] == [reports[4].id]


async def test_what_is_counted(bureau: Bureau, pool: Pool, town: Town) -> None:
    edge, registry = await known(bureau, town), CollectorRegistry()
    qoe = OriginQoe(registry, SignIn(pool, SignInSettings()))
    qoe.reported(
        edge,
        [report(), report(ReportKind.STATUS), report(play_ms=-5), report(delivery="ws")],
    )
    for delivery in ("hls", "ws"):
        labels = {"school": town.rural, "delivery": delivery}
        assert registry.get_sample_value("tongbu_qoe_reports_total", labels) == 1
        assert registry.get_sample_value("tongbu_qoe_play_seconds_total", labels) == 27.5
