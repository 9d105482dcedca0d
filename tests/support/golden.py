"""Exact texts that are kept in tests/golden; `pytest --regen` writes them anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True, slots=True)
class Golden:
    """Compares with, or writes, files below tests/golden."""

    regen: bool

    def check(self, name: str, text: str) -> None:
        """Hold text against the file of that name."""
        path = GOLDEN / name
        if self.regen:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8"), f"{name} differs; if that is right: --regen"
