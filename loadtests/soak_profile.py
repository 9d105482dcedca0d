"""What a viewer of a soak wants, and how it hangs up. Pure, but for the hanging up."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

LEAST_S, MOST_S = 2.0, 30.0
WEIGHTS = (5, 2, 2, 2)
CMCD_SHARE = 0.5
_LINGER_NOT = struct.pack("ii", 1, 0)


class Manner(Enum):
    """How a viewer reads and leaves."""

    WHOLE = "reads all, leaves when it has what it asked for"
    SLOW = "reads in sips, leaves like that"
    MID_RESPONSE = "hangs up in the middle of an answer"
    RESET = "is gone with a reset, whatever it waits for"

    @property
    def polite(self) -> bool:
        """Tell whether it leaves nothing half read."""
        return self in (Manner.WHOLE, Manner.SLOW)


@dataclass(frozen=True, slots=True)
class Profile:
    """The API's address of a lesson, for how long, and how."""

    url: str
    seconds: float
    manner: Manner
    at_origin: bool
    cmcd: bool = False


def profile_of(url: str, at_origin: bool, chance: random.Random) -> Profile:
    """Decide by chance."""
    (manner,) = chance.choices(list(Manner), WEIGHTS)
    seconds = chance.uniform(LEAST_S, MOST_S)
    return Profile(url, seconds, manner, at_origin, chance.random() < CMCD_SHARE)


def in_a_while(seconds: float, over: Callable[[], bool]) -> Callable[[], bool]:
    """Give what tells whether to leave: after so long, or when it is over for all."""
    until = time.monotonic() + seconds
    return lambda: over() or time.monotonic() >= until


def reset_at_close(connection: socket.socket) -> None:
    """Let a connection end with a reset: nothing that waits is sent, nothing is read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
