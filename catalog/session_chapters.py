"""Chapters of a session's recording, from what happened in its room. Pure.

A question, a change of the floor, a poll and a teacher's notice begin a chapter; `at` of an event
is lesson time in seconds (the words of the log are those of streaming/room). Of several within
CHAPTER_GAP_S the first stands; events of other kinds and such as lack something are passed over:
an odd log must never keep a lesson from its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.media import Chapter

CHAPTERS_LIMIT = 200
CHAPTER_GAP_S = 5.0
TITLE_LIMIT_CHARS = 60
OPENING = "开始"
_TITLES: Mapping[str, tuple[str, str]] = {
    "asked": ("提问", "text"),
    "floor_granted": ("发言", "name"),
    "poll_opened": ("投票", "text"),
    "notice": ("通知", "text"),
}


def chapters_of(
    events: Iterable[Mapping[str, Any]], starts_s: float, ends_s: float
) -> tuple[Chapter, ...]:
    """Give the chapters of what was recorded from starts_s to ends_s of lesson time, from 0 on.

    Without any event that makes one there are none.
    """
    found: list[Chapter] = []
    for event in sorted(events, key=_at):
        title, start_s = _title(event), max(0.0, _at(event) - starts_s)
        late = start_s >= ends_s - starts_s
        near = bool(found) and start_s - found[-1].start_s < CHAPTER_GAP_S
        if title and not late and not near and len(found) < CHAPTERS_LIMIT - 1:
            found.append(Chapter(round(start_s, 3), title))
    return _opened(found)


def _opened(found: Sequence[Chapter]) -> tuple[Chapter, ...]:
    if not found or found[0].start_s < CHAPTER_GAP_S:
        return tuple(found)
    return (Chapter(0.0, OPENING), *found)


def _at(event: Mapping[str, Any]) -> float:
    at = event.get("at")
    return float(at) if isinstance(at, int | float) and not isinstance(at, bool) else -1.0


def _title(event: Mapping[str, Any]) -> str:
    kind = event.get("kind")
    if not isinstance(kind, str) or kind not in _TITLES or _at(event) < 0:
        return ""
    word, name = _TITLES[kind]
    line = " ".join(str(event.get(name) or "").split())[:TITLE_LIMIT_CHARS]
    return f"{word}：{line}" if line else word
