"""One figure (cores, CPU seconds, bytes) for each role of a service, and its viewers'. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace


@dataclass(frozen=True, slots=True)
class ByRole:
    """`origin` is the service's process, `database` all of PostgreSQL's, `workers` with jobs."""

    origin: float = 0.0
    encoders: float = 0.0
    workers: float = 0.0
    database: float = 0.0
    viewers: float = 0.0

    @property
    def without_encoders(self) -> float:
        """Give what the service takes, its live encoders left out."""
        return self.origin + self.workers + self.database

    @property
    def service(self) -> float:
        """Give what the whole service takes."""
        return self.without_encoders + self.encoders

    def with_viewers(self, viewers: float) -> ByRole:
        """Give the same with what the viewers took."""
        return replace(self, viewers=viewers)

    def per(self, later: ByRole, seconds: float) -> ByRole:
        """Give what came since, a second."""
        return _joined(later, self, lambda new, old: (new - old) / seconds)

    def above(self, less: ByRole) -> ByRole:
        """Give what is more than there; less is none."""
        return _joined(self, less, lambda more, old: max(0.0, more - old))


def _joined(one: ByRole, other: ByRole, how: Callable[[float, float], float]) -> ByRole:
    return ByRole(*map(how, astuple(one), astuple(other)))
