"""Fixtures of the whole suite: real PostgreSQL, and a guard against blocking calls on the loop."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from catalog.db.pool import Pool, make_pool
from catalog.store.local import LocalSettings, LocalStore
from loadtests.weed import Weed, running_weed
from tests.support.chromium import browser as browser
from tests.support.chromium import chromium_path as chromium_path
from tests.support.database import PostgresServer, postgres_server
from tests.support.golden import Golden
from tests.support.memory import directory_in_memory
from tests.support.skips import fail_if_skipped
from tests.support.sources import Media

ONE_AT_A_TIME = ("tests/acceptance/live/", "tests/acceptance/web/")
# Begun first, in this order: the two long rows, then what is long; what must be in time (streams in
# real time) comes when those rows no longer take all there is.
FIRST = (
    *ONE_AT_A_TIME, "tests/integration/loadtests/", "tests/integration/deploy/",
    "tests/integration/streaming/", "tests/integration/transcoder/live/", "tests/unit/loadtests/",
    "tests/unit/transcoder/live/",
)  # fmt: skip

# Two shared cores: how long one example takes says nothing about the code.
settings.register_profile("tongbu", deadline=None)
settings.load_profile("tongbu")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regen", action="store_true", help="write goldens and docs/pictures anew")


def pytest_configure(config: pytest.Config) -> None:
    """Let all processes of a run write in memory."""
    if not hasattr(config, "workerinput") and (made := directory_in_memory()) is not None:
        os.environ["TMPDIR"] = tempfile.tempdir = str(made)
        config.add_cleanup(lambda: shutil.rmtree(made, ignore_errors=True))


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """A file's tests run in one process; those of live lessons, and of pages, all in one.

    Each of these is several browsers and encoders, which on two cores would only slow each other.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return next((folder for folder in ONE_AT_A_TIME if path.startswith(folder)), path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by FIRST; what is in none of it comes after, as it was found."""

    def place(item: pytest.Item) -> int:
        found = (n for n, folder in enumerate(FIRST) if item.nodeid.startswith(folder))
        return next(found, len(FIRST))

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


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
