"""A catalogue with a queue, and a store in a directory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catalog.store.local import LocalSettings, LocalStore
from transcoder.jobs import ensure_schema


@pytest.fixture
def queue_dsn(dsn: str) -> str:
    """A catalogue that has the queue's tables too."""
    ensure_schema(dsn)
    return dsn


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalStore]:
    """A store in a directory of its own."""
    store = await asyncio.to_thread(LocalStore, LocalSettings(tmp_path / "store", 0))
    yield store
    await store.close()
