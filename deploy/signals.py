"""Waiting for the signal that asks a role to stop."""

from __future__ import annotations

import asyncio
import signal


async def until_signalled() -> None:
    """Return at the first SIGTERM or SIGINT; a second one ends the process the default way."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
