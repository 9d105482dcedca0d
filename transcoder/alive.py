"""How many workers are alive, by the heartbeats that they leave in the queue's tables."""

from __future__ import annotations

from catalog.db.pool import Connection

AWAY_AFTER_S = 40.0


async def workers_alive(connection: Connection) -> int | None:
    """Count the workers whose heart has beaten lately; None before the queue has its tables."""
    cursor = await connection.execute("select to_regclass('procrastinate_workers') as there")
    row = await cursor.fetchone()
    if row is None or row["there"] is None:
        return None
    cursor = await connection.execute(
        "select count(*) as n from procrastinate_workers"
        " where last_heartbeat > now() - make_interval(secs => %s)",
        (AWAY_AFTER_S,),
    )
    row = await cursor.fetchone()
    return int(row["n"]) if row is not None else None
