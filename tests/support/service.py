"""The whole service for a test module: `tongbu serve` as a process, stopped at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from loadtests.service import Service, running


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A fresh service of the module's own."""
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def demo_service() -> Iterator[Service]:
    """A service with the demo city."""
    with running("--demo") as started:
        yield started
