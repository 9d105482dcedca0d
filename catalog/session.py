"""A session's life: kinds, states, what moves it, what may be booked. Pure.

scheduled ─► waiting ─► live ─► ended ─► recorded
    └────────────┴─► cancelled    └─► failed (nothing was recorded)

The room opens by the clock OPENS_BEFORE_S before the start, or when the teacher opens it; it ends
when the teacher ends it, or by the clock GRACE_S after the booked time is over. Times are
Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from catalog.errors import Conflict, Invalid

OPENS_BEFORE_S = 600.0
GRACE_S = 900.0
UNFINISHED_S = 90.0
SHORTEST_S = 60
LONGEST_S = 6 * 3600
LISTENING_LIMIT = 200
SPEAKERS_LIMIT = 30


class SessionKind(Enum):
    """What is taught together."""

    SYNC_CLASS = "sync_class"
    OPEN_CLASS = "open_class"
    GUIDED_QA = "guided_qa"
    RESEARCH = "research"
    PAIRED_LESSON = "paired_lesson"

    @property
    def feeds(self) -> int:
        """How many main pictures are encoded: what a session costs when it is booked."""
        return 2 if self is SessionKind.PAIRED_LESSON else 1

    @property
    def open_by_default(self) -> bool:
        """Tell whether everyone may join unless the booking says otherwise."""
        return self in (SessionKind.OPEN_CLASS, SessionKind.GUIDED_QA)


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


TAKES_TIME = frozenset({_S.SCHEDULED, _S.WAITING, _S.LIVE})
JOINABLE = frozenset({_S.WAITING, _S.LIVE})


def due(
    state: SessionState, starts_utc: float, ends_utc: float, ended_utc: float, now_utc: float
) -> SessionInput | None:
    """Tell what the clock alone does to a session now; `ended_utc` counts for one that has ended.

    RECORDED is due when no origin has finished the recording within UNFINISHED_S: whether it is
    that or NOTHING_RECORDED, the recording says.
    """
    if state is _S.SCHEDULED and now_utc >= starts_utc - OPENS_BEFORE_S:
        return _I.ROOM_OPENED
    if state in JOINABLE and now_utc >= ends_utc + GRACE_S:
        return _I.ENDED
    if state is _S.ENDED and now_utc >= ended_utc + UNFINISHED_S:
        return _I.RECORDED
    return None


@dataclass(frozen=True, slots=True)
class Booking:
    """What is booked. Places and people are ids; `school_id` is whose session it is."""

    title: str
    kind: SessionKind
    teacher_id: str
    starts_utc: float
    duration_s: int
    open_to_all: bool
    visibility: str
    school_id: str | None = None
    main_classroom: str | None = None
    second_classroom: str | None = None
    listening: tuple[str, ...] = ()
    second_teacher: str | None = None
    speakers: tuple[str, ...] = ()
    series_id: str | None = None
    stage: str = ""
    grade: str = ""
    subject: str = ""

    @property
    def ends_utc(self) -> float:
        """When it is over by the timetable."""
        return self.starts_utc + self.duration_s

    def classrooms(self) -> dict[str, str]:
        """Give the part (main, second, listening) of each classroom."""
        found = dict.fromkeys(self.listening, "listening")
        found |= {self.second_classroom: "second"} if self.second_classroom else {}
        return found | ({self.main_classroom: "main"} if self.main_classroom else {})

    def people(self) -> dict[str, str]:
        """Give the part (teacher, second_teacher, speaker) of each person."""
        found = dict.fromkeys(self.speakers, "speaker")
        found |= {self.second_teacher: "second_teacher"} if self.second_teacher else {}
        return found | {self.teacher_id: "teacher"}


def check_booking(booking: Booking) -> None:
    """Raise Invalid, naming each field that does not go with the kind of session."""
    wrong = _missing(booking) | _misplaced(booking)
    if not SHORTEST_S <= booking.duration_s <= LONGEST_S:
        wrong["duration_s"] = f"must be {SHORTEST_S} to {LONGEST_S} seconds"
    if len(booking.listening) > LISTENING_LIMIT:
        wrong["listening_classrooms"] = f"at most {LISTENING_LIMIT}: make the session open to all"
    if len(booking.speakers) > SPEAKERS_LIMIT:
        wrong["speakers"] = f"at most {SPEAKERS_LIMIT}"
    if wrong:
        raise Invalid("; ".join(f"{name}: {what}" for name, what in wrong.items()), wrong)


def _missing(booking: Booking) -> dict[str, str]:
    kind, wrong = booking.kind, dict[str, str]()
    if kind in (SessionKind.SYNC_CLASS, SessionKind.PAIRED_LESSON) and not booking.main_classroom:
        wrong["main_classroom"] = "this kind of session needs one"
    if kind is SessionKind.SYNC_CLASS and not booking.listening:
        wrong["listening_classrooms"] = "this kind of session needs at least one"
    if kind is SessionKind.PAIRED_LESSON and not booking.second_classroom:
        wrong["second_classroom"] = "the other lesson needs its classroom"
    return wrong


def _misplaced(booking: Booking) -> dict[str, str]:
    wrong = dict[str, str]()
    if booking.kind is not SessionKind.PAIRED_LESSON:
        for name in ("second_classroom", "second_teacher"):
            if getattr(booking, name):
                wrong[name] = "only a paired lesson has one"
    given = [booking.main_classroom, booking.second_classroom, *booking.listening]
    rooms = [room for room in given if room]
    if len(set(rooms)) < len(rooms):
        wrong["listening_classrooms"] = "a classroom is named twice"
    people = [booking.teacher_id, booking.second_teacher, *booking.speakers]
    known = [person for person in people if person]
    if len(set(known)) < len(known):
        wrong["speakers"] = "a person is named twice"
    return wrong
