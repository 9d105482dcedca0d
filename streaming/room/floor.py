"""Raised hands and the floor 发言权. Pure.

free ── grant ──► held ── cut off ──► away ── back ──► held        held, away ── end ──► free
Granting while it is held passes it on. `away` is not kept: after a restart the holder is away.
Limit: 100 raised hands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from streaming.room.errors import Reason, Refused
from streaming.room.roster import Away, Entry, Key, Member, Roster

HANDS_LIMIT = 100
LEFT_S = 10.0
FLOOR: Key = ("floor",)


class FloorState(Enum):
    """Whose turn it is."""

    FREE = "free"
    HELD = "held"
    AWAY = "away"


class FloorInput(Enum):
    """What can happen to the floor."""

    GRANT = "grant"
    CUT_OFF = "cut off"
    BACK = "back"
    END = "end"


_S, _I = FloorState, FloorInput
TRANSITIONS: dict[tuple[FloorState, FloorInput], FloorState] = {
    (_S.FREE, _I.GRANT): _S.HELD,
    (_S.HELD, _I.GRANT): _S.HELD,
    (_S.AWAY, _I.GRANT): _S.HELD,
    (_S.HELD, _I.CUT_OFF): _S.AWAY,
    (_S.AWAY, _I.CUT_OFF): _S.AWAY,
    (_S.AWAY, _I.BACK): _S.HELD,
    (_S.HELD, _I.BACK): _S.HELD,
    (_S.HELD, _I.END): _S.FREE,
    (_S.AWAY, _I.END): _S.FREE,
}


@dataclass(slots=True)
class Floor:
    """Hands in the order they were raised (member → lesson time), and the holder."""

    hands: dict[str, float] = field(default_factory=dict)
    holder: str | None = None
    since: float | None = None
    state: FloorState = field(default=FloorState.FREE, compare=False)

    def hand(self, member: Member, up: bool) -> list[dict[str, Any]]:
        """Raise or lower a hand; doing it twice is once. Raises: Refused."""
        if up == (member.id in self.hands):
            return []
        if up and member.id == self.holder:
            raise Refused(Reason.NOT_NOW, "you have the floor already")
        if up and len(self.hands) >= HANDS_LIMIT:
            raise Refused(Reason.TOO_MANY, f"{HANDS_LIMIT} hands are up: wait until some are down")
        return [{"kind": "hand_up" if up else "hand_down", "member": member.id}]

    def grant(self, member: Member | None) -> list[dict[str, Any]]:
        """Give the floor to a member that is in the room. Raises: Refused."""
        if member is None:
            raise Refused(Reason.UNKNOWN, "this member has left: choose another hand")
        if member.id == self.holder:
            raise Refused(Reason.NOT_NOW, f"{member.name} has the floor already")
        ended = self.end("passed on") if self.holder else []
        granted = {"kind": "floor_granted", "member": member.id, "name": member.name}
        return [*ended, granted]

    def end(self, why: str) -> list[dict[str, Any]]:
        """End the floor. Raises: Refused when nobody has it."""
        if self.holder is None:
            raise Refused(Reason.NOT_NOW, "nobody has the floor")
        return [{"kind": "floor_ended", "member": self.holder, "why": why}]

    def step(self, event: FloorInput) -> None:
        """Move by the table; what it does not have is a mistake of the caller."""
        self.state = TRANSITIONS[self.state, event]

    def apply(self, entry: Entry) -> Iterator[Key]:
        """Take an entry of the log about hands or the floor."""
        member, kind = entry["member"], entry["kind"]
        if kind == "hand_up":
            self.hands[member] = entry["at"]
            yield ("hands", member)
            return
        if self.hands.pop(member, None) is not None:
            yield ("hands", member)
        if kind == "floor_granted":
            self.holder, self.since = member, entry["at"]
            self.step(FloorInput.GRANT)
            yield FLOOR
        elif kind == "floor_ended":
            self.holder = self.since = None
            self.step(FloorInput.END)
            yield FLOOR

    def gives_up_at(self, away: Mapping[str, Away]) -> float | None:
        """Tell when a holder who has left loses the floor, before it is gone altogether."""
        gone = away.get(self.holder) if self.holder else None
        return gone.since + LEFT_S if gone and gone.clean else None

    def view(self, roster: Roster) -> dict[str, Any]:
        """Give the floor as pages see it."""
        holder = roster.members.get(self.holder) if self.holder else None
        return {
            "state": self.state.value, "member": self.holder,
            "name": holder.name if holder else None, "at": self.since,
        }  # fmt: skip

    def hand_view(self, member: str, roster: Roster) -> dict[str, Any] | None:
        """Give a raised hand as pages see it."""
        who = roster.members.get(member)
        if member not in self.hands or who is None:
            return None
        return {"name": who.name, "role": who.role.value, "at": self.hands[member]}
