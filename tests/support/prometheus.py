"""A real Prometheus and its promtool, for tests of rules and alerts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.tools import find_tool
from tests.support.wait import eventually

CONFIGURATION = "prometheus.yml"
START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0
_ADDRESS = re.compile(r'msg="Listening on" address=(\S+)')


@pytest.fixture(scope="session")
def prometheus_path() -> str:
    """Where Prometheus is."""
    return find_tool("prometheus")


@pytest.fixture(scope="session")
def promtool() -> str:
    """Where promtool is."""
    return find_tool("promtool")


@dataclass(frozen=True, slots=True)
class Watcher:
    """A running Prometheus."""

    url: str
    http: aiohttp.ClientSession

    async def ready(self) -> bool:
        """Tell whether it answers questions."""
        async with self.http.get(f"{self.url}/-/ready") as answer:
            return answer.status == 200

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Give the series that an expression has now."""
        found = await self._get("query", query=expression)
        return list(found["result"])

    async def firing(self) -> dict[str, dict[str, Any]]:
        """Give the alerts that fire, by name."""
        found = await self._get("alerts")
        return {
            alert["labels"]["alertname"]: alert
            for alert in found["alerts"]
            if alert["state"] == "firing"
        }

    async def fires(self, name: str) -> bool:
        """Tell whether an alert fires."""
        return name in await self.firing()

    async def _get(self, path: str, **query: str) -> Any:
        async with self.http.get(f"{self.url}/api/v1/{path}", params=query) as answer:
            body = json.loads(await answer.text())
        assert body["status"] == "success", body
        return body["data"]


@asynccontextmanager
async def watching(program: str, folder: Path, configuration: str) -> AsyncIterator[Watcher]:
    """Run a Prometheus in a folder, where its rules are, on a port of its own."""
    await asyncio.to_thread((folder / CONFIGURATION).write_text, configuration, "utf-8")
    process = await asyncio.create_subprocess_exec(
        program, f"--config.file={folder / CONFIGURATION}",
        f"--storage.tsdb.path={folder / 'data'}", "--web.listen-address=127.0.0.1:0",
        stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(START_LIMIT_S):
            address = await _address(process.stderr)
        draining = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as http:
            watcher = Watcher(f"http://{address}", http)
            await eventually(watcher.ready, START_LIMIT_S)
            yield watcher
        draining.cancel()
    finally:
        await _end(process)


async def _address(said: asyncio.StreamReader) -> str:
    lines = []
    async for line in said:
        lines.append(line.decode())
        found = _ADDRESS.search(lines[-1])
        if found:
            return found[1]
    raise AssertionError(f"Prometheus did not start:\n{''.join(lines)}")


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_LIMIT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
