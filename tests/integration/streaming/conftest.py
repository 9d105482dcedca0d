"""A lesson of seven seconds in a store and in the catalogue, and /media on top of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from catalog.db.pool import Pool
from catalog.db.presentations import Presentations
from catalog.media import Presentation
from catalog.store.local import LocalStore
from tests.support.player_page import Players, read_players
from tests.support.publish import publish
from tests.support.screening import DURATION_S, Served, make_lesson, serving


@pytest.fixture
async def made(store: LocalStore) -> Presentation:
    """A lesson whose bytes are in the store."""
    return await make_lesson(store, DURATION_S, av1=True)


@pytest.fixture
async def lesson(made: Presentation, pool: Pool) -> Presentation:
    """The same, published whole."""
    await publish(pool, made)
    return made


@pytest.fixture
async def served(store: LocalStore, pool: Pool) -> AsyncIterator[Served]:
    """A server of /media."""
    async with serving(Presentations(pool), store) as served:
        yield served


@pytest.fixture(scope="session")
def players() -> Players:
    """hls.js and dash.js."""
    return read_players()
