"""Half, 95 % and the largest of what was measured. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Half, 95 % and the largest of some values."""

    p50: float
    p95: float
    most: float
    count: int

    def __str__(self) -> str:
        return f"{self.p50:.0f} / {self.p95:.0f} / {self.most:.0f}" if self.count else "none"


def spread(values: Sequence[float]) -> Spread:
    """Give the nearest ranks of values; of none, infinite ones: a goal is missed then."""
    if not values:
        return Spread(math.inf, math.inf, math.inf, 0)
    ranked = sorted(values)
    return Spread(share(ranked, 0.5), share(ranked, 0.95), ranked[-1], len(ranked))


def share(ranked: Sequence[float], part: float) -> float:
    """Give the value that `part` of the ranked values do not exceed."""
    return ranked[max(0, math.ceil(part * len(ranked)) - 1)]
