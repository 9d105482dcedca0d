"""The door of /media: lessons that are in memory, their segments sent from open files.

What must be asked of the catalogue, what has not been rendered yet and every refusal is left to the
application; it leaves behind what makes the next request for it hot. An answer that anyone may have
again is kept ready with its head; it holds as long as the view and the token that it was made for.
A request that comes again in the same bytes has its answer with it, as long as the same is true.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import parse_qsl

from catalog.errors import TongbuError
from streaming.hot.door import (
    Answer,
    Broken,
    Chunks,
    Done,
    FileSlice,
    Found,
    Viewer,
    fields_of,
    head_of,
    never,
)
from streaming.hot.files import FileSource
from streaming.hot.head import Head
from streaming.hot.metrics import AnswersCounted
from streaming.vod.access import FOREVER, TOKEN, asker_of
from streaming.vod.app import CORS, Media, read_asked
from streaming.vod.bodies import BodySource
from streaming.vod.kept import Kept
from streaming.vod.reply import Stored, answer
from streaming.vod.target import Target
from streaming.vod.view import View

PREFIX = "/media/"
TARGETS_REMEMBERED = 4096
TARGET_REMEMBERED_CHARS = 512
READY_LIMIT_BYTES = 16 * 1024 * 1024
READY_WEIGHT_BYTES = 1024
MEMO_LIMIT_BYTES = 16 * 1024
ROUTE = "/media/{path}"
_CORS = fields_of(CORS)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A reply as an answer, and what it depends on. `stored`: what the answer is to be given of."""

    lesson: str
    view: View
    until_utc: float
    answer: Answer
    stored: Stored | None


class MediaDoor:
    """Answers below /media what `Media` has at hand."""

    def __init__(
        self,
        media: Media,
        files: FileSource,
        counted: AnswersCounted,
        clock_utc: Callable[[], float] = time.time,
    ) -> None:
        self._media = media
        self._view = media.view
        self._files = files
        self._clock_utc = clock_utc
        self._counted = counted
        self._ready: Kept[tuple[str, str, bool], _Ready] = Kept(READY_LIMIT_BYTES)

    def find(self, head: Head, viewer: Viewer) -> Found:
        """Answer GET or HEAD; None for what is not at hand."""
        memo = head.memo
        if isinstance(memo, _Ready):
            lasts = memo.until_utc == FOREVER or self._clock_utc() < memo.until_utc
            if lasts and self._view(memo.lesson) is memo.view:
                body = memo.answer.body
                if memo.stored is None or (isinstance(body, FileSlice) and body.hold()):
                    return memo.answer
                return self._answer(head, viewer, memo)
        head.memo = None
        read = _remembered if len(head.target) <= TARGET_REMEMBERED_CHARS else _read
        asked = read(head.target)
        if asked is None:
            return None
        target, token = asked
        view = self._view(target.lesson)
        if view is None:
            return None
        if head.fields.conditional:
            made = self._make(head, target, token, view)
        else:
            made = self._make_ready(head, target, token, view)
        return None if made is None else self._answer(head, viewer, made)

    def _make_ready(
        self, head: Head, target: Target, token: str | None, view: View
    ) -> _Ready | None:
        key = (head.method, head.target, head.fields.gzip)
        made = self._ready.any(key)
        if made is None or made.view is not view or self._clock_utc() >= made.until_utc:
            made = self._make(head, target, token, view)
            if made is not None:
                self._ready.put(key, made, made.until_utc, _weight(made))
        if made is not None and _weight(made) <= MEMO_LIMIT_BYTES:
            head.memo = made
        return made

    def _make(self, head: Head, target: Target, token: str | None, view: View) -> _Ready | None:
        try:
            admitted = self._media.admitted(asker_of(token, head.fields.get), view)
        except TongbuError:
            return None
        if admitted is None:
            return None
        suffix, until_utc = admitted
        resource = self._media.kept(target, view, suffix)
        if resource is None:
            return None
        reply = answer(head.method, head.fields, resource)
        done = self._counting(head.method, target.kind.value, reply.status)
        stored = reply.body if isinstance(reply.body, Stored) else None
        body = reply.body if isinstance(reply.body, bytes) else None
        made = Answer(head_of(reply, _CORS), reply.length, body, done)
        return _Ready(target.lesson, view, until_utc, made, stored)

    def _answer(self, head: Head, viewer: Viewer, ready: _Ready) -> Found:
        made, stored = ready.answer, ready.stored
        if stored is None:
            return made
        held = self._files.held(stored)
        if held is None:
            bodies = self._media.bodies_for(ready.lesson, viewer.address, head.fields)
            return self._open(made, stored, bodies)
        found = Answer(made.head, made.length, held, made.done)
        if head.memo is ready and held.hold is not never:
            head.memo = replace(ready, answer=found)
        return found

    async def _open(self, made: Answer, stored: Stored, bodies: BodySource) -> Answer:
        """Open the file, or the stream of a store that has none. Raises: StoreError."""
        begun = time.monotonic()
        body: FileSlice | Chunks | None = await self._files.open(stored)
        self._media.metrics.store_wait.observe(time.monotonic() - begun)
        if body is None:
            body = bodies.read(stored.key, stored.offset, stored.size_bytes)
        return Answer(made.head, made.length, body, made.done)

    def _counting(self, method: str, kind: str, status: int) -> Done:
        """Count an answer as the slower shell does, its labels looked up once."""
        metrics = self._media.metrics
        answers, sent = metrics.answers.labels(kind, str(status)), metrics.sent.labels(kind)
        answered = self._counted.counting(method, ROUTE, status)
        there, at_once = answered.count, answered.at_once

        def done(sent_bytes: int, broken: Broken | None, took_s: float) -> None:
            answers.value += 1
            sent.value += sent_bytes
            if took_s:
                answered.add(took_s)
            else:
                there.value += 1
                at_once[0] += 1
            if broken is not None:
                metrics.aborted.labels(broken.value).inc()

        return done


def _read(target: str) -> tuple[Target, str | None] | None:
    """Read a request's target; escapes are for the application, which knows how to read them."""
    path, _, query = target.partition("?")
    if "%" in path or "#" in target or not path.startswith(PREFIX):
        return None
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=16)
    except ValueError:
        return None
    given = dict(reversed(pairs))
    found = read_asked(path[len(PREFIX) :], given)
    return None if found is None else (found, given.get(TOKEN))


_remembered = lru_cache(TARGETS_REMEMBERED)(_read)


def _weight(ready: _Ready) -> int:
    body = ready.answer.body
    return READY_WEIGHT_BYTES + (len(body) if isinstance(body, bytes) else 0)
