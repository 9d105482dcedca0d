"""The box in a school put together: every part made once, in the order of dependence.

Whoever comes for `/media`, `/live` and `/room` is served as at the origin; the pages are this
program's own, and the API is asked upstream.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import aiohttp
import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.http.pages import Pages, read_dist
from catalog.http.problem import problems
from deploy.edge_cap import PATH as CAP_PATH
from deploy.edge_cap import CapDoor
from deploy.edge_figures import EdgeFigures
from deploy.edge_identity import EdgeIdentity
from deploy.edge_school import School
from deploy.edge_status import Status
from deploy.edge_store import SchoolStore
from deploy.edge_telling import EdgeTelling
from deploy.edge_use import Use
from deploy.listening import OVERHEARD, WATCHED
from deploy.machine import MachineFigures
from deploy.observe import HTTP_METRICS, HttpMetrics, health_routes, observing
from deploy.origin_app import DIST
from deploy.qoe import school_qoe
from deploy.settings import Settings
from deploy.tasks import running
from streaming.edge.answers import Answers
from streaming.edge.cached import Cached
from streaming.edge.cap import Cap, Limits
from streaming.edge.fills import Fills
from streaming.edge.gates import Keys, LiveGate
from streaming.edge.line import Line
from streaming.edge.night import Hours
from streaming.edge.nightly import Nightly, NightSettings
from streaming.edge.pacing import Pacing
from streaming.edge.piece import Piece
from streaming.edge.presentations import Presentations
from streaming.edge.probe import Probe
from streaming.edge.proxy import Proxy
from streaming.edge.relayed import RelayedFeeds
from streaming.edge.rewind import Rewind
from streaming.edge.rooms import RoomRelay, UpstreamClock
from streaming.edge.schedule import Schedule, Wish
from streaming.edge.shelf import Shelf
from streaming.edge.staybook import StayBook
from streaming.edge.staying import Staying
from streaming.edge.titles import Titles
from streaming.edge.turns import Turns
from streaming.edge.upstream import Upstream, UpstreamSettings
from streaming.edge.viewers import Viewers
from streaming.edge.watching import Watching
from streaming.live.app import Live
from streaming.live.metrics import LiveMetrics
from streaming.metrics import MediaMetrics
from streaming.vod.access import Gate
from streaming.vod.app import Media

log = logging.getLogger(__name__)

GIB = 1 << 30
LINE_NAME = "line"
KEEP_LINE_EVERY_S = 30.0
KEYS_EVERY_S = 60.0
KEYS_AGAIN_S = 2.0
SAMPLE_EVERY_S = 1.0


async def edge_app(
    stack: AsyncExitStack, settings: Settings, identity: EdgeIdentity
) -> web.Application:
    """Make the box's application; all that it runs beside itself ends with the stack."""
    school = await _school(stack, settings, identity)
    proxy = Proxy(school.upstream, school.answers, school.titles.hear)
    EdgeFigures(school, school.registry)
    pages = Pages(await asyncio.to_thread(read_dist, DIST))
    status = Status(school, pages.document)
    metrics = HttpMetrics(school.registry)
    use = Use()
    app = web.Application(middlewares=[observing(metrics), use.middleware, problems])
    app[HTTP_METRICS] = metrics
    app.add_routes(health_routes(school.registry, {}))
    app.router.add_get("/edge/status", status.serve)
    app.router.add_get(CAP_PATH, CapDoor(school).serve)
    app.add_routes(school.qoe.door.routes())
    app[OVERHEARD] = school.qoe.overheard
    app[WATCHED] = lambda target, who: school.viewers.hear(target, who, time.monotonic())
    app.router.add_get("/live/{session}/room", school.rooms.serve)
    live = Live(school.feeds, school.gate, school.live_metrics)
    app.add_subapp("/live", live.app())
    app.add_subapp("/media", school.media.app())
    app.router.add_route("*", "/api/{path:.*}", proxy.serve)
    app.add_routes(pages.routes())
    for work, name in (
        (school.watching.run(), "cap"),
        (_keep_line(school.line, school.answers), "line estimate"),
        (_keep_keys(school.keys), "keys"),
        (school.night.run(), "night"),
        (school.staying.run(), "stays"),
        (_listen(school, use), "pulse of the line"),
        (Probe(school.upstream, school.line, school.watching.next_bps).run(), "probe"),
        (_sample(status), "use of the line"),
        (_machine(school).run(), "figures of the machine"),
        (EdgeTelling(school, status.use_bps).run(), "telling"),
    ):
        await stack.enter_async_context(running(work, name))
    return app


