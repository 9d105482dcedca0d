"""The door of /media: lessons that are in memory, their segments sent from open files.

What must be asked of the catalogue, what has not been rendered yet and every refusal is left to the
application; it leaves behind what makes the next request for it hot. An answer that anyone may have
again is kept ready with its head; it holds as long as the view and the token that it was made for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from catalog.errors import TongbuError
from streaming.hot.door import Answer, Broken, Chunks, Done, FileSlice, Found, fields_of, head_of
from streaming.hot.files import FileSource
from streaming.hot.head import Head
from streaming.metrics import MediaMetrics
from streaming.vod.access import TOKEN, asker_of
from streaming.vod.app import CORS, Media, read_asked
from streaming.vod.kept import Kept
from streaming.vod.reply import Reply, Stored, answer
from streaming.vod.target import Target
from streaming.vod.view import View

PREFIX = "/media/"
TARGETS_REMEMBERED = 4096
TARGET_REMEMBERED_CHARS = 512
READY_LIMIT_BYTES = 16 * 1024 * 1024
READY_WEIGHT_BYTES = 1024
_CORS = fields_of(CORS)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A reply with its head, and what it depends on."""

    view: View
    until_utc: float
    head: bytes
    reply: Reply
    done: Done


class MediaDoor:
    """Answers below /media what `Media` has at hand."""

    def __init__(
        self, media: Media, files: FileSource, clock_utc: Callable[[], float] = time.time
    ) -> None:
        self._media = media
        self._files = files
        self._clock_utc = clock_utc
        self._ready: Kept[tuple[str, str, bool], _Ready] = Kept(READY_LIMIT_BYTES)

    def find(self, head: Head) -> Found:
        """Answer GET or HEAD; None for what is not at hand."""
        read = _remembered if len(head.target) <= TARGET_REMEMBERED_CHARS else _read
        asked = read(head.target)
        if asked is None:
            return None
        target, token = asked
        view = self._media.view(target.lesson)
        if view is None:
            return None
        fields = head.fields
        if fields.conditional:
            made = self._make(head, target, token, view)
        else:
            key = (head.method, head.target, fields.gzip)
            made = self._ready.any(key)
            if made is None or made.view is not view or self._clock_utc() >= made.until_utc:
                made = self._make(head, target, token, view)
                if made is not None:
                    self._ready.put(key, made, made.until_utc, _weight(made.reply))
        return None if made is None else self._answer(made)

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
        done = _counting(self._media.metrics, target.kind.value, reply.status)
        return _Ready(view, until_utc, head_of(reply, _CORS), reply, done)

    def _answer(self, made: _Ready) -> Found:
        body = made.reply.body
        if not isinstance(body, Stored):
            return Answer(made.head, made.reply.length, body, made.done)
        held = self._files.held(body)
        if held is not None:
            return Answer(made.head, made.reply.length, held, made.done)
        return self._open(made, body)

    async def _open(self, made: _Ready, stored: Stored) -> Answer:
        """Open the file, or the stream of a store that has none. Raises: StoreError."""
        begun = time.monotonic()
        body: FileSlice | Chunks | None = await self._files.open(stored)
        self._media.metrics.store_wait.observe(time.monotonic() - begun)
        if body is None:
            body = self._media.bodies.read(stored.key, stored.offset, stored.size_bytes)
        return Answer(made.head, made.reply.length, body, made.done)


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


def _weight(reply: Reply) -> int:
    body = reply.body
    return READY_WEIGHT_BYTES + (len(body) if isinstance(body, bytes) else 0)


def _counting(metrics: MediaMetrics, kind: str, status: int) -> Done:
    """Count an answer as the slower shell does, its labels looked up once."""
    answers, sent = metrics.answers.labels(kind, str(status)), metrics.sent.labels(kind)

    def done(sent_bytes: int, broken: Broken | None) -> None:
        answers.inc()
        sent.inc(sent_bytes)
        if broken is not None:
            metrics.aborted.labels(broken.value).inc()

    return done
