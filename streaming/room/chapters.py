"""What a recording gets of its room: chapters, who was there, and a summary. Pure.

Reads the room's log (see README). A chapter begins where the floor changes and where a question is
answered; titles are Chinese, as the lesson is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.live import RoomRole
from catalog.media import Chapter
from streaming.room.roster import Entry

CHAPTERS_LIMIT = 200
TITLE_LIMIT = 40
SHORTEST_S = 5.0
OPENING = "开始上课"
BACK = "主讲继续"


def chapters(log: Iterable[Entry]) -> list[Chapter]:
    """Give the chapters in order, the first at 0; none for a lesson in which nothing happened."""
    found = [Chapter(0.0, OPENING)]
    answered: set[str] = set()
    for entry in log:
        title = _title(entry, answered)
        if title is None or entry["at"] <= 0.0:
            continue
        _add(found, Chapter(entry["at"], title))
    return found[:CHAPTERS_LIMIT] if len(found) > 1 else []


def _title(entry: Entry, answered: set[str]) -> str | None:
    match entry["kind"]:
        case "floor_granted":
            return _short(f"发言：{entry['name']}")
        case "floor_ended" if entry["why"] not in ("passed on", "lesson ended"):
            return BACK
        case "answered" if entry["question"] not in answered:
            answered.add(entry["question"])
            return _short(f"答疑：{entry['asked']}")
    return None


def _add(found: list[Chapter], chapter: Chapter) -> None:
    """Append a chapter; "the teacher goes on" gives way to what follows at once."""
    soon = chapter.start_s - found[-1].start_s < SHORTEST_S
    if soon and found[-1].title == BACK:
        found.pop()
    found.append(chapter)


def _short(title: str) -> str:
    title = " ".join(title.split())
    return title if len(title) <= TITLE_LIMIT else title[: TITLE_LIMIT - 1] + "…"


@dataclass(frozen=True, slots=True)
class Attended:
    """How long one identity was in the room, however many pages it had open."""

    identity: str
    name: str
    role: RoomRole
    first_utc: float
    last_utc: float
    present_s: float


@dataclass(slots=True)
class _Stay:
    name: str
    role: RoomRole
    first_utc: float
    members: set[str]
    since_utc: float = 0.0
    last_utc: float = 0.0
    present_s: float = 0.0

    def enter(self, member: str, utc: float) -> None:
        if not self.members:
            self.since_utc = utc
        self.members.add(member)

    def leave(self, member: str, utc: float) -> None:
        if member not in self.members:
            return
        self.members.discard(member)
        if not self.members:
            self.last_utc = max(utc, self.since_utc)
            self.present_s += self.last_utc - self.since_utc


def attendance(log: Sequence[Entry]) -> list[Attended]:
    """Give who was in the lesson, in order of coming; what is after its end does not count."""
    stays: dict[str, _Stay] = {}
    identities: dict[str, str] = {}
    end_utc = next((e["utc"] for e in log if e["kind"] == "ended"), log[-1]["utc"] if log else 0.0)
    for entry in log:
        if entry["kind"] == "joined" and entry["utc"] > end_utc:
            continue
        if entry["kind"] == "joined":
            identity, role = entry["key"][0], RoomRole(entry["role"])
            identities[entry["member"]] = identity
            fresh = _Stay(entry["name"], role, entry["utc"], set())
            stays.setdefault(identity, fresh).enter(entry["member"], entry["utc"])
        elif entry["kind"] == "gone" and entry["member"] in identities:
            left_utc = min(entry["left_utc"], end_utc)
            stays[identities[entry["member"]]].leave(entry["member"], left_utc)
    for stay in stays.values():
        for member in list(stay.members):
            stay.leave(member, end_utc)
    return [
        Attended(identity, s.name, s.role, s.first_utc, s.last_utc, round(s.present_s, 3))
        for identity, s in stays.items()
    ]


@dataclass(frozen=True, slots=True)
class Summary:
    """What happened in a room, in figures."""

    questions: int
    answered: int
    floors: int
    polls: int
    votes: int
    messages: int
    attended: tuple[Attended, ...]


def summary(log: Sequence[Entry]) -> Summary:
    """Sum up a log."""
    kinds = [entry["kind"] for entry in log]
    return Summary(
        questions=kinds.count("asked"),
        answered=len({entry["question"] for entry in log if entry["kind"] == "answered"}),
        floors=kinds.count("floor_granted"),
        polls=kinds.count("poll_opened"),
        votes=len({(e["poll"], e["member"]) for e in log if e["kind"] == "voted"}),
        messages=kinds.count("said"),
        attended=tuple(attendance(log)),
    )