async def _school(stack: AsyncExitStack, settings: Settings, identity: EdgeIdentity) -> School:
    registry = CollectorRegistry()
    answers = Answers(settings.server.data / "edge" / "answers.sqlite")
    await answers.open()
    stack.push_async_callback(answers.close)
    line = Line(await _kept_windows(answers))
    upstream = await stack.enter_async_context(_upstream(identity, line))
    shelf = await stack.enter_async_context(_shelf(settings))
    turns = Turns(Schedule[Piece](), time.monotonic)
    stack.callback(turns.close)
    fills: Fills[Wish] = Fills(upstream, turns, shelf)
    stack.push_async_callback(fills.close)
    titles = Titles(answers)
    proxy, keys = Proxy(upstream, answers, titles.hear), Keys(upstream, answers)
    await keys.load()

    def changed(lesson: str) -> None:
        media.forget(lesson)

    cap = Cap(Limits(settings.edge.line_bps, settings.edge.reserve_bps))
    watching = Watching(cap, lambda: line.estimate_bps, shelf.contents, changed)
    presentations = Presentations(upstream, answers, watching.allowed)
    cached = Cached(shelf, fills, presentations.locate, watching.used)

    async def may_watch(request: web.Request, lesson: str) -> bool:
        return await proxy.allows(request, f"/api/v1/lessons/{lesson}")

    media = Media(
        presentations, SchoolStore(cached, presentations, Pacing(watching.share_of)),
        Gate(keys, may_watch), MediaMetrics(registry),
    )  # fmt: skip
    live_metrics, gate, clock = LiveMetrics(registry), LiveGate(keys, proxy), UpstreamClock()
    staying = await _staying(stack, settings, upstream)
    rewind = Rewind(upstream, turns)
    stack.push_async_callback(rewind.close)
    feeds = RelayedFeeds(upstream.dial, live_metrics, rewind.fetch, line, watching.opened)
    stack.push_async_callback(feeds.close)
    watching.follow(feeds)
    night = Nightly(
        _night_settings(settings), upstream, answers, presentations, shelf, fills, turns,
        lambda: line.estimate_bps,
    )  # fmt: skip
    qoe = await school_qoe(stack, registry, settings.server.data, identity, upstream)
    return School(
        identity=identity, settings=settings, registry=registry, upstream=upstream,
        answers=answers, shelf=shelf, line=line, turns=turns, fills=fills,
        presentations=presentations, watching=watching, feeds=feeds, gate=gate, media=media,
        live_metrics=live_metrics, staying=staying, titles=titles, clock=clock, keys=keys,
        viewers=Viewers(), night=night, qoe=qoe,
        rooms=RoomRelay(_dialling(upstream), gate.admitted, clock, staying),
    )  # fmt: skip


async def _staying(stack: AsyncExitStack, settings: Settings, upstream: Upstream) -> Staying:
    book = StayBook(settings.server.data / "edge" / "stays.sqlite")
    staying = Staying(book, _dialling(upstream), upstream)
    await staying.open()
    stack.push_async_callback(staying.close)
    return staying


def _machine(school: School) -> MachineFigures:
    ends = {"box": school.identity.certificate_ends}
    return MachineFigures(school.registry, school.settings.server.data, {}, ends)


def _upstream(identity: EdgeIdentity, line: Line) -> Upstream:
    return Upstream(UpstreamSettings(identity.words.origin), identity.headers, line)


def _shelf(settings: Settings) -> Shelf:
    budget_bytes = int(settings.edge.cache_gib * GIB)
    directory = settings.server.data / "edge" / "shelf"
    return Shelf(directory, budget_bytes)


def _night_settings(settings: Settings) -> NightSettings:
    minutes = settings.edge.night_minutes
    hours = Hours(*minutes) if minutes else None
    return NightSettings(hours, int(settings.edge.night_gib * GIB))


def _dialling(
    upstream: Upstream,
) -> Callable[
    [str, Mapping[str, str]], AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]
]:
    def dial(
        path: str, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        return upstream.dial(path, headers)

    return dial


async def _kept_windows(answers: Answers) -> list[int]:
    kept = await answers.get(LINE_NAME)
    if kept is None:
        return []
    try:
        return msgspec.json.decode(kept.body, type=list[int])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []


async def _keep_line(line: Line, answers: Answers) -> None:
    """Keep the estimate, so that the box knows its line when it starts again."""
    while True:
        await asyncio.sleep(KEEP_LINE_EVERY_S)
        await answers.put(LINE_NAME, msgspec.json.encode(line.state()))


async def _keep_keys(keys: Keys) -> None:
    """Ask for the origin's keys, at first and every now and then."""
    while True:
        answered = await keys.refresh()
        await asyncio.sleep(KEYS_EVERY_S if answered else KEYS_AGAIN_S)


async def _listen(school: School, use: Use) -> None:
    """Know of a cut line soon, sooner while somebody is here."""

    def in_use() -> bool:
        busy = school.rooms.members or school.feeds.feeds or school.watching.seen
        return bool(busy) or use.lately

    await school.upstream.listen(lambda: school.line.arrived_bytes, in_use)


async def _sample(status: Status) -> None:
    while True:
        status.sample()
        await asyncio.sleep(SAMPLE_EVERY_S)
