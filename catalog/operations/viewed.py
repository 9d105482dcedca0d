"""What viewers of each school reported lately, summed: no viewing is remembered by itself. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from catalog.operations.known import VIEWINGS_OVER_S, Viewings

SCHOOLS_LIMIT = 5000
REPORTS_LIMIT = 1000


@dataclass(slots=True)
class _Sum:
    reports: deque[tuple[float, float, float]] = field(
        default_factory=lambda: deque(maxlen=REPORTS_LIMIT)
    )


class Viewed:
    """The last minute of reports, by school."""

    def __init__(self) -> None:
        self._schools: dict[str, _Sum] = {}

    def take(self, school: str, play_s: float, stood_s: float, now: float) -> None:
        """Count what one report tells."""
        found = self._schools.pop(school, None) or _Sum()
        found.reports.append((now, play_s, stood_s))
        self._schools[school] = found
        if len(self._schools) > SCHOOLS_LIMIT:
            del self._schools[next(iter(self._schools))]

    def by_school(self, now: float) -> dict[str, Viewings]:
        """Give the sums of those schools that reported."""
        found: dict[str, Viewings] = {}
        for school, kept in list(self._schools.items()):
            while kept.reports and kept.reports[0][0] <= now - VIEWINGS_OVER_S:
                kept.reports.popleft()
            if not kept.reports:
                del self._schools[school]
                continue
            play_s = sum(play for _, play, _ in kept.reports)
            stood_s = sum(stood for _, _, stood in kept.reports)
            found[school] = Viewings(len(kept.reports), play_s, stood_s)
        return found
