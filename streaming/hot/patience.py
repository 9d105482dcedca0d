"""How long a connection is waited for, and whether its reader takes what is sent. Pure.

Who owes a request, the rest of one or an answer has a time by which it must come. A machine that
reads must take a certain number of bytes in each window, or all that there is.
"""

from __future__ import annotations

from enum import Enum

IDLE_S = 75.0
HEAD_S = 15.0
LINGER_S = 2.0
HALF_CLOSED_S = 10.0
RELEASE_S = 5.0
SLOW_WINDOW_S = 30.0
SLOW_WINDOW_BYTES = 16 * 1024
NEVER = float("inf")


class Why(Enum):
    """Why a connection was ended from here; the value labels metrics."""

    IDLE = "idle"
    HEAD = "head"
    SLOW = "slow"
    FULL = "full"


class Patience:
    """With one connection; `in_head`: a part of a request's head has come.

    `until` is when whoever owes something is waited for no longer.
    """

    __slots__ = ("_window", "in_head", "until")

    def __init__(self, now: float) -> None:
        self._window: tuple[float, int] | None = None
        self.rest(now)

    def rest(self, now: float) -> None:
        """The viewer may ask something."""
        self.in_head = False
        self.until = now + IDLE_S

    def begin_head(self, now: float) -> None:
        """A part of a head is there; what trickles in behind it does not count."""
        if not self.in_head:
            self.in_head = True
            self.until = now + HEAD_S

    def answer(self) -> None:
        """The viewer is being answered: that ends by itself, or is judged by what it takes."""
        self.in_head = False
        self.until = NEVER

    def promise(self, now: float, half_closed: bool) -> None:
        """Others find the answer: one who has closed a half may be gone."""
        self.in_head = False
        self.until = now + HALF_CLOSED_S if half_closed else NEVER

    def linger(self, now: float) -> None:
        """Nothing more is said; the viewer may finish what it is saying."""
        self.in_head = False
        self.until = now + LINGER_S

    def idle_since(self) -> float:
        """Since when a viewer whose turn it is has owed a request, or the rest of one."""
        return self.until - (HEAD_S if self.in_head else IDLE_S)

    def rests(self, now: float) -> bool:
        """Tell whether a viewer whose turn it is has been idle for a while."""
        return self.until - now < IDLE_S - RELEASE_S

    def overdue(self, now: float) -> Why | None:
        """Say why a viewer is waited for no longer."""
        if now < self.until:
            return None
        return Why.HEAD if self.in_head else Why.IDLE

    def taken(self) -> None:
        """There is nothing to take."""
        self._window = None

    def judges(self, now: float) -> bool:
        """Tell whether a window begins or is over: then ask `too_slow`."""
        return self._window is None or now - self._window[0] >= SLOW_WINDOW_S

    def too_slow(self, now: float, taken_bytes: int) -> bool:
        """Judge the window that is over by all that was ever taken, and begin another."""
        before, self._window = self._window, (now, taken_bytes)
        return before is not None and taken_bytes - before[1] < SLOW_WINDOW_BYTES
