"""What tests do with an object store again and again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from catalog.store.port import ObjectStore


async def content(
    store: ObjectStore, key: str, offset: int = 0, length: int | None = None
) -> bytes:
    """Read a range into memory."""
    async with store.read(key, offset, length) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def keys_below(store: ObjectStore, prefix: str) -> list[str]:
    """Keys in the order that the store lists them."""
    found: list[str] = []
    async for info in store.list(prefix):
        found.append(info.key)
    return found


async def digest(chunks: AsyncIterator[bytes]) -> str:
    """SHA-256 of a stream, held chunk by chunk."""
    seen = hashlib.sha256()
    async for chunk in chunks:
        seen.update(chunk)
    return seen.hexdigest()


def write_big(path: Path, size_bytes: int) -> str:
    """Write a file of numbered lines and give its SHA-256."""
    seen = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, size_bytes, 1 << 20):
            piece = (f"{start:015d}\n" * (1 << 16)).encode()[: size_bytes - start]
            seen.update(piece)
            file.write(piece)
    return seen.hexdigest()
