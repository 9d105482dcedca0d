"""Sessions moving through their states, under row locks; the data plane's `SessionBook`.

Every change of a row tells the channels `session` and `classroom` (triggers), so that origins end
what has ended and classrooms join within the second. `keep_time` is the task that lets the clock
act: it opens rooms, ends what was left running, and finishes recordings that no origin finished.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import LiteralString

from psycopg import sql

from catalog.db.pool import Connection, Pool
from catalog.db.sessions import SessionRecord, joinable_sessions, read_session
from catalog.errors import CatalogError, Conflict, NotFound, TongbuError
from catalog.ids import is_id
from catalog.live import FeedName, LiveSession
from catalog.session import (
    GRACE_S,
    JOINABLE,
    OPENS_BEFORE_S,
    UNFINISHED_S,
    SessionInput,
    SessionKind,
    SessionState,
    due,
    step,
)
from catalog.session_keys import SECRET_BYTES, publishing_key, same_key

log = logging.getLogger(__name__)

TICK_S = 1.0
DUE_AT_ONCE = 100
PUBLISH_SECRET = "publish"  # noqa: S105 (the name of a row)
_MOMENTS: dict[SessionState, LiteralString] = {
    SessionState.WAITING: "opened_at",
    SessionState.LIVE: "live_at",
    SessionState.ENDED: "ended_at",
    SessionState.CANCELLED: "ended_at",
}


async def advance(
    connection: Connection, session: str, event: SessionInput, now_utc: float
) -> SessionState:
    """Move a session by the table, holding its row; give the state that it has now.

    Raises: NotFound, Conflict.
    """
    row = await (
        await connection.execute("select state from session where id = %s for update", (session,))
    ).fetchone()
    if row is None:
        raise NotFound("there is no such session")
    before = SessionState(row["state"])
    after = step(before, event)
    if after is before:
        return after
    moment = sql.SQL(", {} = %(now)s").format(sql.Identifier(_MOMENTS.get(after, "")))
    query = sql.SQL("update session set state = %(state)s{} where id = %(id)s").format(
        moment if after in _MOMENTS else sql.SQL("")
    )
    now = datetime.fromtimestamp(now_utc, UTC)
    await connection.execute(query, {"state": after.value, "id": session, "now": now})
    if after is SessionState.CANCELLED:
        await _drop_begun(connection, session)
    return after


async def _drop_begun(connection: Connection, session: str) -> None:
    """Remove recordings of a session that never went live; their objects are swept as orphans."""
    await connection.execute(
        "delete from lesson where id in (select lesson_id from recording where session_id = %s)",
        (session,),
    )


async def open_secret(pool: Pool) -> bytes:
    """Give the secret that publishing keys are derived from; the first origin makes it."""
    async with pool.connection() as connection:
        await connection.execute(
            "insert into installation_secret (name, secret) values (%s, %s) on conflict do nothing",
            (PUBLISH_SECRET, secrets.token_bytes(SECRET_BYTES)),
        )
        cursor = await connection.execute(
            "select secret from installation_secret where name = %s", (PUBLISH_SECRET,)
        )
        row = await cursor.fetchone()
    assert row is not None, "inserted or there before"
    return bytes(row["secret"])


async def new_key(connection: Connection, session: str) -> None:
    """Make every publishing key of a session void; new ones hold from now on."""
    await connection.execute(
        "update session set key_version = key_version + 1 where id = %s", (session,)
    )


class Sessions:
    """Implements `catalog.live.SessionBook`."""

    def __init__(self, pool: Pool, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._pool = pool
        self._secret = secret
        self._clock = clock

    def key(self, session: SessionRecord, feed: FeedName) -> str:
        """Give the key that publishes a feed: a secret of those who may run the session."""
        return publishing_key(self._secret, session.id, feed, session.key_version)

    async def find(self, session: str) -> LiveSession | None:
        """Give a session by its id. Raises: Unavailable."""
        record = await self.record(session)
        return record.live if record else None

    async def record(self, session: str) -> SessionRecord | None:
        """Give a session with all that is known of it. Raises: Unavailable."""
        if not is_id(session):
            return None
        async with self._pool.connection() as connection:
            return await read_session(connection, session)

    async def joinable(self) -> list[SessionRecord]:
        """Give the sessions that are waiting or live. Raises: Unavailable."""
        async with self._pool.connection() as connection:
            return await joinable_sessions(connection)

    async def publishes(self, session: str, feed: FeedName, key: str) -> bool:
        """Tell whether this key may publish that feed now. Raises: Unavailable."""
        record = await self.record(session)
        if record is None or not self._takes(record, feed):
            return False
        return same_key(self.key(record, feed), key)

    def _takes(self, record: SessionRecord, feed: FeedName) -> bool:
        if feed is FeedName.SECOND and record.session_kind is not SessionKind.PAIRED_LESSON:
            return False
        opens_utc = record.starts_at.timestamp() - OPENS_BEFORE_S
        early = record.session_state is SessionState.SCHEDULED and self._clock() >= opens_utc
        return early or record.session_state in JOINABLE

    async def went_live(self, session: str) -> None:
        """The main feed has its first segment. Raises: NotFound, Conflict, Unavailable."""
        await self._advance(session, SessionInput.WENT_LIVE)

    async def ended(self, session: str) -> None:
        """The teacher or the clock has ended it. Raises: NotFound, Conflict, Unavailable.

        What has been recorded or has failed since has ended too.
        """
        try:
            await self._advance(session, SessionInput.ENDED)
        except Conflict:
            found = await self.find(session)
            if found is None or found.state not in _OVER:
                raise

    async def _advance(self, session: str, event: SessionInput) -> None:
        async with self._pool.connection() as connection:
            await advance(connection, session, event, self._clock())


_OVER = frozenset({SessionState.RECORDED, SessionState.FAILED})
_DUE: LiteralString = """
select id, state, starts_at, ends_at, ended_at from session
where (state = 'scheduled' and starts_at <= %(opens)s)
  or (state in ('waiting', 'live') and ends_at <= %(over)s)
  or (state = 'ended' and ended_at <= %(unfinished)s)
