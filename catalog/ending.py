"""End a task for certain.

Python 3.11's `asyncio.wait_for` loses a cancellation that comes at the moment of its result: a loop
that was cancelled once may go on for ever (fixed in 3.12). We call `asyncio.timeout` instead, the
pool (catalog/db/pool.py) looks whether psycopg_pool lost one, and for other libraries this is here.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

AGAIN_S = 2.0


async def end_task(task: asyncio.Task[Any], again_s: float = AGAIN_S) -> None:
    """Cancel until the task has ended, whatever with; time for its cleaning up between tries."""
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=again_s)
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
