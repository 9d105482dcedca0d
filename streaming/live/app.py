"""The /live routes: LL-HLS playlists with blocking reload, parts, segments, and the WebSocket.

    app.add_subapp("/live", live.app())

Register other routes below /live (`/live/{session}/room`) in front of it. Raises catalog errors;
the middleware around it makes them problem+json. Who may watch is the gate's business.

Whoever has been let in is known for a moment: `admitted` and `at_hand` let a faster shell
(streaming/hot) answer from memory what this one would, and `waited_for` what comes soon.

Spec: RFC 8216bis 6.2.5 (delivery directives), B.1; Fetch 3.3 (CORS).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Protocol
from weakref import ReferenceType, ref

from aiohttp import web
from yarl import URL

from catalog.errors import NotFound, Unavailable
from catalog.live import FeedName
from streaming.hls.directives import (
    MSN,
    SKIP,
    BadDirective,
    Directives,
    Verdict,
    decide,
    read_directives,
)
from streaming.live.audience import Audience, WatchedFeeds, content_type
from streaming.live.channel import TARGET_DURATION_S
from streaming.live.events import ChannelState
from streaming.live.listing import Listing, packed
from streaming.live.metrics import LiveMetrics, rung_label
from streaming.live.playlists import multivariant_text
from streaming.live.relaying import relay
from streaming.live.stream import stream
from streaming.live.target import Kind, Target, read_target, token_prefix
from streaming.live.track import Track
from streaming.vod.access import TOKEN, Asker, asker_of
from streaming.vod.app import CORS, PREFLIGHT
from streaming.vod.kept import Kept
from streaming.vod.reply import Resource, answer

FOREVER = "private, max-age=31536000, immutable"
WAIT_LIMIT_S = 3.0 * TARGET_DURATION_S
ADMITTED_S = 5.0
ADMITTED_LIMIT = 20_000
LIVE: web.AppKey[Live] = web.AppKey("live")
NO_SUCH_PART = "this session has no such part"
NOT_BEGUN = "the session has not begun: ask again in a moment"


class LiveGate(Protocol):
    """Admits requests."""

    async def admit(self, request: web.Request, session: str, token: str | None) -> None:
        """Let the request in; `token` is that of its path or query. Raises: NoRight, NotFound."""


class Live:
    """Sessions over HTTP and WebSockets."""

    def __init__(
        self,
        feeds: WatchedFeeds,
        gate: LiveGate,
        metrics: LiveMetrics,
        wait_limit_s: float = WAIT_LIMIT_S,
        clock_utc: Callable[[], float] = time.time,
    ) -> None:
        self._feeds = feeds
        self._gate = gate
        self._wait_limit_s = wait_limit_s
        self._clock_utc = clock_utc
        # Who was let in is remembered, not what to: what is over goes.
        self._admitted: Kept[tuple[str, FeedName, Asker], ReferenceType[Audience]] = Kept(
            ADMITTED_LIMIT
        )
        self.metrics = metrics

    def app(self) -> web.Application:
        """Give the application to mount under /live."""
        app = web.Application()
        app[LIVE] = self
        app.router.add_route("GET", "/{path:.*}", self._serve)
        app.router.add_route("HEAD", "/{path:.*}", self._serve)
        app.router.add_route("OPTIONS", "/{path:.*}", _preflight)
        app.on_response_prepare.append(_allow_any_origin)
        return app

    def admitted(self, target: Target, asker: Asker) -> Audience | None:
        """Give the feed if whoever asks was let in a moment ago."""
        known = self._admitted.fresh((target.session, target.feed, asker), time.monotonic())
        feed = known() if known is not None else None
        return None if feed is None or feed.ended else feed

    def at_hand(self, feed: Audience, target: Target, query: Mapping[str, str]) -> Resource | None:
        """Give what is in memory and needs no waiting: playlists, inits, segments, parts."""
        target, query = _as_shown(feed, target, query)
        listing = feed.listings.get(target.rendition)
        if listing is None or not feed.follows(target.rendition, _is_live(target, query)):
            return None
        if target.kind is Kind.PLAYLIST:
            return _listed(feed, listing, query)
        if target.kind is Kind.INIT:
            return _init(feed, listing.track, target)
        if target.kind is Kind.PART:
            found = _part_data(listing.track, target)
        else:
            segment = listing.track.segment(target.number)
            found = segment.data if segment is not None and not segment.gap else None
        return _media(feed, listing.track, target, found) if found else None

    async def waited_for(
        self, feed: Audience, target: Target, query: Mapping[str, str]
    ) -> Resource | None:
        """Give what may have to be waited for. Raises: NotFound, Unavailable, BadDirective."""
        target, query = _as_shown(feed, target, query)
        listing = feed.listings.get(target.rendition)
        if listing is None:
            return None
        if not feed.follows(target.rendition, _is_live(target, query)):
            await feed.follow(target.rendition)
        if target.kind is Kind.PLAYLIST:
            return await self._playlist(query, feed, listing)
        if target.kind is Kind.INIT:
            return _init(feed, listing.track, target)
        if target.kind is Kind.PART:
            return await self._part(feed, listing, target)
        return await self._segment(feed, listing.track, target)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        target = read_target(request.match_info["path"])
        if target is None:
            raise NotFound("there is nothing under this address")
        asked = request.query.get(TOKEN)
        if target.kind in (Kind.STREAM, Kind.RELAY):
            await self._gate.admit(request, target.session, target.token or asked)
            return await self._socket(request, target)
        feed = await self._sought(request, target, target.token or asked)
        if target.kind is Kind.PLAYLIST and asked is not None and target.token is None:
            raise _with_token_in_path(request, asked)
        asker = asker_of(target.token or asked, request.headers.get)
        until = time.monotonic() + ADMITTED_S
        self._admitted.put((target.session, target.feed, asker), ref(feed), until)
        resource = await self._find(request, feed, target, asked)
        if resource is None:
            raise NotFound(NO_SUCH_PART)
        reply = answer("GET", request.headers, resource)
        self.metrics.count(target.kind.value, reply.status, reply.length, request.method)
        body = reply.body if isinstance(reply.body, bytes) else None
        return web.Response(status=reply.status, headers=reply.headers, body=body)

    async def _sought(self, request: web.Request, target: Target, token: str | None) -> Audience:
        """Admit and seek at once: in a school each is a way to the city and back."""
        seeking = asyncio.ensure_future(self._seek(target.session, target.feed))
        try:
            await self._gate.admit(request, target.session, token)
        except BaseException:
            seeking.cancel()
            await asyncio.gather(seeking, return_exceptions=True)
            raise
        return await seeking

    async def _seek(self, session: str, name: FeedName) -> Audience:
        feed = await self._feeds.seek(session, name)
        if feed is None:
            raise NotFound("nothing is live under this address now")
        return feed

    async def _socket(self, request: web.Request, target: Target) -> web.StreamResponse:
        names = {item.value: item for item in FeedName}
        name = names.get(request.query.get("feed", target.feed.value))
        if name is None or request.method != "GET":
            raise NotFound("there is no such feed")
        feed = await self._seek(target.session, name)
        if target.kind is Kind.RELAY:
            return await relay(request, feed, self._clock_utc)
        return await stream(request, feed, self.metrics, self._clock_utc())

    async def _find(
        self, request: web.Request, feed: Audience, target: Target, asked: str | None
    ) -> Resource | None:
        if target.kind is Kind.MULTIVARIANT:
            await self._begun(feed)
            prefix = token_prefix(asked if target.token is None else None)
            return packed(multivariant_text(feed.channel, prefix))
        try:
            return await self.waited_for(feed, target, request.query)
        except BadDirective as error:
            raise web.HTTPBadRequest(text=str(error)) from error

    async def _begun(self, feed: Audience) -> None:
        """Wait for the first whole segment. Raises: Unavailable."""
        try:
            async with asyncio.timeout(self._wait_limit_s):
                await feed.ready.wait()
        except TimeoutError:
            raise Unavailable(NOT_BEGUN) from None
        if not any(listing.published for listing in feed.listings.values()):
            raise Unavailable(NOT_BEGUN)

    async def _playlist(
        self, query: Mapping[str, str], feed: Audience, listing: Listing
    ) -> Resource | None:
        if listing.track.name in feed.channel.gone:
            return None
        asked = read_directives(query)
        await self._begun(feed)
        if not listing.published:
            raise Unavailable(NOT_BEGUN)
        if decide(asked, listing.position()) is Verdict.WAIT:
            await self._wait(feed, listing, asked)
        return listing.resource(asked.skip)

    async def _wait(self, feed: Audience, listing: Listing, asked: Directives) -> None:
        """Wait for what is asked; 503 when that takes three target durations.

        While the publisher is away the playlist as it is is an answer: a player that gave up would
        not be there when the lesson goes on.
        """
        gauge = self.metrics.viewers.labels("hls", rung_label(listing.track.name))
        waiters = feed.waiters[listing.track.name]
        plain = Directives(asked.number, asked.part)
        with gauge.track_inprogress():
            there = await waiters.until(plain, self._wait_limit_s)
        if not there and feed.channel.state is ChannelState.LIVE:
            raise Unavailable("the next part is late: ask again in a moment")

    async def _part(self, feed: Audience, listing: Listing, target: Target) -> Resource | None:
        found = _part_data(listing.track, target)
        if found is None and _is_next(listing.track, target) and not feed.ended:
            asked = Directives(target.number, target.part)
            await feed.waiters[listing.track.name].until(asked, self._wait_limit_s)
            found = _part_data(listing.track, target)
        return None if found is None else _media(feed, listing.track, target, found)

    async def _segment(self, feed: Audience, track: Track, target: Target) -> Resource | None:
        segment = track.segment(target.number)
        if segment is None or segment.gap:
            return None
        data = segment.data or await feed.old(track.name, target.number)
        return None if data is None else _media(feed, track, target, data)


def _is_live(target: Target, query: Mapping[str, str]) -> bool:
    """Tell whether whoever asks takes what comes, not segment by segment what has ended."""
    return target.kind is Kind.PART or (target.kind is Kind.PLAYLIST and MSN in query)


def _as_shown(
    feed: Audience, target: Target, query: Mapping[str, str]
) -> tuple[Target, Mapping[str, str]]:
    """Turn to what is shown in place of a rendition that is gone: whole, as none of it is known."""
    name = feed.instead_of(target.rendition) if target.kind is Kind.PLAYLIST else target.rendition
    if name == target.rendition:
        return target, query
    return replace(target, rendition=name), {k: v for k, v in query.items() if k != SKIP}


def _listed(feed: Audience, listing: Listing, query: Mapping[str, str]) -> Resource | None:
    """Give a playlist that is as far as it is asked to be. Raises: BadDirective."""
    if listing.track.name in feed.channel.gone or not (feed.ready.is_set() and listing.published):
        return None
    asked = read_directives(query)
    there = decide(asked, listing.position()) is Verdict.NOW
    return listing.resource(asked.skip) if there else None


def _with_token_in_path(request: web.Request, token: str) -> web.HTTPTemporaryRedirect:
    """Where a media playlist's relative URLs keep the token of its query."""
    directives = {name: value for name, value in request.query.items() if name != TOKEN}
    folder, _, name = request.path.rpartition("/")
    where = URL.build(path=f"{folder}/{token_prefix(token)}{name}", query=directives)
    return web.HTTPTemporaryRedirect(where)


