"""The door of /live: playlists, inits, segments and parts, for who was let in a moment ago.

What is in memory is answered at once, what is on its way is waited for. The gate is asked by the
application: a request of someone who is not known, or not any more, goes there and makes him known.
A wait that was in vain is told here, since the application would wait anew.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qsl

from catalog.errors import Unavailable
from streaming.hls.directives import BadDirective
from streaming.hot.door import Answer, Broken, Done, Found, Viewer, fields_of, head_of
from streaming.hot.head import Head
from streaming.hot.metrics import AnswersCounted
from streaming.live.app import NO_SUCH_PART, Live
from streaming.live.audience import Audience
from streaming.live.target import Kind, Target, read_target
from streaming.vod.access import TOKEN, asker_of
from streaming.vod.app import CORS
from streaming.vod.reply import Reply, Resource, Stored, answer

PREFIX = "/live/"
ROUTE = "/live/{path}"
TARGETS_REMEMBERED = 4096
TARGET_REMEMBERED_CHARS = 1024
RETRY_AFTER_S = 2
MADE_LIMIT = 64
MADE_LIMIT_BYTES = 256 * 1024
KINDS = frozenset({Kind.PLAYLIST, Kind.INIT, Kind.SEGMENT, Kind.PART})
_CORS = fields_of(CORS)


class LiveDoor:
    """Answers below /live what `Live` has at hand, or soon.

    What many ask for at the same time is made once: its answer is kept for a while.
    """

    def __init__(self, live: Live, counted: AnswersCounted) -> None:
        self._live = live
        self._counted = counted
        self._made: OrderedDict[tuple[str, str, bool], tuple[bytes | Stored, Answer]] = (
            OrderedDict()
        )
        self._dones: dict[tuple[str, int, str], Done] = {}

    def find(self, head: Head, viewer: Viewer) -> Found:
        """Answer GET or HEAD, at once or when it is there; None for what is not its business."""
        read = _remembered if len(head.target) <= TARGET_REMEMBERED_CHARS else _read
        asked = read(head.target)
        if asked is None:
            return None
        target, query = asked
        asker = asker_of(target.token or query.get(TOKEN), head.fields.get)
        feed = self._live.admitted(target, asker)
        if feed is None:
            return None
        try:
            resource = self._live.at_hand(feed, target, query)
        except BadDirective:
            return None
        if resource is not None:
            return self._answer(head, target, resource)
        return self._wait(head, feed, target, query)

    async def _wait(
        self, head: Head, feed: Audience, target: Target, query: Mapping[str, str]
    ) -> Answer:
        try:
            resource: Resource | None = await self._live.waited_for(feed, target, query)
        except Unavailable as error:
            return self._make(head, _told(503, str(error)), self._told_done(head.method, 503))
        if resource is None:
            return self._make(head, _told(404, NO_SUCH_PART), self._told_done(head.method, 404))
        return self._answer(head, target, resource)

    def _answer(self, head: Head, target: Target, resource: Resource) -> Answer:
        fields, body = head.fields, resource.body
        key = (resource.etag, head.method, fields.gzip)
        known = self._made.get(key)
        if known is not None and known[0] is body and not fields.conditional:
            return known[1]
        reply = answer("GET", fields, resource)
        made = self._make(head, reply, self._done(target.kind.value, reply.status, head.method))
        if not fields.conditional and resource.size_bytes <= MADE_LIMIT_BYTES:
            self._made[key] = body, made
            if len(self._made) > MADE_LIMIT:
                self._made.popitem(last=False)
        return made

    def _make(self, head: Head, reply: Reply, done: Done) -> Answer:
        body = reply.body if isinstance(reply.body, bytes) and head.method == "GET" else None
        return Answer(head_of(reply, _CORS), reply.length, body, done)

    def _done(self, kind: str, status: int, method: str) -> Done:
        """Give what counts an answer as the slower shell does, its labels looked up once."""
        found = self._dones.get((kind, status, method))
        if found is None:
            metrics = self._live.metrics
            answers, sent = metrics.answers.labels(kind, str(status)), metrics.sent.labels("hls")
            answered = self._counted.counting(method, ROUTE, status)

            def done(sent_bytes: int, broken: Broken | None, took_s: float) -> None:
                answers.value += 1
                sent.value += sent_bytes
                answered.add(took_s)

            found = self._dones[kind, status, method] = done
        return found

    def _told_done(self, method: str, status: int) -> Done:
        answered = self._counted.counting(method, ROUTE, status)

        def done(sent_bytes: int, broken: Broken | None, took_s: float) -> None:
            answered.add(took_s)

        return done


def _told(status: int, detail: str) -> Reply:
    """Say in the words of problem+json (RFC 9457) what came of waiting."""
    body = json.dumps({"title": HTTPStatus(status).phrase, "status": status, "detail": detail})
    headers = {"Cache-Control": "no-store", "Content-Type": "application/problem+json"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return Reply(status, headers, len(body), body.encode())


def _read(target: str) -> tuple[Target, Mapping[str, str]] | None:
    """Read a request's target; what is redirected, escaped or no file is for the application."""
    path, _, query = target.partition("?")
    if "%" in path or "#" in target or not path.startswith(PREFIX):
        return None
    found = read_target(path[len(PREFIX) :])
    if found is None or found.kind not in KINDS:
        return None
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=16)
    except ValueError:
        return None
    given = dict(reversed(pairs))
    if found.kind is Kind.PLAYLIST and TOKEN in given and found.token is None:
        return None
    return found, given


_remembered = lru_cache(TARGETS_REMEMBERED)(_read)
