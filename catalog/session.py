"""A session's life: kinds, states, what moves it, and the words for it. Pure.

scheduled ─► waiting ─► live ─► ended ─► recorded
    └────────────┴─► cancelled    └─► failed (nothing was recorded)
"""

from __future__ import annotations

from enum import Enum

from catalog.errors import Conflict


class SessionKind(Enum):
    """What is taught together."""

    SYNC_CLASS = "sync_class"
    OPEN_CLASS = "open_class"
    GUIDED_QA = "guided_qa"
    RESEARCH = "research"
    PAIRED_LESSON = "paired_lesson"


class SessionState(Enum):
    """Where a session stands."""

    SCHEDULED = "scheduled"
    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"
    RECORDED = "recorded"
    CANCELLED = "cancelled"
    FAILED = "failed"


class SessionInput(Enum):
    """What can happen to a session."""

    ROOM_OPENED = "room opened"
    WENT_LIVE = "went live"
    ENDED = "ended"
    RECORDED = "recorded"
    NOTHING_RECORDED = "nothing recorded"
    CANCELLED = "cancelled"


_S, _I = SessionState, SessionInput
TRANSITIONS: dict[tuple[SessionState, SessionInput], SessionState] = {
    (_S.SCHEDULED, _I.ROOM_OPENED): _S.WAITING,
    (_S.SCHEDULED, _I.WENT_LIVE): _S.LIVE,
    (_S.SCHEDULED, _I.CANCELLED): _S.CANCELLED,
    (_S.WAITING, _I.ROOM_OPENED): _S.WAITING,
    (_S.WAITING, _I.WENT_LIVE): _S.LIVE,
    (_S.WAITING, _I.CANCELLED): _S.CANCELLED,
    (_S.WAITING, _I.ENDED): _S.ENDED,
    (_S.LIVE, _I.WENT_LIVE): _S.LIVE,
    (_S.LIVE, _I.ENDED): _S.ENDED,
    (_S.ENDED, _I.ENDED): _S.ENDED,
    (_S.ENDED, _I.RECORDED): _S.RECORDED,
    (_S.ENDED, _I.NOTHING_RECORDED): _S.FAILED,
}


def step(state: SessionState, event: SessionInput) -> SessionState:
    """Give the next state. Raises: Conflict when the event makes no sense in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Conflict(f"a session that is {state.value} cannot take: {event.value}") from None
