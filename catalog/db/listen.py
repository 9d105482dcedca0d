"""One listening connection a process: PostgreSQL's notifications handed to whoever asked for them.

Subscribers are called on the loop and must not wait. PostgreSQL keeps nothing for a listener that
is away, so each time the connection is made (the first time too) `on_gap` is called: read again
what may have changed meanwhile. Not for guaranteed delivery: the tables are the truth.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from catalog.ending import end_task

log = logging.getLogger(__name__)

CHANNELS = ("lesson", "work", "session", "classroom", "edge")
CHECK_EVERY_S = 15.0
FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """What a subscriber wants to hear of one channel."""

    channel: str
    on_payload: Callable[[str], None]
    on_gap: Callable[[], None]


class Listener:
    """Fans notifications out; `run` is its one task and ends only when it is cancelled."""

    def __init__(self, dsn: str, channels: Sequence[str] = CHANNELS) -> None:
        self._dsn = dsn
        self._channels = tuple(channels)
        self._subscriptions: list[Subscription] = []
        self._listening = asyncio.Event()

    def subscribe(
        self, channel: str, on_payload: Callable[[str], None], on_gap: Callable[[], None]
    ) -> Callable[[], None]:
        """Call on_payload for each notification; the result ends the subscription."""
        if channel not in self._channels:
            raise ValueError(f"nobody listens on channel {channel!r}")
        subscription = Subscription(channel, on_payload, on_gap)
        self._subscriptions.append(subscription)

        def unsubscribe() -> None:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

        return unsubscribe

    async def listening(self) -> None:
        """Wait until notifications arrive (now, or after the next connection)."""
        await self._listening.wait()

    async def run(self) -> None:
        """Listen, and connect again for ever when the database goes away."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._listen()
            except psycopg.OperationalError as error:
                wait_s = FIRST_WAIT_S if self._listening.is_set() else wait_s
                log.warning("no notifications: %s; next try in %.2f s", _line(error), wait_s)
            finally:
                self._listening.clear()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        async with connection:
            for channel in self._channels:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            self._listening.set()
            self._tell_gap()
            while True:
                async for notification in connection.notifies(timeout=CHECK_EVERY_S):
                    self._tell(notification.channel, notification.payload)
                await connection.execute("select 1")

    def _tell(self, channel: str, payload: str) -> None:
        for item in tuple(self._subscriptions):
            if item.channel == channel:
                _guarded(partial(item.on_payload, payload))

    def _tell_gap(self) -> None:
        for item in tuple(self._subscriptions):
            _guarded(item.on_gap)


def _guarded(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:
        log.exception("a subscriber failed; the others go on")


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


@asynccontextmanager
async def listening(dsn: str, channels: Sequence[str] = CHANNELS) -> AsyncIterator[Listener]:
    """Run a listener in a task of its own until the end of the block."""
    listener = Listener(dsn, channels)
    task = asyncio.create_task(listener.run(), name="listener")
    try:
        yield listener
    finally:
        await end_task(task)
