"""How long something has been so, and how much a count grew lately. Pure; `now` is monotonic.

Both forget what was not asked for since the last `sweep`: a session that is over leaves nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field


class Lasting:
    """Since when each of many things holds without a break."""

    def __init__(self) -> None:
        self._since: dict[Hashable, float] = {}
        self._asked: set[Hashable] = set()

    def lasts_s(self, key: Hashable, holds: bool, now: float) -> float:
        """Tell for how long it has held; 0 when it does not."""
        self._asked.add(key)
        if not holds:
            self._since.pop(key, None)
            return 0.0
        return now - self._since.setdefault(key, now)

    def sweep(self) -> None:
        """Forget what was not asked for since the last sweep."""
        for key in self._since.keys() - self._asked:
            del self._since[key]
        self._asked.clear()


@dataclass(slots=True)
class _Count:
    total: float
    steps: deque[tuple[float, float]] = field(default_factory=deque)


class Grown:
    """How much each of many counts grew within the last `over_s` seconds.

    A count that goes back was begun anew: what it has is what it grew.
    """

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._counts: dict[Hashable, _Count] = {}
        self._asked: set[Hashable] = set()

    def grew(self, key: Hashable, total: float, now: float) -> float:
        """Take a count as it is now; give how much it grew."""
        self._asked.add(key)
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count(total)
        step = total - count.total if total >= count.total else total
        count.total = total
        if step:
            count.steps.append((now, step))
        while count.steps and count.steps[0][0] <= now - self._over_s:
            count.steps.popleft()
        return sum(step for _, step in count.steps)

    def grew_at(self, key: Hashable) -> float | None:
        """Tell when a count grew last within the time; None when it did not."""
        count = self._counts.get(key)
        return count.steps[-1][0] if count is not None and count.steps else None

    def sweep(self) -> None:
        """Forget what was not asked for since the last sweep."""
        for key in self._counts.keys() - self._asked:
            del self._counts[key]
        self._asked.clear()
