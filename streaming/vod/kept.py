"""Values kept for a while, the least used dropped first. Pure: time is an argument.

A value that is too old is not given by `fresh` but still by `any`: better than nothing when its
source is away.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[V]):
    value: V
    until: float
    weight: int


class Kept(Generic[K, V]):
    """A bounded map; the weights of what it holds add up to at most `limit`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: K, value: V, until: float, weight: int = 1) -> None:
        """Keep value; it is fresh before `until`."""
        self.drop(key)
        self._entries[key] = _Entry(value, until, weight)
        self._weight += weight
        while self._weight > self._limit:
            _, dropped = self._entries.popitem(last=False)
            self._weight -= dropped.weight

    def fresh(self, key: K, now: float) -> V | None:
        """Give the value if it is fresh."""
        entry = self._entries.get(key)
        if entry is None or now >= entry.until:
            return None
        self._entries.move_to_end(key)
        return entry.value

    def any(self, key: K) -> V | None:
        """Give the value however old it is."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value

    def drop(self, key: K) -> None:
        """Forget the value, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= entry.weight
