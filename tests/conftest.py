"""Fixtures of the whole suite: real PostgreSQL, and a guard against blocking calls on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

from catalog.db.pool import Pool, make_pool
from catalog.store.local import LocalSettings, LocalStore
from loadtests.weed import Weed, running_weed
from tests.support.chromium import browser as browser
from tests.support.chromium import chromium_path as chromium_path
from tests.support.database import PostgresServer, postgres_server
from tests.support.golden import Golden
from tests.support.sources import Media

ONE_AT_A_TIME = {"acceptance/live", "acceptance/web"}

# Two shared cores: how long one example takes says nothing about the code.
settings.register_profile("tongbu", deadline=None)
settings.load_profile("tongbu")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regen", action="store_true", help="write tests/golden anew")


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process; of live lessons, and of pages, one at a time.

    Each of them is several browsers and encoders, which on two cores would only slow each other.
    """
    for item in items:
        folder = item.path.parent.relative_to(Path(__file__).parent).as_posix()
        group = folder if folder in ONE_AT_A_TIME else f"{folder}/{item.path.name}"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Fail any test whose event loop makes a blocking call."""
    with blockbuster_ctx() as guard:
        # Whoever waits too long is told where every thread stood.
        guard.functions["io.TextIOWrapper.write"].can_block_in(
            "pytest_timeout.py", {"timeout_sigalrm"}
        )
        # To a socket that does not block; what it may wait for is the page cache.
        guard.functions["os.sendfile"].can_block_in("streaming/hot/outbox.py", {"_sendfile"})
        yield guard


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the run."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def dsn(postgres: PostgresServer) -> Iterator[str]:
    """Connection string of a fresh, migrated catalogue."""
    with postgres.database() as dsn:
        yield dsn


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """An open pool on a fresh catalogue."""
    async with make_pool(dsn, size=8) as pool:
        yield pool


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalStore]:
    """An empty store in a directory, without room that must stay free."""
    store = await asyncio.to_thread(LocalStore, LocalSettings(tmp_path / "store", 0))
    yield store
    await store.close()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Exact texts kept in tests/golden."""
    return Golden(regen=bool(request.config.getoption("--regen")))


@pytest.fixture(scope="session")
def weed() -> Iterator[Weed]:
    """One SeaweedFS for the run; each test takes a bucket of its own."""
    with running_weed() as weed:
        yield weed


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Media:
    """Small lessons and hostile files, each made when first asked for."""
    return Media(tmp_path_factory.mktemp("media"))
