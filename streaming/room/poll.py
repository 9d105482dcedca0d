"""Quick polls: A to D, or true and false, with live counts. Pure.

One poll is open at a time; a vote may be changed while it is. Limit: the last 20 polls are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streaming.room.errors import Reason, Refused
from streaming.room.inputs import PollKind
from streaming.room.roster import Entry, Key, Member

POLLS_LIMIT = 20


@dataclass(slots=True)
class Poll:
    """One poll; votes by member."""

    kind: PollKind
    text: str
    at: float
    open: bool = True
    votes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Polls:
    """Polls by id, the newest last."""

    held: dict[str, Poll] = field(default_factory=dict)
    made: int = 0

    def open(self, kind: PollKind, text: str) -> list[dict[str, Any]]:
        """Open a poll. Raises: Refused while another is open."""
        if any(one.open for one in self.held.values()):
            raise Refused(Reason.NOT_NOW, "a poll is open: close it first")
        poll = f"p{self.made + 1}"
        return [{"kind": "poll_opened", "poll": poll, "choices": kind.value, "text": text}]

    def vote(self, member: Member, poll: str, choice: str) -> list[dict[str, Any]]:
        """Vote, or vote anew. Raises: Refused."""
        one = self._find_open(poll)
        if choice not in one.kind.choices:
            wanted = ", ".join(one.kind.choices)
            raise Refused(Reason.UNKNOWN, f"this poll takes one of {wanted}")
        if one.votes.get(member.id) == choice:
            return []
        return [{"kind": "voted", "poll": poll, "member": member.id, "choice": choice}]

    def close(self, poll: str) -> list[dict[str, Any]]:
        """Close the open poll. Raises: Refused."""
        self._find_open(poll)
        return [{"kind": "poll_closed", "poll": poll}]

    def apply(self, entry: Entry) -> Iterator[Key]:
        """Take an entry of the log about polls."""
        id_ = entry["poll"]
        if entry["kind"] == "poll_opened":
            self.made = int(id_[1:])
            self.held[id_] = Poll(PollKind(entry["choices"]), entry["text"], entry["at"])
            for old in list(self.held)[:-POLLS_LIMIT]:
                del self.held[old]
                yield ("polls", old)
        elif entry["kind"] == "voted":
            self.held[id_].votes[entry["member"]] = entry["choice"]
        else:
            self.held[id_].open = False
        yield ("polls", id_)

    def votes_of(self, member: str) -> dict[str, str]:
        """Give a member's own votes by poll."""
        return {id_: one.votes[member] for id_, one in self.held.items() if member in one.votes}

    def view(self, poll: str) -> dict[str, Any] | None:
        """Give a poll as pages see it: counts, nobody's vote."""
        one = self.held.get(poll)
        if one is None:
            return None
        found = Counter(one.votes.values())
        return {
            "kind": one.kind.value, "text": one.text, "at": one.at, "open": one.open,
            "counts": {choice: found[choice] for choice in one.kind.choices},
        }  # fmt: skip

    def _find_open(self, poll: str) -> Poll:
        one = self.held.get(poll)
        if one is None:
            raise Refused(Reason.UNKNOWN, "there is no such poll")
        if not one.open:
            raise Refused(Reason.NOT_NOW, "this poll is closed")
        return one
