"""How much encoding one machine takes on. Pure.

A feed takes what its plan costs, in cores, until it ends. One for which the whole ladder is too
much gets the first cheaper way that fits; one that fits in no way is refused, so that those who
are on air are not starved.
"""

from __future__ import annotations

from collections.abc import Sequence

from transcoder.live.errors import Refusal, Refused
from transcoder.live.ladder import LivePlan

USABLE_SHARE = 0.75
ROUNDING_CORES = 1e-6


class Admission:
    """The budget of one machine. `cores` are all it may use for live encoding."""

    def __init__(self, cores: float) -> None:
        self.cores = cores
        self._taken: dict[str, float] = {}

    @property
    def taken_cores(self) -> float:
        """What all holders have."""
        return sum(self._taken.values())

    @property
    def free_cores(self) -> float:
        """What is not taken."""
        return self.cores - self.taken_cores

    def admit(self, holder: str, plans: Sequence[LivePlan]) -> LivePlan:
        """Take the first plan that fits, in place of what the holder had. Raises: Refused."""
        for plan in plans:
            if self._fits(holder, plan.cores):
                self._taken[holder] = plan.cores
                return plan
        raise self._refusal(holder)

    def reserve(self, holder: str, cores: float) -> None:
        """Take what a relay costs that decodes, beside its feed's plan. Raises: Refused."""
        if not self._fits(holder, cores):
            raise self._refusal(holder)
        self._taken[holder] = cores

    def release(self, holder: str) -> None:
        """Give back what the holder has, if anything."""
        self._taken.pop(holder, None)

    def _free_for(self, holder: str) -> float:
        return self.free_cores + self._taken.get(holder, 0.0)

    def _fits(self, holder: str, cores: float) -> bool:
        return cores <= self._free_for(holder) + ROUNDING_CORES

    def _refusal(self, holder: str) -> Refused:
        free = max(self._free_for(holder), 0.0)
        return Refused(
            Refusal.CAPACITY,
            f"this machine is busy: {free:.2f} of {self.cores:.2f} cores are free; end "
            "another session, or send H.264 of at most 1080p with a keyframe every 2 s",
        )


def usable_cores(machine_cores: int) -> float:
    """Give what live encoding may take of a machine's cores; the rest serves and watches."""
    return max(1.0, machine_cores * USABLE_SHARE)
