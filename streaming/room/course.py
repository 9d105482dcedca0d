"""Where a session stands, and its lesson time. Pure.

waiting ─► live ⇄ reconnecting ─► ended ─► recorded; `reconnecting` is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streaming.room.errors import Reason, Refused
from streaming.room.inputs import CourseState, Turn
from streaming.room.roster import Entry, Key

STATE: Key = ("state",)
BEGAN: Key = ("began",)
LESSON: Key = ("lesson",)
_S = CourseState
MAY_FOLLOW: dict[CourseState, tuple[CourseState, ...]] = {
    _S.WAITING: (_S.WAITING, _S.LIVE, _S.ENDED),
    _S.LIVE: (_S.LIVE, _S.RECONNECTING, _S.ENDED),
    _S.RECONNECTING: (_S.RECONNECTING, _S.LIVE, _S.ENDED),
    _S.ENDED: (_S.ENDED, _S.RECORDED),
    _S.RECORDED: (_S.RECORDED,),
}
OVER = (_S.ENDED, _S.RECORDED)
_KEPT = {"began": _S.LIVE, "ended": _S.ENDED, "recorded": _S.RECORDED}


@dataclass(slots=True)
class Course:
    """The session's state; `began_utc` is media time 0 of its main feed."""

    began_utc: float | None = None
    lesson: str | None = None
    kept: CourseState = CourseState.WAITING
    state: CourseState = field(default=CourseState.WAITING, compare=False)

    @property
    def over(self) -> bool:
        """Tell whether the lesson has ended."""
        return self.state in OVER

    def at(self, utc: float) -> float:
        """Give lesson time in seconds; 0 before the lesson."""
        return 0.0 if self.began_utc is None else max(0.0, round(utc - self.began_utc, 3))

    def turn(self, turn: Turn, utc: float) -> tuple[list[dict[str, Any]], list[Key]]:
        """Give what to keep of a turn, and what changed without being kept. Raises: Refused."""
        if turn.state not in MAY_FOLLOW[self.state]:
            words = f"a lesson that is {self.state.value} cannot become {turn.state.value}"
            raise Refused(Reason.NOT_NOW, words)
        entries: list[dict[str, Any]] = []
        if turn.state is _S.LIVE and self.began_utc is None:
            entries = [{"kind": "began", "began_utc": turn.began_utc or utc}]
        elif turn.state in OVER and turn.state is not self.kept:
            entries = [{"kind": turn.state.value, "lesson": turn.lesson}]
        if turn.state is self.state:
            return entries, []
        self.state = turn.state
        return entries, [STATE]

    def apply(self, entry: Entry) -> Iterator[Key]:
        """Take `began`, `ended` or `recorded` from the log."""
        kind = entry["kind"]
        self.kept = self.state = _KEPT[kind]
        yield STATE
        if kind == "began":
            self.began_utc = entry["began_utc"]
            yield BEGAN
        elif entry["lesson"]:
            self.lesson = entry["lesson"]
            yield LESSON
