"""Storing a file that its owner needs no more, in the cheapest way that the store knows."""

from __future__ import annotations

from pathlib import Path

from catalog.store.port import FileTaker, ObjectStore


async def take_file(store: ObjectStore, key: str, path: Path, content_type: str) -> None:
    """Store the file; from now on its owner may remove it, but not write to it."""
    if isinstance(store, FileTaker):
        await store.take_file(key, path, content_type)
    else:
        await store.put_file(key, path, content_type)
