"""Reports of edges in the database: each once, by the id that its edge gave it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from catalog.db.pool import Connection
from catalog.edge_reports import KEPT, REPORTS_LIMIT_A_DAY, Report
from catalog.edges import KnownEdge
from catalog.errors import TooMany

DAY = timedelta(days=1)
FULL_WAIT_S = 3600.0
GONE_AT_ONCE = 1000


async def add_reports(
    connection: Connection, edge: KnownEdge, reports: Sequence[Report], now: datetime
) -> list[UUID]:
    """Keep those that are new, and give their ids; the others were kept before.

    Raises: TooMany when the edge has reported more than REPORTS_LIMIT_A_DAY within a day.
    """
    if await _count(connection, edge.id, now - DAY) + len(reports) > REPORTS_LIMIT_A_DAY:
        raise TooMany("this edge has reported too much today: keep the rest", FULL_WAIT_S)
    ordered = sorted(reports, key=lambda report: report.id)
    rows = [(r.id, edge.id, edge.school_id, r.kind.value, r.at, r.body, now) for r in ordered]
    new = await _insert(connection, rows) if rows else []
    await _forget(connection, now - KEPT)
    return new


async def _insert(connection: Connection, rows: Sequence[Sequence[Any]]) -> list[UUID]:
    new: list[UUID] = []
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into edge_report (id, edge_id, school_id, kind, at, body, received_at)"
            " values (%s, %s, %s, %s, %s, %s::jsonb, %s) on conflict (edge_id, id) do nothing"
            " returning id",
            rows, returning=True,
        )  # fmt: skip
        more: bool | None = True
        while more:
            new += [row["id"] for row in await cursor.fetchall()]
            more = cursor.nextset()
    return new


async def _count(connection: Connection, edge: str, since: datetime) -> int:
    cursor = await connection.execute(
        "select count(*) as n from edge_report where edge_id = %s and received_at > %s",
        (edge, since),
    )
    row = await cursor.fetchone()
    return int(row["n"]) if row else 0


async def _forget(connection: Connection, until: datetime) -> None:
    """Remove what is too old, some at a time: the next report goes on."""
    await connection.execute(
        "delete from edge_report where (edge_id, id) in (select edge_id, id from edge_report"
        " where received_at < %s order by received_at limit %s for update skip locked)",
        (until, GONE_AT_ONCE),
    )
