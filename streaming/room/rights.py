"""Who may say what in a room. Pure.

`floor_end` here means one's own floor; ending another's is the teacher's (floor.py). While the
chat is closed only a teacher may `chat` (chat.py).
"""

from __future__ import annotations

from catalog.live import RoomRole
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import NAMES, TYPES, Message

FREE = ("join", "ping", "report", "stayed")
GUARDED = tuple(name for name in TYPES if name not in FREE)
_PUPIL = frozenset({"hand", "floor_end", "ask", "like", "vote", "chat"})
MAY: dict[RoomRole, frozenset[str]] = {
    RoomRole.TEACHER: frozenset(GUARDED) - {"hand", "vote"},
    RoomRole.SPEAKER: _PUPIL | {"answer"},
    RoomRole.CLASSROOM: _PUPIL,
    RoomRole.VIEWER: _PUPIL,
}
ROOMS = (RoomRole.SPEAKER, RoomRole.CLASSROOM)
LISTED = (RoomRole.TEACHER, *ROOMS)


def rights_of(role: RoomRole) -> dict[str, bool]:
    """Give the rights as a page is told them."""
    return {name: name in MAY[role] for name in GUARDED}


def check(role: RoomRole, message: Message) -> None:
    """Raises: Refused when this role may not say that."""
    name = NAMES[type(message)]
    if name not in FREE and name not in MAY[role]:
        raise Refused(Reason.NO_RIGHT, f"a {role.value} may not {name}: ask the teacher")
