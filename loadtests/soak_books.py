"""What must be conserved in a soak, each as a book with two sides. Pure.

Left is what went in, counted by who sent it or asked for it; right is where it is now, counted by
the service. Where the soak cannot know (a viewer who hung up before the answer's head had come)
the right side may be larger, by `slack` and no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from loadtests.soak_figures import Figures

CITY = "city"
REPORTS = "tongbu_qoe_reports_total"


class What(Enum):
    """What the soak counts of its own doing."""

    WS = "viewers by WebSocket"
    HLS = "viewers by LL-HLS"
    BEHIND_BOX = "of them behind the box"
    SLOW = "slow readers"
    DROPPED = "dropped hard"
    MID_RESPONSE = "of them in mid-response"
    REPORTS_CITY = "reports to the city"
    REPORTS_BOX = "reports to the box"
    REPORTS_AGAIN = "reports sent again"
    HEARD = "answers to requests with CMCD"
    UNHEARD = "requests with CMCD without an answer"
    UPLOADS = "uploads begun"
    INTERRUPTED = "uploads interrupted and resumed"
    ABANDONED = "uploads abandoned"
    FINISHED = "uploads finished"
    MEMBERS = "people in rooms"
    RETURNED = "of them came back"
    LATE = "people who came as their lesson was ended"
    MEMBERS_UNSEEN = "people who were never welcomed"
    HANDS = "hands raised"
    HANDS_UNSEEN = "hands whose raising nobody saw"
    LESSON = "lessons that ended, each followed by another"
    PUBLISHER = "publishers dropped"
    ENCODER = "encoders killed"
    WORKER = "workers killed"
    BOX = "boxes killed"
    REFUSED = "requests refused or broken by a fault"


@dataclass
class Ledger:
    """What happened, as the soak did it. Bytes are of bodies and of media messages."""

    happened: Counter[What] = field(default_factory=Counter)
    hls_bytes: int = 0
    hls_unread_bytes: int = 0
    ws_bytes: int = 0

    def note(self, what: What, count: int = 1) -> None:
        """Count."""
        self.happened[what] += count

    def __getitem__(self, what: What) -> int:
        return self.happened[what]


@dataclass(frozen=True, slots=True)
class Book:
    """Two sides; `slack` is what the right one may have more."""

    name: str
    left: float
    right: float
    slack: float = 0.0

    @property
    def balances(self) -> bool:
        """Tell whether it is as it must be."""
        return self.left <= self.right <= self.left + self.slack


@dataclass(frozen=True, slots=True)
class Found:
    """What the API says at the end: lessons that are ready, people and hands in attendance."""

    ready: int
    recordings: int
    people: int
    hands: int


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Readers who read all of a lesson's last seconds, against what was counted meanwhile."""

    hls_read_bytes: int
    hls_sent_bytes: float
    ws_read_bytes: int
    ws_sent_bytes: float


def reports(ledger: Ledger, origin: Figures) -> Iterator[Book]:
    """Each report once, whichever way it came and however often."""
    city = origin.sum(REPORTS, school=CITY)
    yield Book("reports to the city = counted", ledger[What.REPORTS_CITY], city)
    schools = origin.sum(REPORTS) - city
    yield Book("reports to the box = counted", ledger[What.REPORTS_BOX], schools)
    heard = origin.sum("tongbu_qoe_cmcd_requests_total")
    yield Book("requests with CMCD = heard", ledger[What.HEARD], heard, ledger[What.UNHEARD])


def segments(name: str, one: Figures) -> Iterator[Book]:
    """At any moment: what was published is held or was evicted."""
    published = one.sum("tongbu_live_segments_total")
    there = one.sum("tongbu_live_segments_held") + one.sum("tongbu_live_segments_evicted_total")
    yield Book(f"segments published = held + evicted, {name}", published, there)


def recorded(origin: Figures) -> Iterator[Book]:
    """When the lessons are over: every segment is in the store, none was lost."""
    published = origin.sum("tongbu_live_segments_total")
    stored = origin.sum("tongbu_live_recorded_segments_total")
    yield Book("segments published = recorded", published, stored)
    lost = origin.sum("tongbu_live_recording_lost_segments_total")
    yield Book("segments lost by the recorder = 0", 0, lost)


def bytes_sent(ledger: Ledger, before: Figures, after: Figures) -> Iterator[Book]:
    """Over the whole soak nobody got what was not counted, and no more was counted than asked."""
    name = "tongbu_live_sent_bytes_total"
    hls = after.sum(name, delivery="hls") - before.sum(name, delivery="hls")
    yield Book("LL-HLS bytes read ≤ sent", ledger.hls_bytes, hls, ledger.hls_unread_bytes)
    ws = after.sum(name, delivery="ws") - before.sum(name, delivery="ws")
    yield Book("WebSocket bytes read ≤ sent", ledger.ws_bytes, ws, float("inf"))


def reckoned(one: Reckoning) -> Iterator[Book]:
    """Who reads all gets what is counted, to the byte."""
    yield Book("LL-HLS bytes read = sent, who read all", one.hls_read_bytes, one.hls_sent_bytes)
    yield Book("WebSocket bytes read = sent, who read all", one.ws_read_bytes, one.ws_sent_bytes)


def catalogue(ledger: Ledger, found: Found, lessons: int, origin: Figures) -> Iterator[Book]:
    """Uploads and recordings are lessons, people are in the attendance."""
    finished = ledger[What.FINISHED]
    yield Book("uploads finished = lessons ready", finished, found.ready)
    counted = origin.sum("tongbu_uploads_finished_total")
    yield Book("uploads finished = counted", finished, counted)
    yield Book("lessons held = recordings ready", lessons, found.recordings)
    yield Book("people in rooms = in the attendance", ledger[What.MEMBERS], found.people,
               ledger[What.MEMBERS_UNSEEN] + ledger[What.LATE])  # fmt: skip
    yield Book("hands raised = in the attendance", ledger[What.HANDS], found.hands,
               ledger[What.HANDS_UNSEEN])  # fmt: skip
