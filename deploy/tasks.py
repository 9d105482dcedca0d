"""A task that belongs to a block: started with it, ended with it, and heard of when it breaks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from catalog.ending import end_task

log = logging.getLogger(__name__)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, Any], name: str) -> AsyncIterator[asyncio.Task[Any]]:
    """Run the coroutine beside the block and cancel it at the end."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell)
    try:
        yield task
    finally:
        await end_task(task)


def _tell(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception():
        log.error("%s broke", task.get_name(), exc_info=task.exception())