order by starts_at limit %(limit)s for update skip locked
"""


class TimeKeeper:
    """Lets the clock act on sessions. `finish` ends a recording: it is `Recordings.finish`."""

    def __init__(
        self,
        pool: Pool,
        finish: Callable[[str], Awaitable[object]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._finish = finish
        self._clock = clock

    async def tick(self) -> int:
        """Do what is due, at most DUE_AT_ONCE; tell how many sessions. Raises: Unavailable."""
        found = await self._move()
        for session, finish in found.items():
            if finish:
                await self._finish_quietly(session)
        return len(found)

    async def _move(self) -> dict[str, bool]:
        """Move sessions by the clock; tell of each whether its recording is to be finished."""
        now = self._clock()
        found: dict[str, bool] = {}
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_DUE, _limits(now))
            for row in await cursor.fetchall():
                ended = row["ended_at"].timestamp() if row["ended_at"] else now
                event = due(
                    SessionState(row["state"]), row["starts_at"].timestamp(),
                    row["ends_at"].timestamp(), ended, now,
                )  # fmt: skip
                found[row["id"]] = event is SessionInput.RECORDED
                if event and event is not SessionInput.RECORDED:
                    await advance(connection, row["id"], event, now)
        return found

    async def _finish_quietly(self, session: str) -> None:
        try:
            await self._finish(session)
        except CatalogError as error:
            log.warning("session %s: its recording is not finished: %s", session, error)

    async def run(self) -> None:
        """Tick until cancelled; a database that is away is waited for."""
        while True:
            try:
                await self.tick()
            except TongbuError as error:
                log.warning("the clock of sessions waits: %s", error)
            await asyncio.sleep(TICK_S)


def _limits(now_utc: float) -> dict[str, object]:
    def at(utc: float) -> datetime:
        return datetime.fromtimestamp(utc, UTC)

    return {
        "opens": at(now_utc + OPENS_BEFORE_S), "over": at(now_utc - GRACE_S),
        "unfinished": at(now_utc - UNFINISHED_S), "limit": DUE_AT_ONCE,
    }  # fmt: skip
