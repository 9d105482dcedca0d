"""A small city that keeps edges."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catalog.db.pool import Pool
from tests.support.edges import Bureau, open_bureau
from tests.support.sessions import Town, make_town


@pytest.fixture
async def town(pool: Pool) -> Town:
    """Two paired schools and a stranger."""
    async with pool.connection() as connection:
        return await make_town(connection)


@pytest.fixture
async def bureau(dsn: str, pool: Pool, tmp_path: Path) -> AsyncIterator[Bureau]:
    """An API that keeps edges."""
    async with open_bureau(dsn, pool, tmp_path) as bureau:
        yield bureau
