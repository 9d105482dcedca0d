"""Who was in a lesson, for how long, and what they did: out of the room's log. Pure.

Minutes are those of the lesson: waiting in the room before it does not count (a lesson that never
began has none), nor does what is after its end. Of a lesson that goes on, everything so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from catalog.live import Attended, RoomCounts, RoomRole, RoomSummary
from streaming.room.roster import Entry

_COUNTED = {"hand_up": "hands", "floor_granted": "floors", "asked": "questions"}


@dataclass(slots=True)
class _Stay:
    """One identity; `members` are its pages in the room, the first of them since `since_utc`."""

    name: str
    role: RoomRole
    first_utc: float
    members: set[str] = field(default_factory=set)
    since_utc: float = 0.0
    last_utc: float = 0.0
    present_s: float = 0.0
    did: Counter[str] = field(default_factory=Counter)

    def enter(self, member: str, utc: float) -> None:
        if not self.members:
            self.since_utc = utc
        self.members.add(member)

    def leave(self, member: str, utc: float, began_utc: float) -> None:
        if member not in self.members:
            return
        self.members.discard(member)
        if not self.members:
            self.last_utc = max(utc, self.since_utc)
            self.present_s += max(0.0, utc - max(self.since_utc, began_utc))


def summary(log: Sequence[Entry], until_utc: float | None = None) -> RoomSummary:
    """Sum up a log as far as it goes, or until the lesson's end; a log without one ends then."""
    kinds = Counter(entry["kind"] for entry in log)
    began_utc = _began(log)
    end_utc = _end(log, until_utc)
    return RoomSummary(
        began_utc=began_utc,
        lesson_s=0.0 if began_utc is None else round(max(0.0, end_utc - began_utc), 3),
        counts=RoomCounts(
            hands=kinds["hand_up"],
            floors=kinds["floor_granted"],
            questions=kinds["asked"],
            answered=len({entry["question"] for entry in log if entry["kind"] == "answered"}),
            polls=kinds["poll_opened"],
            votes=len({(e["poll"], e["member"]) for e in log if e["kind"] == "voted"}),
            messages=kinds["said"],
        ),
        attended=tuple(attendance(log, until_utc)),
    )


def attendance(log: Sequence[Entry], until_utc: float | None = None) -> list[Attended]:
    """Give who was in the lesson, in order of coming."""
    began_utc, end_utc = _began(log), _end(log, until_utc)
    since_utc = inf if began_utc is None else began_utc
    stays: dict[str, _Stay] = {}
    identities: dict[str, str] = {}
    voted: set[tuple[str, str]] = set()
    for entry in log:
        kind = entry["kind"]
        if kind == "joined" and entry["utc"] <= end_utc:
            identity = identities[entry["member"]] = entry["key"][0]
            fresh = _Stay(entry["name"], RoomRole(entry["role"]), entry["utc"])
            stays.setdefault(identity, fresh).enter(entry["member"], entry["utc"])
        elif (owner := identities.get(entry.get("member", ""))) is None:
            continue
        elif kind == "gone":
            stays[owner].leave(entry["member"], min(entry["left_utc"], end_utc), since_utc)
        elif kind in _COUNTED:
            stays[owner].did[_COUNTED[kind]] += 1
        elif kind == "voted" and (owner, entry["poll"]) not in voted:
            voted.add((owner, entry["poll"]))
            stays[owner].did["votes"] += 1
    over = any(entry["kind"] == "ended" for entry in log)
    return [_attended(*item, since_utc, end_utc, over) for item in stays.items()]


def _attended(identity: str, stay: _Stay, since_utc: float, end_utc: float, over: bool) -> Attended:
    here = bool(stay.members) and not over
    for member in list(stay.members):
        stay.leave(member, end_utc, since_utc)
    return Attended(
        identity, stay.name, stay.role, stay.first_utc, stay.last_utc, round(stay.present_s, 3),
        here, stay.did["hands"], stay.did["floors"], stay.did["questions"], stay.did["votes"],
    )  # fmt: skip


def _began(log: Sequence[Entry]) -> float | None:
    return next((float(e["began_utc"]) for e in log if e["kind"] == "began"), None)


def _end(log: Sequence[Entry], until_utc: float | None) -> float:
    last_utc = log[-1]["utc"] if log else 0.0
    fallen = last_utc if until_utc is None else until_utc
    return float(next((e["utc"] for e in log if e["kind"] == "ended"), fallen))
