"""Connections that are passed on, each in a task: a door that counts, a line that is cut."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

READ_BYTES = 1 << 16


class Way(ABC):
    """Takes connections for another address."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._tasks: set[asyncio.Task[None]] = set()
        self.taken = 0

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection that has come."""
        self.taken += 1
        task = asyncio.create_task(self._pass_on(reader, writer), name="connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @abstractmethod
    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what one connection says, both ways."""
