"""Chat, which the teacher may close, and the teacher's notices. Pure.

Limits: the last 100 messages and 20 notices are kept in the room; the log has them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from catalog.live import RoomRole
from streaming.room.errors import Reason, Refused
from streaming.room.roster import Entry, Key, Member

MESSAGES_LIMIT = 100
NOTICES_LIMIT = 20
CHAT: Key = ("chat",)


@dataclass(slots=True)
class Talk:
    """What was said; entries as pages see them, by id."""

    open: bool = True
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    notices: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: int = 0
    noticed: int = 0

    def say(self, member: Member, text: str) -> list[dict[str, Any]]:
        """Say something to everyone. Raises: Refused while the chat is closed."""
        if not self.open and member.role is not RoomRole.TEACHER:
            raise Refused(Reason.NOT_NOW, "the teacher has closed the chat: ask on the board")
        return [{
            "kind": "said", "message": f"c{self.said + 1}", "member": member.id,
            "name": member.name, "role": member.role.value, "text": text,
        }]  # fmt: skip

    def set_open(self, wanted: bool) -> list[dict[str, Any]]:
        """Open or close the chat; twice is once."""
        if wanted == self.open:
            return []
        return [{"kind": "chat_opened" if wanted else "chat_closed"}]

    def notice(self, member: Member, text: str) -> list[dict[str, Any]]:
        """Tell everyone something that stands out."""
        id_ = f"n{self.noticed + 1}"
        return [{"kind": "notice", "notice": id_, "name": member.name, "text": text}]

    def apply(self, entry: Entry) -> Iterator[Key]:
        """Take an entry of the log about chat or notices."""
        kind = entry["kind"]
        if kind == "said":
            self.said += 1
            shown = {name: entry[name] for name in ("member", "name", "role", "text", "at")}
            yield from _put(self.messages, "messages", entry["message"], shown, MESSAGES_LIMIT)
        elif kind == "notice":
            self.noticed += 1
            shown = {name: entry[name] for name in ("name", "text", "at")}
            yield from _put(self.notices, "notices", entry["notice"], shown, NOTICES_LIMIT)
        else:
            self.open = kind == "chat_opened"
            yield CHAT


def _put(
    kept: dict[str, dict[str, Any]], name: str, id_: str, value: dict[str, Any], limit: int
) -> Iterator[Key]:
    kept[id_] = value
    yield (name, id_)
    for old in list(kept)[:-limit]:
        del kept[old]
        yield (name, old)
