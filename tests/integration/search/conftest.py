"""Fixtures: an empty index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.search import Index


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[Index]:
    """An empty index with a writer and a reader."""
    made = await asyncio.to_thread(Index, tmp_path / "search")
    yield made
    await asyncio.to_thread(made.writer.close)
    await asyncio.to_thread(made.reader.close)
