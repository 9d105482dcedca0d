"""What changed of lessons, for one who watches: the newest of each, bounded. Pure."""

from __future__ import annotations

from collections.abc import Collection

PENDING_LIMIT = 500


class Mailbox:
    """News of lessons that a slow watcher has not taken yet: one a lesson, the newest.

    A full box forgets what it has and asks for a fresh look at everything instead.
    """

    def __init__(self, limit: int = PENDING_LIMIT) -> None:
        self._limit = limit
        self._pending: dict[str, bytes] = {}
        self.overflowed = False

    def put(self, lesson: str, news: bytes) -> None:
        """Keep news of a lesson, in place of older news of it."""
        self._pending.pop(lesson, None)
        if len(self._pending) >= self._limit:
            self._pending.clear()
            self.overflowed = True
        self._pending[lesson] = news

    def take(self) -> Collection[bytes]:
        """Give what has come since, the oldest first."""
        taken, self._pending = self._pending, {}
        return taken.values()
