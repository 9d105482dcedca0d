"""How many watch a lesson: addresses that asked for a piece of it within WATCHED_S. Pure.

Bounded in both ways; what is over is not counted. Nothing of it is a label of a metric.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

WATCHED_S = 30.0
LESSONS_LIMIT = 200
VIEWERS_LIMIT = 1000
SUFFIXES = (".m4s", ".mp4")


@dataclass(slots=True)
class _Lesson:
    at: OrderedDict[str, float] = field(default_factory=OrderedDict)


class Viewers:
    """Who watches what, by address. `hear` is called for each request: it is quick."""

    def __init__(self) -> None:
        self._lessons: OrderedDict[str, _Lesson] = OrderedDict()

    def hear(self, target: str, viewer: str, now: float) -> None:
        """Take a request for a path; whoever asks for a list or a picture does not watch yet."""
        if not target.startswith("/media/"):
            return
        path = target.partition("?")[0]
        if not path.endswith(SUFFIXES):
            return
        lesson = path.split("/", 3)[2]
        known = self._lessons.get(lesson)
        if known is None:
            known = self._lessons[lesson] = _Lesson()
            if len(self._lessons) > LESSONS_LIMIT:
                self._lessons.popitem(last=False)
        known.at[viewer] = now
        known.at.move_to_end(viewer)
        if len(known.at) > VIEWERS_LIMIT:
            known.at.popitem(last=False)

    def count(self, lesson: str, now: float) -> int:
        """Give how many watch it."""
        known = self._lessons.get(lesson)
        if known is None:
            return 0
        while known.at and next(iter(known.at.values())) < now - WATCHED_S:
            known.at.popitem(last=False)
        if not known.at:
            del self._lessons[lesson]
        return len(known.at)
