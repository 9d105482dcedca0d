"""Figures of the work for operators: what waits, what runs, what ended how. Read, never decided on.

Ends are counted in the database, because workers come and go and may have no port of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.db.pool import Connection

_ADD = """
insert into work_tally as t (kind, outcome, ended, media_s, took_s) values (%s, %s, 1, %s, %s)
on conflict (kind, outcome) do update set ended = t.ended + 1,
  media_s = t.media_s + excluded.media_s, took_s = t.took_s + excluded.took_s
"""


async def tally(
    connection: Connection, kind: str, outcome: str, media_s: float, took_s: float
) -> None:
    """Count an attempt that ended, the media it encoded and how long it took."""
    await connection.execute(_ADD, (kind, outcome, media_s, took_s))


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits and runs of one class, and how long the oldest unit waits."""

    priority: str
    wanted: int
    running: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Attempts that ended in one way."""

    kind: str
    outcome: str
    ended: int
    media_s: float
    took_s: float


@dataclass(frozen=True, slots=True)
class WorkFigures:
    """All figures at one moment. lessons maps a state to a number."""

    lessons: dict[str, int]
    queues: list[Queue]
    ended: list[Ended]


_QUEUES = """
select case when starts_with(unit, 'av1/') then 'late' else priority end as priority,
  count(*) filter (where state = 'wanted') as wanted,
  count(*) filter (where state = 'running') as running,
  coalesce(extract(epoch from now() - min(updated_at) filter (where state = 'wanted')), 0)::float8
    as oldest_s
from work where state in ('wanted', 'running') group by 1
"""


async def read_figures(connection: Connection) -> WorkFigures:
    """Read all figures."""
    cursor = await connection.execute(
        "select state, count(*) as number from lesson where deleted_at is null group by state"
    )
    lessons = {row["state"]: row["number"] for row in await cursor.fetchall()}
    queues = [Queue(**row) for row in await (await connection.execute(_QUEUES)).fetchall()]
    cursor = await connection.execute("select * from work_tally order by kind, outcome")
    return WorkFigures(lessons, queues, [Ended(**row) for row in await cursor.fetchall()])
