"""Every test of the hot path runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.support.hot import Hot, hot_port

BIG_BYTES = 20_000_000


@pytest.hookimpl
def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give both loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which no two places look alike."""
    path = tmp_path_factory.mktemp("hot") / "big"
    path.write_bytes(b"".join(number.to_bytes(4, "big") for number in range(BIG_BYTES // 4)))
    return path


@pytest.fixture
async def hot(big_file: Path) -> AsyncIterator[Hot]:
    """A port with a toy door."""
    async with hot_port(big_file) as hot:
        yield hot