def _part_data(track: Track, target: Target) -> bytes | None:
    segment = track.segment(target.number)
    parts = segment.parts if segment else ()
    if track.opening is not None and track.opening.number == target.number:
        parts = tuple(track.parts)
    return parts[target.part].data if target.part < len(parts) else None


def _is_next(track: Track, target: Target) -> bool:
    """Tell whether this is a part that a preload hint may have named."""
    number, index = track.next_number, len(track.parts)
    return (target.number, target.part) in ((number, index), (number + 1, 0))


def _init(feed: Audience, track: Track, target: Target) -> Resource | None:
    if target.number >= len(track.runs):
        return None
    return _media(feed, track, target, track.runs[target.number].init.data)


def _media(feed: Audience, track: Track, target: Target, data: bytes) -> Resource:
    """A name is the ETag: media never changes under it."""
    name = (feed.session_id, target.feed.value, target.kind.value, track.name)
    identity = ":".join((*name, str(target.number), str(target.part), str(len(data))))
    etag = blake2b(identity.encode(), digest_size=12).hexdigest()
    return Resource(data, etag, content_type(track), FOREVER, ranges=True)


async def _preflight(request: web.Request) -> web.Response:
    return web.Response(status=204, headers=PREFLIGHT)


async def _allow_any_origin(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(CORS)
