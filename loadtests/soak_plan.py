"""What happens in a soak, and when: the same for the same seed. Pure.

People come by chance (a Poisson process each kind). Faults and new lessons come evenly with some
play, so that even a short soak has each of them, and none comes while the one before is still being
mended.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What may happen."""

    VIEWER = "a viewer comes"
    MEMBER = "somebody joins a room"
    UPLOAD = "an upload begins"
    LESSON = "a lesson ends and the next one begins"
    PUBLISHER = "a publisher drops"
    ENCODER = "ffmpeg of a lesson is killed"
    WORKER = "a worker is killed"
    BOX = "the box is killed"


MEAN_GAP_S = {Kind.VIEWER: 1.0, Kind.MEMBER: 3.0, Kind.UPLOAD: 12.0}
FAULT_GAP_S = {Kind.LESSON: 150.0, Kind.PUBLISHER: 90.0, Kind.ENCODER: 120.0, Kind.WORKER: 200.0,
               Kind.BOX: 200.0}  # fmt: skip
# No fault at the very end: what it broke has to be whole again before anybody counts. There is one
# box, and memory is judged in a life that has filled its caches: it is killed early.
LAST_SHARE = {Kind.LESSON: 0.9, Kind.PUBLISHER: 0.8, Kind.ENCODER: 0.8, Kind.WORKER: 0.8,
              Kind.BOX: 0.4}  # fmt: skip
PLAY = 0.2


@dataclass(frozen=True, slots=True)
class Happening:
    """One of them; `seed` is for what it decides by chance."""

    at_s: float
    kind: Kind
    seed: int


def plan(seed: int, seconds: float) -> list[Happening]:
    """Give what happens within so many seconds, in order."""
    found: list[Happening] = []
    for kind in Kind:
        chance = random.Random(f"{seed} {kind.name}")
        found += (
            Happening(at, kind, chance.getrandbits(63)) for at in _times(kind, seconds, chance)
        )
    return sorted(found, key=lambda one: one.at_s)


def _times(kind: Kind, seconds: float, chance: random.Random) -> Iterator[float]:
    if kind in MEAN_GAP_S:
        at_s = chance.expovariate(1 / MEAN_GAP_S[kind])
        while at_s < seconds:
            yield at_s
            at_s += chance.expovariate(1 / MEAN_GAP_S[kind])
        return
    span_s = seconds * LAST_SHARE[kind]
    count = max(1, round(span_s / FAULT_GAP_S[kind]))
    gap_s = span_s / count
    for number in range(count):
        yield gap_s * (number + 0.5 + chance.uniform(-PLAY, PLAY))
