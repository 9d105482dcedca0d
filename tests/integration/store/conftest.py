"""The stores under test: each contract test runs once with every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catalog.store.local import LocalSettings, LocalStore
from catalog.store.port import ObjectStore

KINDS = ("local",)


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
def prepared(kind: str, local_root: Path) -> ObjectStore:
    """A store of this kind, made off the loop."""
    return LocalStore(LocalSettings(local_root, min_free_bytes=0))


@pytest.fixture
async def store(prepared: ObjectStore) -> AsyncIterator[ObjectStore]:
    """An open, empty store."""
    yield prepared
    await prepared.close()
