"""Ratios against a baseline that lies in the repository. Pure.

A baseline names for each ratio its value and by how many times it may be exceeded. What is worse
than that is a regression; what is not there, or is no number, is one too: a bench that stopped
measuring is not a bench that passed. A ratio that has no baseline yet is said and passes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

PATH = Path(__file__).with_name("baseline.json")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a ratio was, and up to how many times that it may be."""

    value: float
    tolerance: float

    def __post_init__(self) -> None:
        if not 0 < self.value < math.inf or not 1 <= self.tolerance < math.inf:
            raise ValueError(f"a baseline of {self.value} up to {self.tolerance} × says nothing")

    @property
    def limit(self) -> float:
        """From where on it is worse."""
        return self.value * self.tolerance


class Verdict(Enum):
    """How a ratio stands against its baseline."""

    GOOD = "good"
    WORSE = "WORSE"
    MISSING = "MISSING"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Compared:
    """One ratio beside its baseline."""

    name: str
    found: float | None
    kept: Kept | None
    verdict: Verdict

    @property
    def fails(self) -> bool:
        """Tell whether it is a regression."""
        return self.verdict in (Verdict.WORSE, Verdict.MISSING)

    def markdown(self) -> str:
        """One line of the table."""
        found = "-" if self.found is None else f"{self.found:.2f}"
        kept = f"{self.kept.value:.2f} | {self.kept.limit:.2f}" if self.kept else "- | -"
        return f"| {self.name} | {found} | {kept} | {self.verdict.value} |"


def read(text: str) -> dict[str, Kept]:
    """Read a baseline. Raises: ValueError when it is not one, or is empty."""
    try:
        found = {name: Kept(**one) for name, one in json.loads(text)["ratios"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no baseline: {error}") from error
    if not found:
        raise ValueError("the baseline is empty: nothing would be compared")
    return found


def write(ratios: Mapping[str, float], tolerances: Mapping[str, float], command: str) -> str:
    """Give the text of a baseline of these ratios. Raises: ValueError, KeyError."""
    kept = {name: Kept(round(value, 3), tolerances[name]) for name, value in ratios.items()}
    body = {name: {"value": one.value, "tolerance": one.tolerance} for name, one in kept.items()}
    return json.dumps({"command": command, "ratios": body}, indent=2, ensure_ascii=False) + "\n"


def compare(found: Mapping[str, float], kept: Mapping[str, Kept]) -> list[Compared]:
    """Set every ratio beside its baseline, in the baseline's order; new ones come last."""
    compared = [_one(name, found.get(name), one) for name, one in kept.items()]
    fresh = [name for name in found if name not in kept]
    return compared + [Compared(name, found[name], None, Verdict.NEW) for name in fresh]


def _one(name: str, found: float | None, kept: Kept) -> Compared:
    if found is None or not math.isfinite(found):
        return Compared(name, found, kept, Verdict.MISSING)
    return Compared(name, found, kept, Verdict.WORSE if found > kept.limit else Verdict.GOOD)


def table(compared: list[Compared]) -> str:
    """Give the comparison as it is printed; a regression stands alone and last."""
    lines = ["| ratio | found | baseline | at most | |", "|---|---|---|---|---|"]
    lines += [one.markdown() for one in compared]
    bad = [one.name for one in compared if one.fails]
    said = f"REGRESSION: {'; '.join(bad)}" if bad else "no ratio is worse than its baseline"
    return "\n".join([*lines, "", said])
