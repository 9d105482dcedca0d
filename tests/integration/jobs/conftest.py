"""A catalogue with a queue, and a store in a directory."""

from __future__ import annotations

import pytest

from transcoder.jobs import ensure_schema


@pytest.fixture
def queue_dsn(dsn: str) -> str:
    """A catalogue that has the queue's tables too."""
    ensure_schema(dsn)
    return dsn
