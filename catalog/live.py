"""What the data plane may know of a session, and what it asks the catalogue to keep. Pure.

Ports between the live origin (`streaming/live`, `streaming/room`), the ingest (`transcoder/live`)
and the catalogue (`catalog/db/sessions.py`, `catalog/db/recordings.py`). Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from catalog.errors import Invalid
from catalog.media import Rendition
from catalog.session import SessionKind, SessionState

# What both ends of an SRT contribution are told.
SRT_LATENCY_US = 120_000
SRT_KEY_BYTES = 16


class FeedName(Enum):
    """Which picture and sound of a session."""

    MAIN = "main"
    FLOOR = "floor"
    SECOND = "second"


class RoomRole(Enum):
    """What a person or device may do in a session's room."""

    TEACHER = "teacher"
    SPEAKER = "speaker"
    CLASSROOM = "classroom"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session as the data plane needs it; `lesson` is its recording's, once there is one."""

    id: str
    title: str
    kind: SessionKind
    state: SessionState
    open_to_all: bool
    starts_utc: float
    duration_s: float
    lesson: str | None = None


class SessionBook(Protocol):
    """The catalogue's sessions, as seen from the data plane."""

    async def find(self, session: str) -> LiveSession | None:
        """Give a session by its id."""

    async def publishes(self, session: str, feed: FeedName, key: str) -> bool:
        """Tell whether this key may publish that feed now."""

    async def went_live(self, session: str) -> None:
        """The main feed has its first segment. Raises: Conflict."""

    async def ended(self, session: str) -> None:
        """The teacher or the clock has ended it. Raises: Conflict."""


@dataclass(frozen=True, slots=True)
class RecordedSegment:
    """A whole segment in the store. start_ts counts from the feed's anchor, in rendition ticks."""

    number: int
    key: str
    size_bytes: int
    start_ts: int
    duration_ts: int
    keyframe_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is already kept of a feed: where an origin goes on after a restart."""

    lesson: str
    generation: int
    anchor_utc: float
    renditions: Mapping[str, Rendition]
    next_number: int


class RecordingBook(Protocol):
    """Where the origin keeps a feed's recording."""

    async def open(self, session: str, feed: FeedName, anchor_utc: float) -> Recorded:
        """Begin a feed's recording, or give what there is of it (with its own anchor)."""

    async def add_rendition(self, recorded: Recorded, rendition: Rendition) -> str:
        """Make the rendition known (its objects are empty); gives its id, also when it is there."""

    async def append(
        self, recorded: Recorded, rendition: str, segments: Sequence[RecordedSegment]
    ) -> None:
        """Keep whole segments of the rendition (by id) that are in the store; in order, once."""

    async def finish(self, session: str) -> str:
        """Make the lesson ready: chapters from the room's events; gives the lesson's id."""


class RoomLog(Protocol):
    """The events of a room that are kept: replayed after a restart, chapters afterwards."""

    async def append(self, session: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Keep events in order."""

    async def read(self, session: str) -> Sequence[Mapping[str, Any]]:
        """Give all events in order."""


@dataclass(frozen=True, slots=True)
class Attended:
    """How long one identity was in the lesson, however many pages it had open, and what it did.

    `present_s` counts within the lesson only; `votes` are polls that it took part in.
    """

    identity: str
    name: str
    role: RoomRole
    first_utc: float
    last_utc: float
    present_s: float
    here: bool = False
    hands: int = 0
    floors: int = 0
    questions: int = 0
    votes: int = 0


@dataclass(frozen=True, slots=True)
class RoomCounts:
    """What happened in a room, of everyone, guests too. `votes` are of all polls."""

    hands: int
    floors: int
    questions: int
    answered: int
    polls: int
    votes: int
    messages: int


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """A room in figures; of a lesson that goes on, so far."""

    began_utc: float | None
    lesson_s: float
    counts: RoomCounts
    attended: tuple[Attended, ...]


# The events of a room up to a moment (Unix seconds), summed up.
SumUp = Callable[[Sequence[Mapping[str, Any]], float], RoomSummary]


class Cameras(Protocol):
    """Cameras whose picture a session pulls. An address may hold a password: it is kept nowhere."""

    def pull(self, session: str, feed: FeedName, url: str) -> None:
        """Pull a feed from a camera until it is stopped or the session is over. Raises: Invalid."""

    def stop(self, session: str, feed: FeedName) -> None:
        """Let go of a feed's camera, if there is one."""


class NoCameras:
    """Where no live lessons are made."""

    def pull(self, session: str, feed: FeedName, url: str) -> None:
        """Refuse. Raises: Invalid."""
        raise Invalid("no cameras are pulled here: publish to the session instead")

    def stop(self, session: str, feed: FeedName) -> None:
        """There is none."""


class Capacity(Protocol):
    """How much this installation carries: asked at booking, known to the live encoder."""

    def feeds_at_once(self) -> int:
        """Give how many main pictures can be encoded at once (a paired lesson has two)."""
