"""The question board: asked, liked, answered and pinned to lesson time. Pure.

Limits: 200 open questions, 5 open ones of one identity; the last 200 answered are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from streaming.room.errors import Reason, Refused
from streaming.room.roster import Entry, Key, Member

OPEN_LIMIT = 200
OPEN_OF_ONE_LIMIT = 5
ANSWERED_LIMIT = 200


@dataclass(slots=True)
class Question:
    """One question; `answered_at` is the lesson time that its answer is pinned to."""

    member: str
    identity: str
    name: str
    text: str
    at: float
    likes: set[str] = field(default_factory=set)
    answer: str | None = None
    answered_at: float | None = None


@dataclass(slots=True)
class Questions:
    """All questions by id, in order of asking."""

    asked: dict[str, Question] = field(default_factory=dict)
    made: int = 0

    def ask(self, member: Member, text: str) -> list[dict[str, Any]]:
        """Put a question on the board. Raises: Refused."""
        unanswered = [one for one in self.asked.values() if one.answered_at is None]
        if len(unanswered) >= OPEN_LIMIT:
            raise Refused(Reason.TOO_MANY, "the board is full: like a question that is there")
        if sum(one.identity == member.identity for one in unanswered) >= OPEN_OF_ONE_LIMIT:
            raise Refused(Reason.TOO_MANY, "wait until one of your questions is answered")
        return [{
            "kind": "asked", "question": f"q{self.made + 1}", "member": member.id,
            "identity": member.identity, "name": member.name, "text": text,
        }]  # fmt: skip

    def like(self, member: Member, question: str) -> list[dict[str, Any]]:
        """Want the answer too; twice is once. Raises: Refused."""
        if member.id in self._find(question).likes:
            return []
        return [{"kind": "liked", "question": question, "member": member.id}]

    def answer(self, member: Member, question: str, text: str) -> list[dict[str, Any]]:
        """Answer, or put an answer right; it stays pinned where it was. Raises: Refused."""
        asked = self._find(question).text
        return [{
            "kind": "answered", "question": question, "member": member.id,
            "text": text, "asked": asked,
        }]  # fmt: skip

    def apply(self, entry: Entry) -> Iterator[Key]:
        """Take an entry of the log about questions."""
        id_ = entry["question"]
        if entry["kind"] == "asked":
            self.made = int(id_[1:])
            self.asked[id_] = Question(
                entry["member"], entry["identity"], entry["name"], entry["text"], entry["at"]
            )
        elif entry["kind"] == "liked":
            self.asked[id_].likes.add(entry["member"])
        else:
            yield from self._answered(self.asked[id_], entry)
        yield ("questions", id_)

    def liked_by(self, member: str) -> list[str]:
        """Give the ids of the questions that a member liked."""
        return [id_ for id_, one in self.asked.items() if member in one.likes]

    def view(self, question: str) -> dict[str, Any] | None:
        """Give a question as pages see it."""
        one = self.asked.get(question)
        if one is None:
            return None
        return {
            "member": one.member, "name": one.name, "text": one.text, "at": one.at,
            "likes": len(one.likes), "answer": one.answer, "answered_at": one.answered_at,
        }  # fmt: skip

    def _answered(self, one: Question, entry: Entry) -> Iterator[Key]:
        one.answer = entry["text"]
        if one.answered_at is not None:
            return
        one.answered_at = entry["at"]
        answered = [id_ for id_, one in self.asked.items() if one.answered_at is not None]
        for id_ in answered[:-ANSWERED_LIMIT]:
            del self.asked[id_]
            yield ("questions", id_)

    def _find(self, question: str) -> Question:
        try:
            return self.asked[question]
        except KeyError:
            raise Refused(Reason.UNKNOWN, "this question is no longer on the board") from None
