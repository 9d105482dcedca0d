"""What a room can be told: the members' messages, and what happens around them. Pure.

Limits of single fields stand here with the fields; `messages.py` reads them off the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from msgspec import Meta

from catalog.live import RoomRole
from streaming.room.delay import Delivery

TEXT_LIMIT = 500
NAME_LIMIT = 60
ID_LIMIT = 16
CLIENT_LIMIT = 64
ONCE_LIMIT = 40
RUNG_LIMIT = 32
MS_LIMIT = 1e9
STALLS_LIMIT = 1_000_000
STAY_LIMIT_S = 24 * 3600.0

Text = Annotated[str, Meta(max_length=TEXT_LIMIT)]
Id = Annotated[str, Meta(min_length=1, max_length=ID_LIMIT)]
Once = Annotated[str, Meta(min_length=1, max_length=ONCE_LIMIT)]
Ms = Annotated[float, Meta(ge=-MS_LIMIT, le=MS_LIMIT)]
Span = Annotated[float, Meta(ge=0, le=MS_LIMIT)]
Ago = Annotated[float, Meta(ge=0, le=STAY_LIMIT_S)]


class Device(Enum):
    """What a member sits at."""

    CLASSROOM = "classroom"
    PAGE = "page"
    KIOSK = "kiosk"


class PollKind(Enum):
    """What a poll may be answered with."""

    ABCD = "abcd"
    TRUE_FALSE = "truefalse"

    @property
    def choices(self) -> tuple[str, ...]:
        """Give the answers in order."""
        return ("A", "B", "C", "D") if self is PollKind.ABCD else ("true", "false")


@dataclass(frozen=True, slots=True)
class Join:
    """The first message. `client` tells the tabs of one person apart."""

    name: Text = ""
    device: Device = Device.PAGE
    delivery: Delivery = Delivery.WS
    client: Annotated[str, Meta(min_length=1, max_length=CLIENT_LIMIT)] | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for the server's time; t0 comes back as it is."""

    t0: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a player sees of its own playing; can_ms is missing while it does not know yet."""

    rung: Annotated[str, Meta(max_length=RUNG_LIMIT)] = ""
    delay_ms: Ms | None = None
    skew_ms: Ms | None = None
    stalls: Annotated[int, Meta(ge=0, le=STALLS_LIMIT)] = 0
    buffer_ms: Ms | None = None
    can_ms: Span | None = None
    error_ms: Span | None = None
    lowest: bool = True


@dataclass(frozen=True, slots=True)
class Hand:
    up: bool


@dataclass(frozen=True, slots=True)
class Grant:
    member: Id


@dataclass(frozen=True, slots=True)
class FloorEnd:
    pass


@dataclass(frozen=True, slots=True)
class Ask:
    """With an `id`, saying it again after a break does no harm; so with others that have one."""

    text: Text
    id: Once | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An empty text: answered by word of mouth."""

    question: Id
    text: Text = ""
    id: Once | None = None


@dataclass(frozen=True, slots=True)
class Like:
    question: Id


@dataclass(frozen=True, slots=True)
class PollOpen:
    kind: PollKind
    text: Text = ""
    id: Once | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    poll: Id
    choice: Id


@dataclass(frozen=True, slots=True)
class PollClose:
    poll: Id


@dataclass(frozen=True, slots=True)
class Chat:
    text: Text
    id: Once | None = None


@dataclass(frozen=True, slots=True)
class ChatOpen:
    open: bool


@dataclass(frozen=True, slots=True)
class Notice:
    text: Text
    id: Once | None = None


@dataclass(frozen=True, slots=True)
class End:
    pass


@dataclass(frozen=True, slots=True)
class Stayed:
    """From a school's box: this member was in the room behind it while the line was cut.

    Seconds before now, so that clocks need not agree; left: it went away then.
    """

    id: Once
    began_ago_s: Ago
    ended_ago_s: Ago = 0.0
    left: bool = False
    join: Join = Join()


Message = (
    Join | Ping | Report | Hand | Grant | FloorEnd | Ask | Answer | Like | PollOpen | Vote
    | PollClose | Chat | ChatOpen | Notice | End | Stayed
)  # fmt: skip
TYPES: dict[str, type[Message]] = {
    "join": Join, "ping": Ping, "report": Report, "hand": Hand, "grant": Grant,
    "floor_end": FloorEnd, "ask": Ask, "answer": Answer, "like": Like, "poll_open": PollOpen,
    "vote": Vote, "poll_close": PollClose, "chat": Chat, "chat_open": ChatOpen,
    "notice": Notice, "end": End, "stayed": Stayed,
}  # fmt: skip
NAMES: dict[type[Message], str] = {kind: name for name, kind in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who asks to come in, as the catalogue knows it. `name` may be empty for a guest.

    boxed: a school's box that proved itself passes its words on.
    """

    identity: str
    role: RoomRole
    name: str = ""
    boxed: bool = False


class CourseState(Enum):
    """Where the session stands, as the room's members see it."""

    WAITING = "waiting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Arrive:
    """Someone connects."""

    who: Admitted
    join: Join


@dataclass(frozen=True, slots=True)
class WasHere:
    """A school's box tells of someone who was in the room while its line was cut."""

    who: Admitted
    stay: Stayed


@dataclass(frozen=True, slots=True)
class Depart:
    """A member's connection is gone. clean: it was closed on purpose, not cut."""

    member: str
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """A member has sent a message."""

    member: str
    message: Message


@dataclass(frozen=True, slots=True)
class Turn:
    """The session takes a turn. began_utc: Unix seconds of media time 0 of the feed main."""

    state: CourseState
    began_utc: float | None = None
    lesson: str | None = None


@dataclass(frozen=True, slots=True)
class FloorFailed:
    """The feed floor could not be opened for its holder."""

    member: str


Input = Arrive | WasHere | Depart | Say | Turn | FloorFailed
