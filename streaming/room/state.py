"""The kept state of a room: what its log says, and nothing else. Pure.

`apply` is the only way that it changes, while live and when the log is replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from streaming.room.chat import CHAT, Talk
from streaming.room.course import BEGAN, LESSON, STATE, Course
from streaming.room.floor import FLOOR, Floor
from streaming.room.poll import Polls
from streaming.room.questions import Questions
from streaming.room.roster import COUNTS, Entry, Key, Roster

ONCE_KEPT = 4096
_OWNERS = {
    "began": "course", "ended": "course", "recorded": "course",
    "joined": "roster", "gone": "roster",
    "hand_up": "floor", "hand_down": "floor", "floor_granted": "floor", "floor_ended": "floor",
    "asked": "questions", "liked": "questions", "answered": "questions",
    "poll_opened": "polls", "voted": "polls", "poll_closed": "polls",
    "said": "talk", "chat_opened": "talk", "chat_closed": "talk", "notice": "talk",
}  # fmt: skip


@dataclass(slots=True)
class RoomState:
    """All that a session's people share."""

    course: Course = field(default_factory=Course)
    roster: Roster = field(default_factory=Roster)
    floor: Floor = field(default_factory=Floor)
    questions: Questions = field(default_factory=Questions)
    polls: Polls = field(default_factory=Polls)
    talk: Talk = field(default_factory=Talk)
    once: dict[str, None] = field(default_factory=dict)

    def apply(self, entry: Entry) -> Iterator[Key]:
        """Take an entry of the log; give the paths that changed. A later version's is skipped."""
        if "once" in entry:
            self.once[entry["once"]] = None
            if len(self.once) > ONCE_KEPT:
                del self.once[next(iter(self.once))]
        owner = _OWNERS.get(entry["kind"])
        if owner is not None:
            yield from getattr(self, owner).apply(entry)

    def view(self, key: Key, late: Callable[[str], bool]) -> Any:
        """Give what stands at a path of the room, None where there is nothing."""
        match key:
            case ("state",):
                return self.course.state.value
            case ("began",):
                return self.course.began_utc
            case ("lesson",):
                return self.course.lesson
            case ("counts",):
                return self.roster.counts()
            case ("floor",):
                return self.floor.view(self.roster)
            case ("chat",):
                return {"open": self.talk.open}
        return self._one(key[0], key[1], late)

    def whole(self, late: Callable[[str], bool]) -> dict[str, Any]:
        """Give the room as a page gets it that comes in."""
        maps: dict[str, Iterable[str]] = {
            "members": self.roster.listed(),
            "hands": self.floor.hands,
            "questions": self.questions.asked,
            "polls": self.polls.held,
            "messages": self.talk.messages,
            "notices": self.talk.notices,
        }
        values = {
            key[0]: self.view(key, late) for key in (STATE, BEGAN, LESSON, COUNTS, FLOOR, CHAT)
        }
        return values | {
            name: {id_: self._one(name, id_, late) for id_ in ids} for name, ids in maps.items()
        }

    def _one(self, name: str, id_: str, late: Callable[[str], bool]) -> Any:
        match name:
            case "members":
                return self.roster.view(id_, late(id_))
            case "hands":
                return self.floor.hand_view(id_, self.roster)
            case "questions":
                return self.questions.view(id_)
            case "polls":
                return self.polls.view(id_)
            case "messages":
                return self.talk.messages.get(id_)
            case _:
                return self.talk.notices.get(id_)
