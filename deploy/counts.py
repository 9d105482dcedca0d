"""Counts of sessions that never go back while their session lives. Pure.

What counts for a session may end and begin anew within it (the floor's next speaker, a room that is
opened again): `since_at` then differs, and the new count goes on where the old one was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Values = tuple[float, ...]
Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Which count of which session: a family's name, and its labels but for the session."""

    family: str
    session: str
    labels: Labels = ()


@dataclass(slots=True)
class _Count:
    since_at: float
    values: Values
    before: Values

    @property
    def total(self) -> Values:
        return added(self.before, self.values)


class Counts:
    """All counts of the sessions that live."""

    def __init__(self) -> None:
        self._counts: dict[Series, _Count] = {}

    def take(self, series: Series, since_at: float, values: Values) -> None:
        """Take what a count is now, and since when it has been counted."""
        count = self._counts.get(series)
        if count is None:
            before: Values = (0.0,) * len(values)
        else:
            before = count.before if count.since_at == since_at else count.total
        self._counts[series] = _Count(since_at, values, before)

    def totals(self) -> Iterator[tuple[Series, Values]]:
        """Give all counts over the life of their sessions."""
        for series, count in self._counts.items():
            yield series, count.total

    def forget(self, live: set[str]) -> list[tuple[Series, Values]]:
        """Drop the counts of sessions that live no more; give where they ended."""
        gone = [(one, values) for one, values in self.totals() if one.session not in live]
        for series, _ in gone:
            del self._counts[series]
        return gone


def added(one: Values, other: Values) -> Values:
    """Add value by value."""
    return tuple(a + b for a, b in zip(one, other, strict=True))
