"""The proof that a store works: one small object written, read back and removed."""

from __future__ import annotations

import secrets

from catalog.ids import new_id
from catalog.store.keys import check_key
from catalog.store.port import ObjectStore, StoreError

PROOF_BYTES = 64


async def prove(store: ObjectStore) -> None:
    """Write, read and delete a small object. Raises: StoreError with what to do."""
    key, body = check_key(new_id()), secrets.token_bytes(PROOF_BYTES)
    await store.put_bytes(key, body, "application/octet-stream")
    try:
        async with store.read(key) as chunks:
            back = b"".join([chunk async for chunk in chunks])
    finally:
        await store.delete(key)
    if back != body:
        raise StoreError("the store gave back other bytes than were written: check its disks")
