"""A pupil's picture: what is in the buffer, when it stood still, how far behind it is. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

NOTICED_S = 1e-6


@dataclass(frozen=True, slots=True)
class Piece:
    """Media in the buffer; `program_s` is when it was made, in Unix seconds, if that is known."""

    duration_s: float
    program_s: float | None = None


class Playback:
    """Plays from the first segment on, stands when the buffer is empty, goes on with the next."""

    def __init__(self) -> None:
        self.started_at: float | None = None
        self.stalls = 0
        self.stalled_s = 0.0
        self.played_s = 0.0
        self.buffer_s = 0.0
        self.complete = False
        self._pieces: deque[Piece] = deque()
        self._head_s = 0.0
        self._now = 0.0
        self._stands = False

    def add(self, piece: Piece, now: float) -> None:
        """Take a segment into the buffer."""
        self.advance(now)
        if self.started_at is None:
            self.started_at = self._now = now
        self._pieces.append(piece)
        self.buffer_s += piece.duration_s
        self._stands = False

    def advance(self, now: float) -> None:
        """Play up to now."""
        if self.started_at is None:
            return
        passed_s, self._now = now - self._now, now
        step_s = min(passed_s, self.buffer_s)
        self._play(step_s)
        dry_s = passed_s - step_s
        if dry_s > NOTICED_S and not self.complete:
            self.stalls += not self._stands
            self._stands = True
            self.stalled_s += dry_s

    def program_s(self) -> float | None:
        """Say when what is on the screen was made."""
        if not self._pieces or self._pieces[0].program_s is None:
            return None
        return self._pieces[0].program_s + self._head_s

    def _play(self, step_s: float) -> None:
        self.played_s += step_s
        self.buffer_s = max(0.0, self.buffer_s - step_s)
        self._head_s += step_s
        while self._pieces and self._head_s >= self._pieces[0].duration_s:
            self._head_s -= self._pieces.popleft().duration_s
        if not self._pieces:
            self._head_s = self.buffer_s = 0.0
