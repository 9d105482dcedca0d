"""A box that fetches pieces and kills itself with SIGKILL at one step, as a process of its own.

python -m tests.support.killed_box DIRECTORY URL CLASS.METHOD before|after TIMES
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streaming.edge.disk import Disk
from streaming.edge.half import Half
from streaming.edge.index import Index
from tests.support.box import PIECES, box, place

ROOT = Path(__file__).parents[2]
OWNERS = {"Half": Half, "Index": Index, "Disk": Disk}


def kill_at(owner: type, method: str, when: str, times: int) -> None:
    """Put a SIGKILL before or after the so many'th call of a method."""
    real: Callable[..., Any] = getattr(owner, method)
    calls = iter(range(1, 1_000_000))

    def wrapped(*values: Any, **named: Any) -> Any:
        last = next(calls) == times
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*values, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, wrapped)


async def main(directory: str, url: str, point: str, when: str, times: str) -> None:
    """Read all pieces again and again until the chosen step."""
    owner, _, method = point.partition(".")
    kill_at(OWNERS[owner], method, when, int(times))
    async with box(Path(directory), url) as found:
        while True:
            for number in range(PIECES):
                await found.read(place(number).piece)


async def run_until_killed(path: Path, url: str, point: str, when: str, times: int) -> None:
    """Run this file as a process until it is gone."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.killed_box", str(path), url, point, when,
        str(times), cwd=ROOT,
    )  # fmt: skip
    try:
        assert await process.wait() == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
