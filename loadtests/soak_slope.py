"""How fast a role's memory grows, and how sure that is. Pure: samples in, a slope out.

Theil-Sen: the median of the slopes of all pairs. A least-squares line is bent by a single lesson
that is transcoded at the end, by a garbage collection that is due, and by the steps in which an
allocator takes pages; the median is not. Pairs are made within one life of a process only, so that
one which was killed and came back says nothing by being smaller than before. The error is half of
the 95 % interval of the ranked slopes, whose variance is the sum of Kendall's over the lives.
Samples that follow soon depend on each other and would make the interval too narrow: before all,
each stretch of BLOCK_S becomes its median.

Spec: Sen 1968 (interval), Hirsch, Slack, Smith 1982 (several strata).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

BLOCK_S = 30.0
SURE = 1.96
BLOCKS_LEAST = 4
MB_H = 3600 / 1e6


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process had at a moment; `life` tells processes of one role apart."""

    at_s: float
    life: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth in MB an hour; the true one is within `error` of it in 19 of 20 cases."""

    mb_h: float
    error: float

    def grows(self, limit_mb_h: float) -> bool:
        """Tell whether it surely grows by more than this."""
        return self.mb_h - self.error > limit_mb_h


def slope_of(samples: Sequence[Sample], block_s: float = BLOCK_S) -> Slope | None:
    """Fit; None when no life is long enough to tell."""
    lives = blocks(samples, block_s)
    slopes = sorted(
        (later.bytes - one.bytes) / (later.at_s - one.at_s)
        for life in lives
        for place, one in enumerate(life)
        for later in life[place + 1 :]
    )
    if not slopes:
        return None
    variance = sum(len(life) * (len(life) - 1) * (2 * len(life) + 5) / 18 for life in lives)
    reach = SURE * math.sqrt(variance)
    count = len(slopes)
    low = slopes[max(0, math.floor((count - reach) / 2))]
    high = slopes[min(count - 1, math.ceil((count + reach) / 2))]
    return Slope(median(slopes) * MB_H, (high - low) / 2 * MB_H)


def blocks(samples: Sequence[Sample], block_s: float) -> list[list[Sample]]:
    """Give each life's stretches as their medians; lives of few stretches tell nothing."""
    found: dict[int, dict[int, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        found[sample.life][int(sample.at_s // block_s)].append(sample)
    lives = [[_middle(block) for _, block in sorted(life.items())] for life in found.values()]
    return [life for life in lives if len(life) >= BLOCKS_LEAST]


def _middle(block: Sequence[Sample]) -> Sample:
    return Sample(
        median(one.at_s for one in block), block[0].life, round(median(one.bytes for one in block))
    )


def settled(samples: Sequence[Sample], warm_up_s: float) -> list[Sample]:
    """Leave out of each life its first `warm_up_s`: who came back fills its caches anew."""
    began: dict[int, float] = {}
    for sample in samples:
        began.setdefault(sample.life, sample.at_s)
    return [one for one in samples if one.at_s - began[one.life] >= warm_up_s]
