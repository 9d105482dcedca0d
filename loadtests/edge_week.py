"""A school's week by its timetable: what a box gives from its shelf by day, and LRU beside it.

    python -m loadtests.edge_week [--seeds 1,2,3] [--shelves 20,50,100] [--night-gib 10]
                                  [--line 8000000] [--browse 0.4] [--tablets 10] [--whole-terms]

By virtual time, the same for the same seed; needs nothing. A made-up school (`edge_week_school`)
watches for three weeks (`edge_week_trace`); the first two fill the cache, the third is counted,
with the nights from Friday's to Thursday's. The city's plan, the night's, its token bucket and the
ledger are the product's own; everyone meets the same trace. Beside LRU by piece of the same size
stand LRU with our night (no pins) and our ledger without a night, so that the share of each is
seen. What a screen asks for does not depend on what is cached, as it does behind the cap of a real
box. `--whole-terms`: series are published as a whole before the term, so that the newest lesson of
a series says nothing of what is taught.

Goal: the byte hit ratio of the days at least 4 points above LRU's on a shelf of 50 GiB (a box's
default) with each seed; no night above its budget.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from loadtests.edge_week_boxes import Box, Cache, Lru, Ours, Tally
from loadtests.edge_week_school import DAYS, GRADES, TERM, School
from loadtests.edge_week_trace import BROWSE_SHARE, TABLETS, Habits, Trace

GIB = 1 << 30
GB = 10**9
REFERENCE_GIB, NIGHT_GIB, LINE_BPS = 50, 10.0, 8_000_000
GOAL_POINTS = 4.0
FIRST_WEEK, FILLING_WEEKS = 6, 2
LRU, LRU_NIGHT, LEDGER, OURS = "LRU", "LRU, our night", "ours, no night", "ours"
KINDS: Mapping[str, tuple[Callable[[int], Cache], bool]] = {
    LRU: (Lru, False), LRU_NIGHT: (Lru, True), LEDGER: (Ours, False), OURS: (Ours, True),
}  # fmt: skip
HEAD = (
    "| shelf GiB | what | byte hit ratio %, min / median / max | points to LRU"
    " | line by day GB, Mon to Fri | night GiB, mean / most | of it in vain GB |\n"
    "|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is run."""

    night_bytes: int = int(NIGHT_GIB * GIB)
    line_bps: int = LINE_BPS
    habits: Habits = field(default_factory=Habits)
    follows: bool = True
    grades: int = GRADES


class Week:
    """One seed's school and the weeks it watches."""

    def __init__(self, seed: int, asked: Asked) -> None:
        self._asked = asked
        self._school = School(seed, follows=asked.follows, grades=asked.grades)
        trace = Trace(self._school, seed, asked.habits)
        first = TERM + timedelta(weeks=FIRST_WEEK)
        count = 7 * FILLING_WEEKS + DAYS
        self._days = {day: trace.day(day) for day in (first + timedelta(n) for n in range(count))}

    def run(self, kind: str, shelf_bytes: int) -> Tally:
        """Give what a cache of this size did in the last week."""
        make, nights = KINDS[kind]
        asked = self._asked
        box = Box(self._school, make(shelf_bytes), asked.line_bps, asked.night_bytes)
        *days, last = self._days
        for number, day in enumerate(days):
            box.day(day, self._days[day])
            if number == 7 * (FILLING_WEEKS - 1) + DAYS - 1:
                box.tally = Tally()
            if nights:
                box.night(day)
        box.day(last, self._days[last])
        return box.tally


def points(found: Sequence[Tally], lru: Sequence[Tally]) -> list[float]:
    """Give how much better each is than LRU with the same seed."""
    return [one.hit_percent - other.hit_percent for one, other in zip(found, lru, strict=True)]


def row(shelf_gib: int, kind: str, found: Sequence[Tally], lru: Sequence[Tally]) -> str:
    """Write a line; bytes are those of the median seed."""
    middle = sorted(found, key=lambda one: one.hit_percent)[len(found) // 2]
    nights = [size / GIB for one in found for size in one.nights_bytes]
    told = f"{statistics.fmean(nights):.1f} / {max(nights):.1f}" if nights else "none"
    return (
        f"| {shelf_gib} | {kind} | {_three([one.hit_percent for one in found])} "
        f"| {_three(points(found, lru), '+')} "
        f"| {', '.join(f'{size / GB:.1f}' for size in middle.days_bytes[-DAYS:])} "
        f"| {told} | {middle.vain_bytes / GB:.1f} |"
    )


def reached(tallies: Mapping[str, Sequence[Tally]], night_bytes: int) -> bool:
    """Tell whether the goal is met with each seed."""
    nights = [size for one in tallies[OURS] for size in one.nights_bytes]
    better = min(points(tallies[OURS], tallies[LRU]))
    return better >= GOAL_POINTS and max(nights) <= night_bytes


def bench(seeds: Sequence[int], shelves_gib: Sequence[int], asked: Asked) -> bool:
    """Run and print; tell whether the goal is met."""
    weeks = [Week(seed, asked) for seed in seeds]
    verdicts = {}
    print(HEAD)
    for shelf_gib in shelves_gib:
        tallies: dict[str, list[Tally]] = {}
        for kind in KINDS:
            tallies[kind] = [week.run(kind, shelf_gib * GIB) for week in weeks]
            print(row(shelf_gib, kind, tallies[kind], tallies[LRU]), flush=True)
        verdicts[shelf_gib] = reached(tallies, asked.night_bytes)
    for shelf_gib, good in verdicts.items():
        told = "met" if good else "MISSED"
        print(f"\n{shelf_gib} GiB: {GOAL_POINTS:g} points above LRU with each seed, "
              f"nights within {asked.night_bytes / GIB:g} GiB: {told}")  # fmt: skip
    return verdicts.get(REFERENCE_GIB, all(verdicts.values()))


def main(arguments: list[str]) -> int:
    """Run; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description="A school's week, by what keeps its lessons")
    parser.add_argument("--seeds", default="1,2,3", help="with commas between")
    parser.add_argument("--shelves", default="20,50,100", help="GiB, with commas between")
    parser.add_argument("--night-gib", type=float, default=NIGHT_GIB)
    parser.add_argument("--line", type=int, default=LINE_BPS, help="bits a second")
    parser.add_argument("--browse", type=float, default=BROWSE_SHARE, help="share of all views")
    parser.add_argument("--tablets", type=int, default=TABLETS, help="that follow a board")
    parser.add_argument("--whole-terms", action="store_true")
    said = parser.parse_args(arguments)
    asked = Asked(
        int(said.night_gib * GIB), said.line, Habits(said.browse, said.tablets),
        not said.whole_terms,
    )  # fmt: skip
    seeds, shelves = ([int(one) for one in text.split(",")] for text in (said.seeds, said.shelves))
    return 0 if bench(seeds, shelves, asked) else 1


def _three(values: Sequence[float], sign: str = "") -> str:
    three = (min(values), statistics.median(values), max(values))
    return " / ".join(f"{one:{sign}.1f}" for one in three)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
