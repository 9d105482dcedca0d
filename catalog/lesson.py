"""A lesson's life: states, what moves it from one to the next, and the words for it. Pure.

uploading ─► queued ─► transcoding ─► playable ─► ready
               ▲            │             │
               └── retry ── failed ◄──────┘

A new version's source leaves a lesson that plays where it is: the old version is shown until the
new one has something to show. A session's recording is uploading while it is live, and ready at its
end with nothing encoded.
"""

from __future__ import annotations

from enum import Enum

from catalog.errors import Conflict


class LessonState(Enum):
    """Where a lesson stands on its way to the screen."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    TRANSCODING = "transcoding"
    PLAYABLE = "playable"
    READY = "ready"
    FAILED = "failed"


class LessonInput(Enum):
    """What can happen to a lesson."""

    SOURCE_STORED = "source stored"
    WORK_STARTED = "work started"
    FIRST_SEGMENTS = "first segments"
    WORK_DONE = "work done"
    WORK_FAILED = "work failed"
    RETRY = "retry"
    RECORDED = "recorded"


PLAYING = frozenset({LessonState.PLAYABLE, LessonState.READY})

_S, _I = LessonState, LessonInput
TRANSITIONS: dict[tuple[LessonState, LessonInput], LessonState] = {
    (_S.UPLOADING, _I.SOURCE_STORED): _S.QUEUED,
    (_S.UPLOADING, _I.WORK_FAILED): _S.FAILED,
    (_S.UPLOADING, _I.RECORDED): _S.READY,
    (_S.QUEUED, _I.WORK_STARTED): _S.TRANSCODING,
    (_S.QUEUED, _I.WORK_FAILED): _S.FAILED,
    (_S.TRANSCODING, _I.WORK_STARTED): _S.TRANSCODING,
    (_S.TRANSCODING, _I.FIRST_SEGMENTS): _S.PLAYABLE,
    (_S.TRANSCODING, _I.WORK_DONE): _S.READY,
    (_S.TRANSCODING, _I.WORK_FAILED): _S.FAILED,
    (_S.PLAYABLE, _I.WORK_STARTED): _S.PLAYABLE,
    (_S.PLAYABLE, _I.FIRST_SEGMENTS): _S.PLAYABLE,
    (_S.PLAYABLE, _I.WORK_DONE): _S.READY,
    (_S.PLAYABLE, _I.WORK_FAILED): _S.FAILED,
    (_S.QUEUED, _I.SOURCE_STORED): _S.QUEUED,
    (_S.TRANSCODING, _I.SOURCE_STORED): _S.QUEUED,
    (_S.PLAYABLE, _I.SOURCE_STORED): _S.PLAYABLE,
    (_S.READY, _I.SOURCE_STORED): _S.READY,
    (_S.READY, _I.WORK_DONE): _S.READY,
    (_S.FAILED, _I.RETRY): _S.QUEUED,
    (_S.FAILED, _I.SOURCE_STORED): _S.QUEUED,
}


def step(state: LessonState, event: LessonInput) -> LessonState:
    """Give the next state. Raises: Conflict when the event makes no sense in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Conflict(f"a lesson that is {state.value} cannot take: {event.value}") from None
