"""The signing keys, kept in the database: several origins share them and one backup holds all.

`open_keyring` makes the first key and then reads the table again each minute, so that a key made
by another origin is known everywhere long before it signs (tokens.SETTLE_S).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from catalog.db.pool import Connection, Pool
from catalog.ending import end_task
from catalog.errors import Unavailable
from catalog.ids import new_id
from catalog.tokens import KEY_BYTES, Keyring, SigningKey

log = logging.getLogger(__name__)

READ_EVERY_S = 60.0
KEPT_KEYS = 3


async def read_keys(connection: Connection) -> list[SigningKey]:
    """Give all keys, oldest first."""
    cursor = await connection.execute(
        "select id, secret, extract(epoch from created_at)::float8 as created_utc"
        " from signing_key order by created_at, id"
    )
    return [SigningKey(**row) for row in await cursor.fetchall()]


async def ensure_key(connection: Connection) -> list[SigningKey]:
    """Give all keys; the first is made here, by one of several origins that start together."""
    await connection.execute("lock table signing_key in share row exclusive mode")
    if not await read_keys(connection):
        await _insert(connection)
    return await read_keys(connection)


async def rotate_keys(connection: Connection) -> list[SigningKey]:
    """Add a key and drop the oldest beyond KEPT_KEYS: their tokens end at once. Give what is left.

    The new key signs after tokens.SETTLE_S; the one before it goes on until then.
    """
    await connection.execute("lock table signing_key in share row exclusive mode")
    await _insert(connection)
    await connection.execute(
        "delete from signing_key where id not in"
        " (select id from signing_key order by created_at desc, id desc limit %s)",
        (KEPT_KEYS,),
    )
    return await read_keys(connection)


async def _insert(connection: Connection) -> None:
    await connection.execute(
        "insert into signing_key (id, secret) values (%s, %s)",
        (new_id(), secrets.token_bytes(KEY_BYTES)),
    )


@asynccontextmanager
async def open_keyring(
    pool: Pool, clock: Callable[[], float] = time.time, every_s: float = READ_EVERY_S
) -> AsyncIterator[Keyring]:
    """Give the origin's keyring and keep it up to date until the end."""
    async with pool.connection() as connection:
        ring = Keyring(await ensure_key(connection), clock())
    task = asyncio.create_task(_follow(pool, ring, clock, every_s), name="keyring")
    try:
        yield ring
    finally:
        await end_task(task)


async def _follow(pool: Pool, ring: Keyring, clock: Callable[[], float], every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            async with pool.connection() as connection:
                ring.replace(await ensure_key(connection), clock())
        except Unavailable:
            log.warning("the signing keys could not be read again; going on with those known")
