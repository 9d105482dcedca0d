"""The shared listener: notifications reach callbacks, and a gap is told after each connection."""

from __future__ import annotations

import asyncio

import pytest

from catalog.db.listen import Listener, listening
from catalog.db.pool import Pool

DROP = "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'"


async def notify(pool: Pool, channel: str, payload: str) -> None:
    async with pool.connection() as connection:
        await connection.execute("select pg_notify(%s, %s)", (channel, payload))


async def test_payloads_reach_only_the_channels_subscribers(dsn: str, pool: Pool) -> None:
    lessons: asyncio.Queue[str] = asyncio.Queue()
    work: asyncio.Queue[str] = asyncio.Queue()
    async with listening(dsn) as listener:
        listener.subscribe("lesson", lessons.put_nowait, lambda: None)
        listener.subscribe("work", work.put_nowait, lambda: None)
        await listener.listening()
        await notify(pool, "lesson", "a")
        await notify(pool, "work", "b")
        assert await lessons.get() == "a"
        assert await work.get() == "b"
    assert lessons.empty()
    assert work.empty()


async def test_a_lost_connection_is_made_again_and_the_gap_is_told(dsn: str, pool: Pool) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    gaps: asyncio.Queue[None] = asyncio.Queue()
    async with listening(dsn) as listener:
        listener.subscribe("lesson", heard.put_nowait, lambda: gaps.put_nowait(None))
        await gaps.get()
        async with pool.connection() as connection:
            await connection.execute(DROP)
        await gaps.get()
        await listener.listening()
        await notify(pool, "lesson", "after")
        assert await heard.get() == "after"


async def test_one_failing_subscriber_does_not_silence_the_others(
    dsn: str, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    def broken(payload: str) -> None:
        raise RuntimeError(payload)

    async with listening(dsn) as listener:
        listener.subscribe("lesson", broken, lambda: None)
        listener.subscribe("lesson", heard.put_nowait, lambda: None)
        await listener.listening()
        await notify(pool, "lesson", "x")
        assert await heard.get() == "x"
    assert "a subscriber failed" in caplog.text


async def test_an_ended_subscription_hears_nothing(dsn: str, pool: Pool) -> None:
    ended: list[str] = []
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with listening(dsn) as listener:
        end = listener.subscribe("lesson", ended.append, lambda: None)
        listener.subscribe("lesson", heard.put_nowait, lambda: None)
        await listener.listening()
        end()
        end()
        await notify(pool, "lesson", "x")
        await heard.get()
    assert ended == []


def test_an_unknown_channel_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nobody listens"):
        Listener("").subscribe("nothing", print, lambda: None)
