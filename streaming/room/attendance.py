"""Who was in a lesson, for how long, and what they did: out of the room's log. Pure.

The log says when members came and were gone; what it could not see, because a school's line was cut
or the origin away, the school's box has told (`stayed`). Both together count once.

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
_SEEN = {"joined": "utc", "stayed": "from_utc"}


@dataclass(slots=True)
class _Span:
    client: str
    from_utc: float
    to_utc: float


@dataclass(slots=True)
class _Stay:
    """One identity: since when each of its clients is in the room, and the spans that are over."""

    name: str
    role: RoomRole
    first_utc: float
    since: dict[str, float] = field(default_factory=dict)
    spans: list[_Span] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)

    def enter(self, client: str, utc: float) -> None:
        self.since.setdefault(client, utc)

    def leave(self, client: str, utc: float) -> None:
        since_utc = self.since.pop(client, None)
        if since_utc is not None:
            self.spans.append(_Span(client, since_utc, max(utc, since_utc)))

    def stayed(self, client: str, from_utc: float, to_utc: float, left: bool) -> None:
        """Add what a box saw; who left there was not seen here for longer, only missed later."""
        self.first_utc = min(self.first_utc, from_utc)
        seen = next((one for one in reversed(self.spans) if one.client == client), None)
        if left and seen is not None and seen.from_utc <= to_utc < seen.to_utc:
            seen.to_utc = to_utc
        self.spans.append(_Span(client, from_utc, to_utc))

    @property
    def last_utc(self) -> float:
        return max((one.to_utc for one in self.spans), default=0.0)

    def present_s(self, began_utc: float) -> float:
        """Give how long any of its clients was there, from `began_utc` on."""
        found_s, reached_utc = 0.0, began_utc
        for span in sorted(self.spans, key=lambda one: one.from_utc):
            if span.to_utc > max(span.from_utc, reached_utc):
                found_s += span.to_utc - max(span.from_utc, reached_utc)
                reached_utc = span.to_utc
        return found_s


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
    keys: dict[str, tuple[str, str]] = {}
    voted: set[tuple[str, str]] = set()
    for entry in log:
        kind = entry["kind"]
        if kind in _SEEN:
            if entry[_SEEN[kind]] <= end_utc:
                _take(stays, keys, entry, end_utc)
            continue
        owner, client = keys.get(entry.get("member", ""), ("", ""))
        if owner not in stays:
            continue
        if kind == "gone":
            stays[owner].leave(client, min(entry["left_utc"], end_utc))
        elif kind in _COUNTED:
            stays[owner].did[_COUNTED[kind]] += 1
        elif kind == "voted" and (owner, entry["poll"]) not in voted:
            voted.add((owner, entry["poll"]))
            stays[owner].did["votes"] += 1
    over = any(entry["kind"] == "ended" for entry in log)
    ordered = sorted(stays.items(), key=lambda item: item[1].first_utc)
    return [_attended(*item, since_utc, end_utc, over) for item in ordered]


def _take(
    stays: dict[str, _Stay], keys: dict[str, tuple[str, str]], entry: Entry, end_utc: float
) -> None:
    """Take that someone came, or had stayed."""
    identity, client = entry["key"]
    from_utc = entry[_SEEN[entry["kind"]]]
    stay = stays.setdefault(identity, _Stay(entry["name"], RoomRole(entry["role"]), from_utc))
    if entry["kind"] == "stayed":
        stay.stayed(client, from_utc, min(entry["to_utc"], end_utc), entry["left"])
    else:
        keys[entry["member"]] = identity, client
        stay.enter(client, from_utc)


def _attended(identity: str, stay: _Stay, since_utc: float, end_utc: float, over: bool) -> Attended:
    here = bool(stay.since) and not over
    for client in list(stay.since):
        stay.leave(client, end_utc)
    return Attended(
        identity, stay.name, stay.role, stay.first_utc, stay.last_utc,
        round(stay.present_s(since_utc), 3), here,
        stay.did["hands"], stay.did["floors"], stay.did["questions"], stay.did["votes"],
    )  # fmt: skip


def _began(log: Sequence[Entry]) -> float | None:
    return next((float(e["began_utc"]) for e in log if e["kind"] == "began"), None)


def _end(log: Sequence[Entry], until_utc: float | None) -> float:
    last_utc = log[-1]["utc"] if log else 0.0
    fallen = last_utc if until_utc is None else until_utc
    return float(next((e["utc"] for e in log if e["kind"] == "ended"), fallen))
