"""A Prometheus beside running roles, by the program's rules; their times shortened by a pace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.alerts import rules
from deploy.monitoring import RULES, prometheus, static_job
from deploy.yaml_text import yaml_text
from tests.support.prometheus import Watcher, watching
from tests.support.prometheus import prometheus_path as prometheus_path
from tests.support.wait import eventually

PACE = 0.1
LIMIT_S = 25.0

Watch = Callable[[dict[str, str]], AbstractAsyncContextManager[Watcher]]


@pytest.fixture
def watcher(prometheus_path: str, tmp_path: Path) -> Watch:
    """Gives a Prometheus that asks addresses, by job, once a second."""
    folder = tmp_path / "prometheus"
    folder.mkdir()
    (folder / RULES).write_text(yaml_text(rules(PACE)), "utf-8")

    def watch(jobs: dict[str, str]) -> AbstractAsyncContextManager[Watcher]:
        asked = [static_job(name, urlsplit(url).netloc) for name, url in jobs.items()]
        return watching(prometheus_path, folder, yaml_text(prometheus(asked, 1)))

    return watch


async def until_seen(watch: Watcher, expression: str) -> None:
    """Wait until an expression has a series."""

    async def seen() -> bool:
        return bool(await watch.query(expression))

    await eventually(seen, LIMIT_S)


async def until_fires(watch: Watcher, name: str) -> dict[str, Any]:
    """Wait until an alert fires, and give it."""
    await eventually(lambda: watch.fires(name), LIMIT_S)
    return (await watch.firing())[name]


async def until_clear(watch: Watcher, name: str) -> None:
    """Wait until an alert fires no more."""

    async def clear() -> bool:
        return not await watch.fires(name)

    await eventually(clear, LIMIT_S)
