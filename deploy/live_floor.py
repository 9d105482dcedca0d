"""The right to the floor: a key that is good while its holder has it, and not a moment longer."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from catalog.live import FeedName, LiveSession, SessionBook
from catalog.session_keys import same_key

KEY_BYTES = 18

EndFeed = Callable[[str, FeedName], Awaitable[None]]


class FloorKeys:
    """Keys of the floor (`streaming.room.port.FloorKeys`), one holder a session.

    A room that comes back after a restart asks again, so nothing of this is kept. `end` takes what
    the holder publishes off the air.
    """

    def __init__(self, end: EndFeed) -> None:
        self._end = end
        self._keys: dict[str, tuple[str, str]] = {}

    async def open(self, session: str, member: str) -> str:
        """Give the holder's key: the same one while it is the holder."""
        holder, key = self._keys.get(session, ("", ""))
        if holder != member:
            key = secrets.token_urlsafe(KEY_BYTES)
            self._keys[session] = (member, key)
        return key

    async def close(self, session: str, member: str) -> None:
        """Take the right back and end what is published with it."""
        if self._keys.get(session, ("", ""))[0] == member:
            del self._keys[session]
            await self._end(session, FeedName.FLOOR)

    def opens(self, session: str, key: str) -> bool:
        """Tell whether this key has the floor now."""
        return session in self._keys and same_key(self._keys[session][1], key)


class BookWithFloor:
    """The catalogue's sessions (`catalog.live.SessionBook`); the floor has keys of its own."""

    def __init__(self, book: SessionBook, keys: FloorKeys) -> None:
        self._book = book
        self._keys = keys

    async def find(self, session: str) -> LiveSession | None:
        """Give a session by its id."""
        return await self._book.find(session)

    async def publishes(self, session: str, feed: FeedName, key: str) -> bool:
        """Tell whether this key may publish that feed now."""
        if feed is FeedName.FLOOR:
            return self._keys.opens(session, key)
        return await self._book.publishes(session, feed, key)

    async def went_live(self, session: str) -> None:
        """The main feed has its first segment."""
        await self._book.went_live(session)

    async def ended(self, session: str) -> None:
        """The teacher or the clock has ended it."""
        await self._book.ended(session)
