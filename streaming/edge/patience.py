"""How often, and until when, a broken fill is tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PATIENCE_S = 30.0
TRIES_LIMIT = 12
PAUSE_FIRST_S = 0.2
PAUSE_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class PatienceSettings:
    """Tries in all, and pauses that double up to a limit."""

    patience_s: float = PATIENCE_S
    tries: int = TRIES_LIMIT
    pause_first_s: float = PAUSE_FIRST_S
    pause_limit_s: float = PAUSE_LIMIT_S


class Patience:
    """Runs from the first break on; bytes that come do not renew it."""

    def __init__(self, settings: PatienceSettings) -> None:
        self._settings = settings
        self._until_at: float | None = None
        self._breaks = 0

    def pause_s(self, now: float) -> float | None:
        """Take a break; give how long to wait, or None when it is enough."""
        if self._until_at is None:
            self._until_at = now + self._settings.patience_s
        self._breaks += 1
        if self._breaks >= self._settings.tries or now >= self._until_at:
            return None
        pause_s = self._settings.pause_first_s * float(2 ** (self._breaks - 1))
        return min(pause_s, self._settings.pause_limit_s, self._until_at - now)

    def left_s(self, now: float) -> float:
        """Give how much patience is left."""
        return max(0.0, (self._until_at or now) - now)
