"""A small city in a fresh catalogue."""

from __future__ import annotations

import pytest

from catalog.db.pool import Pool
from tests.support.sessions import Town, make_town


@pytest.fixture
async def town(pool: Pool) -> Town:
    """Two paired schools and a stranger."""
    async with pool.connection() as connection:
        return await make_town(connection)
