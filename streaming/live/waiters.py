"""Those who wait for a part: one future for all who wait for the same, however many they are."""

from __future__ import annotations

import asyncio

from streaming.hls.directives import BadDirective, Directives, Position, Verdict, decide


class Waiters:
    """Requests that wait for a playlist to get somewhere."""

    def __init__(self) -> None:
        self._futures: dict[Directives, asyncio.Future[None]] = {}
        self.waiting = 0

    async def until(self, asked: Directives, limit_s: float) -> bool:
        """Wait until `wake` reaches what is asked; False when that takes longer than limit_s."""
        future = self._futures.get(asked)
        if future is None:
            future = self._futures[asked] = asyncio.get_running_loop().create_future()
        self.waiting += 1
        try:
            await asyncio.wait((future,), timeout=limit_s)
        finally:
            self.waiting -= 1
        return future.done()

    def wake(self, at: Position) -> None:
        """Let go who is answered by a playlist at this position."""
        for asked in [asked for asked in self._futures if _is_answered(asked, at)]:
            self._futures.pop(asked).set_result(None)

    def wake_all(self) -> None:
        """Let everyone go: nothing more will come."""
        futures, self._futures = self._futures, {}
        for future in futures.values():
            future.set_result(None)


def _is_answered(asked: Directives, at: Position) -> bool:
    """Tell whether to let go; who has asked too far, now that parts are longer, waits on."""
    try:
        return decide(asked, at) is Verdict.NOW
    except BadDirective:
        return False
