"""The chapters that a recording gets of its room. Pure.

Reads the room's log (see README). A chapter begins where the floor changes and where a question is
answered; titles are Chinese, as the lesson is.
"""

from __future__ import annotations

from collections.abc import Iterable

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
