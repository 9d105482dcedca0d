"""Messages on the wire: a member's JSON text to an input, and what is said back. Pure.

Unknown fields are skipped, so that a newer page may speak to an older server. Texts lose control
characters and outer spaces; one that has to say something and is then empty is refused.

Limits: 16 KiB a message, and those of `inputs.py`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import msgspec

from catalog.live import RoomRole
from streaming.room.course import Course
from streaming.room.errors import Reason, Refused
from streaming.room.inputs import (
    NAME_LIMIT,
    TEXT_LIMIT,
    TYPES,
    Answer,
    Ask,
    Chat,
    Join,
    Message,
    Notice,
    Ping,
    PollOpen,
    Stayed,
)

MESSAGE_LIMIT_BYTES = 16 * 1024
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_TOO_LONG = re.compile(r"Expected `str` of length <= (\d+)")


def read(data: str | bytes) -> Message:
    """Read one message. Raises: Refused."""
    if len(data) > MESSAGE_LIMIT_BYTES:
        raise Refused(Reason.TOO_LONG, f"a message has at most {MESSAGE_LIMIT_BYTES >> 10} KiB")
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Refused(Reason.UNREADABLE, "the message is not JSON") from error
    name = raw.get("type") if isinstance(raw, dict) else None
    kind = TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Refused(Reason.UNREADABLE, "the message needs a `type` that the room knows")
    try:
        return _cleaned(msgspec.convert(raw, kind))
    except msgspec.ValidationError as error:
        long = _TOO_LONG.search(str(error))
        reason = Reason.TOO_LONG if long else Reason.UNREADABLE
        raise Refused(reason, f"{name}: {error}", name) from error
    except Refused as error:
        error.to = name
        raise


def welcome(
    member: str,
    role: RoomRole,
    now_utc: float,
    rights: dict[str, bool],
    you: dict[str, Any],
    room: bytes,
) -> bytes:
    """Answer a join; `room` is the whole state as JSON, the same bytes for all who come at once."""
    own = {
        "type": "welcome", "member": member, "role": role.value, "now": now_utc,
        "rights": rights, "you": you,
    }  # fmt: skip
    return b'%b,"room":%b}' % (encode(own)[:-1], room)


def changes(found: list[dict[str, Any]]) -> bytes:
    """Say what has changed of the room."""
    return encode({"type": "room", "changes": found})


def state(course: Course) -> bytes:
    """Say where the session stands."""
    return encode({"type": "state", "state": course.state.value, "lesson": course.lesson})


def target(d_ms: int) -> bytes:
    """Say what D is now."""
    return encode({"type": "target", "d_ms": d_ms})


def health(found: dict[str, Any]) -> bytes:
    """Tell a teacher how the rooms are."""
    return encode({"type": "health", **found})


def floor(key: str) -> bytes:
    """Tell the holder with which key to publish."""
    return encode({"type": "floor", "key": key})


def pong(ping: Ping, read_utc: float, sent_utc: float) -> bytes:
    """Answer a ping with the server's times in Unix milliseconds."""
    return encode({"type": "pong", "t0": ping.t0, "t1": read_utc * 1000, "t2": sent_utc * 1000})


def noted(stay: str) -> bytes:
    """Tell a school's box that a stay is in the room's log: it may forget it."""
    return encode({"type": "noted", "id": stay})


def encode(value: Any) -> bytes:
    """Give a value as JSON."""
    return msgspec.json.encode(value)


def refused(error: Refused, to: str | None) -> bytes:
    """Tell a member why its message was not taken."""
    return encode(
        {"type": "refused", "to": error.to or to, "reason": error.reason.value, "why": str(error)}
    )


def _cleaned(message: Message) -> Message:
    match message:
        case Ask() | Chat() | Notice():
            text = clean(message.text, TEXT_LIMIT)
            if not text:
                raise Refused(Reason.UNREADABLE, "there is nothing in the text: write something")
            return replace(message, text=text)
        case Answer() | PollOpen():
            return replace(message, text=clean(message.text, TEXT_LIMIT))
        case Stayed():
            if message.ended_ago_s > message.began_ago_s:
                raise Refused(Reason.UNREADABLE, "a stay cannot end before it began")
            return replace(message, join=_cleaned_join(message.join))
        case Join():
            return _cleaned_join(message)
    return message


def _cleaned_join(join: Join) -> Join:
    client = join.client and clean(join.client, len(join.client))
    name = " ".join(clean(join.name, TEXT_LIMIT).split())[:NAME_LIMIT]
    return replace(join, name=name, client=client or None)


def clean(text: str, limit: int) -> str:
    """Take out what no screen shows and no database takes."""
    return _CONTROLS.sub("", text).strip()[:limit]
