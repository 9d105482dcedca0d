"""A running upload service for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catalog.db.pool import Pool
from tests.support.uploads import Desk, desk


@pytest.fixture
async def at(pool: Pool, tmp_path: Path) -> AsyncIterator[Desk]:
    """The service, with a teacher who is signed in."""
    async with desk(pool, tmp_path) as made:
        yield made
