"""How far a lesson is and how long it will take, from what its units say. Pure.

Every unit weighs as many seconds of media as it encodes, times what a second of it costs next to a
second of video. Done and to do are sums of weights; the time left is what is to do over the speed
of all that runs now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.db.work import UnitStatus
from transcoder.plan import EncodePlan, VideoPlan

AUDIO_COST = 0.03
SIDE_COST_S = 1.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """progress from 0 to 1; eta_s None while nothing is known."""

    progress: float
    eta_s: float | None


def estimate(plan: EncodePlan, units: Sequence[UnitStatus]) -> Estimate:
    """Sum up the units that make the lesson ready."""
    counted = [(unit, *_weight(plan, unit.name)) for unit in units if _counts(unit.name)]
    whole = sum(weight for _, weight, _ in counted)
    done = sum(weight * _share(unit) for unit, weight, _ in counted)
    speed = sum((unit.speed or 0.0) * cost for unit, _, cost in counted if unit.state == "running")
    if not whole:
        return Estimate(0.0, None)
    left = max(0.0, whole - done)
    return Estimate(min(1.0, done / whole), left / speed if speed > 0 else None)


def _counts(name: str) -> bool:
    return name != "prepare" and not name.startswith("av1/")


def _share(unit: UnitStatus) -> float:
    return 1.0 if unit.state == "done" else unit.progress


def _weight(plan: EncodePlan, name: str) -> tuple[float, float]:
    """Give a unit's weight, and the cost of a second of its media."""
    kind, _, index = name.partition("/")
    if kind == "audio":
        return plan.duration_s * AUDIO_COST, AUDIO_COST
    if kind == "video" and plan.video is not None:
        return chunk_s(plan.video, int(index)), 1.0
    return SIDE_COST_S, SIDE_COST_S


def chunk_s(video: VideoPlan, index: int) -> float:
    """Length of a chunk in seconds of media."""
    return video.at_s(video.frames_of(video.chunks[index]))
