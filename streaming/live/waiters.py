"""Those who wait for a part: few futures for all who wait for the same, let go in turns.

A thousand that go on in one round of the loop would hold up everything else of the process for as
long as their answers take together. `TOGETHER` of them do, then the loop looks at its sockets.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from streaming.hls.directives import BadDirective, Directives, Position, Verdict, decide

TOGETHER = 32


@dataclass(slots=True)
class _Turn:
    """Those who are let go at the same moment."""

    future: asyncio.Future[None]
    members: int = 0


class Waiters:
    """Requests that wait for a playlist to get somewhere."""

    def __init__(self) -> None:
        self._turns: dict[Directives, deque[_Turn]] = {}
        self.waiting = 0

    async def until(self, asked: Directives, limit_s: float) -> bool:
        """Wait until `wake` reaches what is asked; False when that takes longer than limit_s."""
        future = self._join(asked)
        self.waiting += 1
        try:
            await asyncio.wait((future,), timeout=limit_s)
        finally:
            self.waiting -= 1
        return future.done()

    def wake(self, at: Position) -> None:
        """Let go who is answered by a playlist at this position."""
        answered = [asked for asked in self._turns if _is_answered(asked, at)]
        _let_go(deque(turn for asked in answered for turn in self._turns.pop(asked)))

    def wake_all(self) -> None:
        """Let everyone go: nothing more will come."""
        every, self._turns = self._turns, {}
        _let_go(deque(turn for turns in every.values() for turn in turns))

    def _join(self, asked: Directives) -> asyncio.Future[None]:
        turns = self._turns.setdefault(asked, deque())
        if not turns or turns[-1].members == TOGETHER:
            turns.append(_Turn(asyncio.get_running_loop().create_future()))
        turns[-1].members += 1
        return turns[-1].future


def _let_go(turns: deque[_Turn]) -> None:
    """Let the first go now, and each other turn in the next round of the loop."""
    if turns:
        future = turns.popleft().future
        future.set_result(None)
        future.get_loop().call_soon(_let_go, turns)


def _is_answered(asked: Directives, at: Position) -> bool:
    """Tell whether to let go; who has asked too far, now that parts are longer, waits on."""
    try:
        return decide(asked, at) is Verdict.NOW
    except BadDirective:
        return False
