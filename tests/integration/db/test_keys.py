"""Signing keys in the database: one set for every origin."""

from __future__ import annotations

import asyncio
import time

import pytest

from catalog.db.keys import KEPT_KEYS, ensure_key, open_keyring, read_keys, rotate_keys
from catalog.db.pool import Pool
from catalog.ids import new_id
from catalog.tokens import SETTLE_S, Grant, TokenForeign
from tests.support.wait import eventually


async def test_origins_that_start_together_share_one_key(pool: Pool) -> None:
    async def start() -> list[str]:
        async with pool.connection() as connection:
            return [key.id for key in await ensure_key(connection)]

    found = await asyncio.gather(*(start() for _ in range(6)))
    assert len({tuple(ids) for ids in found}) == 1
    assert len(found[0]) == 1


async def test_a_token_of_one_origin_opens_at_another(pool: Pool) -> None:
    lesson, now = new_id(), time.time()
    async with open_keyring(pool) as one, open_keyring(pool) as other:
        token = one.sign(Grant(lesson, int(now), int(now) + 60))
        assert other.verify(token, lesson, now).lesson == lesson


async def test_rotation_keeps_the_last_keys_and_ends_the_oldest(pool: Pool) -> None:
    lesson, now = new_id(), time.time()
    async with open_keyring(pool) as ring:
        token = ring.sign(Grant(lesson, int(now), int(now) + 60))
    for _ in range(KEPT_KEYS):
        async with pool.connection() as connection:
            await rotate_keys(connection)
    async with open_keyring(pool) as ring:
        assert len(ring.public_keys) == KEPT_KEYS
        with pytest.raises(TokenForeign):
            ring.verify(token, lesson, now)


async def test_a_running_origin_learns_of_a_new_key_before_it_signs(pool: Pool) -> None:
    lesson, now = new_id(), time.time()
    later = now + SETTLE_S + 60
    grant = Grant(lesson, int(later), int(later) + 60)
    async with open_keyring(pool, every_s=0.01) as running:
        async with pool.connection() as connection:
            await rotate_keys(connection)
        async with open_keyring(pool, clock=lambda: later) as ahead:
            token = ahead.sign(grant)
        await eventually(lambda: len(running.public_keys) == 2)
        assert running.verify(token, lesson, later) == grant


async def test_the_secret_never_shows(pool: Pool) -> None:
    async with pool.connection() as connection:
        keys = await ensure_key(connection)
        assert await read_keys(connection) == keys
    assert keys[0].secret.hex() not in repr(keys)
    assert repr(keys[0].secret) not in repr(keys)
