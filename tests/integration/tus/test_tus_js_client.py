"""npm tus-js-client, the client of the pages, against the real service, run by Node."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import install, node
from tests.support.uploads import Desk, media

HERE = Path(__file__).parent
CONTENT = media(5_000_000)


@pytest.fixture(scope="module")
def script() -> Path:
    """The client in a folder where its package is installed."""
    folder = install(HERE)
    return Path(shutil.copy(HERE / "client.mjs", folder / "client.mjs"))


async def run(at: Desk, script: Path, scenario: str) -> dict[str, Any]:
    source = at.directory / "source.mp4"
    await asyncio.to_thread(source.write_bytes, CONTENT)
    process = await asyncio.create_subprocess_exec(
        node(), script, at.url, at.person, source, scenario,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize(
    ("scenario", "least_requests"),
    [("plain", 2), ("chunks", 6), ("during", 3), ("deferred", 6), ("parallel", 9),
     ("override", 3), ("resume", 12)],
)  # fmt: skip
async def test_an_upload_becomes_its_lesson(
    at: Desk, script: Path, scenario: str, least_requests: int
) -> None:
    seen = await run(at, script, scenario)
    row = await at.one("select title, subject, state from lesson where id = %s", seen["lesson"])
    assert row == {"title": "分数的意义", "subject": "mathematics", "state": "queued"}
    assert await at.stored(f"source/{seen['lesson']}/1") == CONTENT
    assert seen["requests"] >= least_requests
    assert await at.parts.files.ids() == []


async def test_an_upload_that_is_taken_back(at: Desk, script: Path) -> None:
    seen = await run(at, script, "terminate")
    assert (await at.head(seen["url"])).status == 410
    assert (await at.one("select count(*) as n from lesson"))["n"] == 0
    assert await at.parts.files.ids() == []


def test_the_lock_names_no_addresses() -> None:
    assert '"resolved"' not in (HERE / "package-lock.json").read_text("utf-8")
