"""What a room's shell asks of the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from streaming.room.inputs import Admitted

Admit = Callable[[web.Request, str], Awaitable[Admitted]]
"""Tell who asks for a session's room. Raises: NotFound, NoRight, SignInNeeded."""


class FloorKeys(Protocol):
    """Publishing rights for the feed `floor`."""

    async def open(self, session: str, member: str) -> str:
        """Give a short-lived key with which this member may publish; again for one who is back.

        Raises: TongbuError, which ends the floor.
        """

    async def close(self, session: str, member: str) -> None:
        """Take the right back and end what is published with it."""
