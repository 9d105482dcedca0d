"""Lines of schools, and who watches what behind them."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.line_way import Shape

WAY_S = 0.02
LOSS = 0.005


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to the line after a part of the run; a rate of None cuts it."""

    after: float
    rate_bps: int | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A line, and who watches what behind it."""

    rate_bps: int
    pupils: int
    lessons: tuple[str, ...]
    join_s: float = 5.0
    loss: float = LOSS
    stay_s: tuple[float, float] | None = None
    changes: tuple[Change, ...] = ()
    parts: bool = False

    @property
    def shape(self) -> Shape:
        """The line at the beginning."""
        return Shape(self.rate_bps, WAY_S, self.loss)


ONE, THREE = ("live/1",), ("live/1", "live/2", "live/3")
SCENARIOS = {
    "S1": Scenario(8_000_000, 40, ONE),
    "S2": Scenario(1_600_000, 40, ONE),
    "S4": Scenario(2_400_000, 40, ONE),
    "S3": Scenario(8_000_000, 42, THREE),
    "V1": Scenario(1_600_000, 12, ("recorded/1",), join_s=30.0),
    "COME": Scenario(2_400_000, 40, ONE, stay_s=(4.0, 12.0)),
    "THIN": Scenario(8_000_000, 40, ONE, changes=(Change(0.5, 1_600_000),)),
    "CUT": Scenario(8_000_000, 40, ONE, changes=(Change(1 / 3, None), Change(2 / 3, 8_000_000))),
    "PART": Scenario(8_000_000, 40, ONE, loss=0.0, parts=True),
}
