"""The answer under way on one connection, if there is one: what of it went out, who is told.

Most answers are with the kernel at once and never under way. Others are queued in the outbox, or
streamed by a task (`work.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from streaming.hot.door import Answer, Broken, Chunks, FileSlice
from streaming.hot.files import chunks_of
from streaming.hot.outbox import Outbox
from streaming.hot.work import NothingSent, Work

Free = Callable[[], None]


class Answering:
    """Writes what doors give to one outbox; each answer's `done` is called once."""

    __slots__ = ("_answer", "_outbox", "_sent_before", "_took_s", "_work")

    def __init__(self, outbox: Outbox, work: Work) -> None:
        self._outbox = outbox
        self._work = work
        self._answer: Answer | None = None
        self._sent_before = 0
        self._took_s = 0.0

    @property
    def begun(self) -> bool:
        """Tell whether an answer is under way."""
        return self._answer is not None

    def write(self, answer: Answer, head: bytes, took_s: float) -> tuple[Chunks, Free] | None:
        """Write an answer, its head finished; give what has to be streamed, and what frees it."""
        body, outbox = answer.body, self._outbox
        before = outbox.sent_bytes
        if isinstance(body, FileSlice) and outbox.sends_files:
            outbox.write_file(head, body)
        elif isinstance(body, bytes):
            outbox.write(head + body)
        elif body is None:
            outbox.write(head)
        else:
            self._begin(answer, before + len(head), took_s)
            if isinstance(body, FileSlice):
                return chunks_of(body), body.release
            return body, _nothing
        if outbox.pending or outbox.broken is not None:
            self._begin(answer, before + len(head), took_s)
        else:
            answer.done(0 if body is None else answer.length, None, took_s)
        return None

    async def stream(self, head: bytes, chunks: Chunks) -> None:
        """Write the chunks of the answer that `write` gave them for.

        Raises: NothingSent, then no answer is under way any more; StoreAway.
        """
        assert self._answer is not None
        try:
            await self._work.stream(head, chunks, self._answer.length)
        except NothingSent:
            self._answer = None
            raise

    def finish(self) -> None:
        """All of it is with the kernel."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.done(0 if answer.body is None else answer.length, None, self._took_s)

    def break_off(self, broken: Broken) -> None:
        """It will not be finished."""
        answer, self._answer = self._answer, None
        if answer is not None:
            sent = self._outbox.sent_bytes - self._sent_before
            answer.done(max(0, min(answer.length, sent)), broken, self._took_s)

    def _begin(self, answer: Answer, sent_before: int, took_s: float) -> None:
        self._answer, self._sent_before, self._took_s = answer, sent_before, took_s


def _nothing() -> None:
    """There is nothing to free."""
