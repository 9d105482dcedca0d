"""An upload server that kills itself with SIGKILL at one chosen step, run as a process of its own.

python -m tests.support.crashing_uploads DSN DIRECTORY PERSON OBJECT.METHOD before|after
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from catalog.db.pool import make_pool
from catalog.uploads.files import Writer
from catalog.uploads.settings import UploadSettings
from tests.support.lessons import teacher
from tests.support.uploads import build, make_app, serving

ROOT = Path(__file__).parents[2]


def kill_at(owner: Any, method: str, when: str) -> None:
    """Put a SIGKILL before or after a method of one object (or class)."""
    real: Callable[..., Awaitable[Any]] = getattr(owner, method)

    async def wrapped(*values: Any, **named: Any) -> Any:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await real(*values, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, wrapped)


async def main(dsn: str, directory: str, person: str, point: str, when: str) -> None:
    """Serve until the chosen step."""
    async with make_pool(dsn, size=4) as pool:
        settings = UploadSettings(min_free_bytes=0)
        parts = await asyncio.to_thread(build, pool, Path(directory), settings)
        where, _, method = point.partition(".")
        owners = {"files": parts.files, "rows": parts.rows, "store": parts.store, "writer": Writer}
        kill_at(owners[where], method, when)
        async with serving(make_app(parts, {person: teacher(person)})) as (_, url):
            sys.stdout.write(f"{url}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


@asynccontextmanager
async def upload_server(
    dsn: str, directory: Path, person: str, point: str, when: str = "before"
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run this file as a process; give it and its upload address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.crashing_uploads", dsn, str(directory), person,
        point, when, cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
