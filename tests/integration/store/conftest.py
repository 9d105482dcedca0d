"""The stores under test: each contract test runs once with every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from catalog.store.local import LocalSettings, LocalStore
from catalog.store.port import ObjectStore
from catalog.store.s3 import S3Store
from loadtests.weed import Weed
from tests.support.weed import s3_settings

KINDS = ("local", "s3")
_numbers = count()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which store."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def local_root(tmp_path: Path) -> Path:
    """Directory of the local store."""
    return tmp_path / "objects"


@pytest.fixture
def prepared(local_root: Path) -> LocalStore:
    """A store in a directory, made off the loop."""
    return LocalStore(LocalSettings(local_root, min_free_bytes=0))


@pytest.fixture
async def local_store(prepared: LocalStore) -> AsyncIterator[LocalStore]:
    """A store in a directory."""
    yield prepared
    await prepared.close()


@pytest.fixture
async def s3_store(weed: Weed) -> AsyncIterator[S3Store]:
    """A store in a bucket of its own."""
    store = S3Store(s3_settings(weed, f"test-{next(_numbers)}"))
    await store.prepare()
    yield store
    await store.close()


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest) -> ObjectStore:
    """An open, empty store of this kind."""
    store: ObjectStore = request.getfixturevalue(f"{kind}_store")
    return store
