"""What a member of a room says while the line is there and while it is not. Pure.

The first message, `join`, is said again on each new connection. What counts once (questions,
answers, chat, notices) gets an id, so that saying it again after a break does no harm; what states
something (a hand, a vote) may be repeated anyway; reports are of no use later and are let go.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

ONCE = frozenset({"ask", "answer", "chat", "notice", "poll_open"})
STATING = frozenset({"hand", "like", "vote", "poll_close", "chat_open", "floor_end", "grant"})
BOX_ONLY = "stayed"
UNSURE_S = 3.0
KEPT_LIMIT = 64
MESSAGE_LIMIT_CHARS = 16 * 1024


class Talk:
    """One member's words: `hear` takes them, `again` gives what a new connection needs."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._join: str | None = None
        self._kept: OrderedDict[int, tuple[str, float | None]] = OrderedDict()
        self._next = 0

    @property
    def waiting(self) -> int:
        """How many messages wait for the line."""
        return sum(sent_at is None for _, sent_at in self._kept.values())

    def hear(self, text: str, now: float, passed: bool) -> str | None:
        """Take a message; give it as it goes upstream. `passed`: it goes there now.

        None: that is not for a member to say.
        """
        said = _read(text)
        kind = said.get("type")
        if kind == BOX_ONLY:
            return None
        if kind == "join" or self._join is None:
            self._join = text
            return text
        if kind in ONCE and "id" not in said:
            text = json.dumps({**said, "id": self._new_id()}, ensure_ascii=False)
        if kind in ONCE | STATING:
            self._keep(text, now if passed else None)
        self._forget(now)
        return text

    def again(self, now: float) -> list[str]:
        """Give what is said on a new connection: the join, and what may not have arrived."""
        found = [] if self._join is None else [self._join]
        self._forget(now)
        found += [text for text, _ in self._kept.values()]
        for key, (text, _) in list(self._kept.items()):
            self._kept[key] = (text, now)
        return found

    def next_waiting(self, now: float) -> str | None:
        """Give what was said while a connection was being made; it is said now."""
        for key, (text, sent_at) in self._kept.items():
            if sent_at is None:
                self._kept[key] = (text, now)
                return text
        return None

    def cut(self, now: float) -> None:
        """The connection broke: what was said a moment ago may not have arrived."""
        self._forget(now)
        for key, (text, _) in list(self._kept.items()):
            self._kept[key] = (text, None)

    def _keep(self, text: str, sent_at: float | None) -> None:
        self._kept[self._next] = (text, sent_at)
        self._next += 1
        if len(self._kept) > KEPT_LIMIT:
            self._kept.popitem(last=False)

    def _forget(self, now: float) -> None:
        """What was said a while ago on a connection that still stands has arrived."""
        for key, (_, sent_at) in list(self._kept.items()):
            if sent_at is not None and now - sent_at > UNSURE_S:
                del self._kept[key]


def client_of(text: str) -> str | None:
    """Read which client a join is of; None for any other message."""
    said = _read(text)
    if said.get("type") != "join":
        return None
    return str(said.get("client") or said.get("device") or "")


def ping_of(text: str) -> float | None:
    """Read the t0 of a ping; None for any other message."""
    if len(text) > 200 or '"ping"' not in text:
        return None
    said = _read(text)
    sent = said.get("t0")
    if said.get("type") != "ping" or isinstance(sent, bool) or not isinstance(sent, int | float):
        return None
    return sent


def pong_of(text: str) -> tuple[float, float, float] | None:
    """Read t0, t1 and t2 of a pong; None for any other message."""
    if len(text) > 300 or '"pong"' not in text:
        return None
    said = _read(text)
    times = [said.get(name) for name in ("t0", "t1", "t2")]
    if said.get("type") != "pong" or any(type(t) not in (int, float) for t in times):
        return None
    t0, t1, t2 = (float(t) for t in times if t is not None)
    return t0, t1, t2


def _read(text: str) -> dict[str, Any]:
    """Read as the room does: what one of the two took for something else could be forged."""
    try:
        said = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
