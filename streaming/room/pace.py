"""How fast a member may speak: a bucket that refills. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """Allows `burst` at once and `rate_per_s` for good."""

    rate_per_s: float
    burst: float
    filled_at: float
    level: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.burst

    def take(self, now: float) -> bool:
        """Tell whether one more is allowed now; what is not allowed costs nothing."""
        passed_s = max(0.0, now - self.filled_at)
        self.level = min(self.burst, self.level + passed_s * self.rate_per_s)
        self.filled_at = now
        if self.level < 1.0:
            return False
        self.level -= 1.0
        return True
