"""States of a feed as its ingest sees them. Pure."""

from __future__ import annotations

from enum import Enum


class FeedState(Enum):
    """Where a feed stands.

    AWAY: its publisher dropped, the encoder waits. RESTING: it did not return soon; the feed waits
    without an encoder for as long as its session lasts.
    """

    PROBING = "probing"
    PUBLISHING = "publishing"
    AWAY = "away"
    RESTING = "resting"
    ENDED = "ended"
    FAILED = "failed"


class FeedInput(Enum):
    """What can happen to a feed."""

    JOINED = "joined"
    FLOWS = "flows"
    LEFT = "left"
    OVERDUE = "overdue"
    CLOSED = "closed"
    FAULT = "fault"


END_STATES = {FeedState.ENDED, FeedState.FAILED}
_S, _I = FeedState, FeedInput
TABLE = {
    (_S.PROBING, _I.FLOWS): _S.PUBLISHING,
    (_S.PROBING, _I.LEFT): _S.AWAY,
    (_S.PUBLISHING, _I.LEFT): _S.AWAY,
    (_S.AWAY, _I.JOINED): _S.PROBING,
    (_S.AWAY, _I.OVERDUE): _S.RESTING,
    (_S.RESTING, _I.JOINED): _S.PROBING,
    **{(state, _I.CLOSED): _S.ENDED for state in _S if state not in END_STATES},
    **{(state, _I.FAULT): _S.FAILED for state in _S if state not in END_STATES},
}


def after(state: FeedState, happened: FeedInput) -> FeedState:
    """Give the state that follows. Raises: ValueError where that cannot happen."""
    try:
        return TABLE[state, happened]
    except KeyError:
        raise ValueError(f"a feed that is {state.value} cannot be {happened.value}") from None
