"""The origin put together: every part made once, in the order of dependence, ended in reverse.

One function a part; each enters what it needs into the stack and gives what the next ones use.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.accounts import ADMINISTRATOR, first_administrator
from catalog.db.edges_known import KnownEdges
from catalog.db.keys import open_keyring
from catalog.db.lessons import read_lessons
from catalog.db.listen import Listener, listening
from catalog.db.metrics import PoolMetrics
from catalog.db.pool import Pool, make_pool
from catalog.db.presentations import Presentations
from catalog.db.uploads import UploadRows
from catalog.edge_ca_files import CaFolder
from catalog.garbage import sweeping
from catalog.http.edge_feed import EdgeFeedApi
from catalog.http.edges import EdgesApi
from catalog.http.endpoint import Endpoint, add_endpoints
from catalog.http.events import EventsApi
from catalog.http.lessons import LessonsApi
from catalog.http.login import LoginApi
from catalog.http.openapi import DescriptionApi
from catalog.http.pages import Pages, read_dist
from catalog.http.problem import problems
from catalog.http.registry import RegistryApi
from catalog.http.search import SearchApi
from catalog.http.sessions_json import IngestAddresses
from catalog.http.signin import SignIn, SignInSettings
from catalog.http.subtitles import SubtitlesApi
from catalog.http.tus import TusApi
from catalog.http.users import UsersApi
from catalog.passwords import Passwords
from catalog.people import city_day, may_watch
from catalog.search.indexer import search_running
from catalog.search.metrics import SearchMetrics
from catalog.search.tantivy_index import SearchSettings
from catalog.store.metrics import MeasuredStore, StoreMetrics
from catalog.store.port import ObjectStore
from catalog.store.settings import open_store
from catalog.tokens import Grant, Keyring
from catalog.uploads.files import UploadFiles
from catalog.uploads.finish import Finisher
from catalog.uploads.metrics import UploadMetrics
from catalog.uploads.service import Uploads
from catalog.uploads.sweep import Sweeper
from catalog.watching import Watch
from deploy.box_figures import BoxFigures
from deploy.certificates import authority_ends, site_ends
from deploy.checks import Check, database_check
from deploy.edge_cap import PATH as CAP_PATH
from deploy.edge_cap import no_cap
from deploy.edges_commands import EDGE_CA
from deploy.listening import OVERHEARD
from deploy.live_parts import LiveGround, live_parts
from deploy.machine import MachineFigures
from deploy.media_gate import OriginGate
from deploy.observe import (
    HTTP_METRICS,
    HttpMetrics,
    health_routes,
    observing,
)
from deploy.operations_parts import OperationsGround, operations_parts
from deploy.qoe import OriginQoe
from deploy.session_parts import SessionGround, session_endpoints, session_ports
from deploy.settings import Settings
from deploy.tasks import running
from deploy.version import program_version
from streaming.metrics import MediaMetrics
from streaming.vod.app import Media
from transcoder.metrics import WorkMetrics

DIST = Path(__file__).parents[1] / "catalog" / "web" / "dist"


@dataclass(frozen=True, slots=True)
class Ground:
    """What every part of the origin stands on."""

    settings: Settings
    dsn: str
    registry: CollectorRegistry
    pool: Pool
    store: ObjectStore
    listener: Listener
    keyring: Keyring
    passwords: Passwords
    sign_in: SignIn


async def origin_app(stack: AsyncExitStack, settings: Settings, dsn: str) -> web.Application:
    """Make the origin's application; all that it runs beside itself ends with the stack."""
    ground = await _ground(stack, settings, dsn)
    await _first_administrator(ground)
    metrics = HttpMetrics(ground.registry)
    app = web.Application(middlewares=[observing(metrics), problems, ground.sign_in.middleware])
    app[HTTP_METRICS] = metrics
    checks: dict[str, Check] = {
        "database": database_check(ground.pool),
        "store": Check(ground.store.check),
    }
    app.add_routes(health_routes(ground.registry, checks))
    await _figures(stack, ground, checks)
    qoe = OriginQoe(ground.registry, ground.sign_in)
    app.add_routes(qoe.door.routes())
    app[OVERHEARD] = qoe.overheard
    endpoints = [
        *_people(ground),
        *_edges(ground, qoe),
        *await _sessions(stack, ground, app, qoe, checks),
        *await _lessons(stack, ground, app),
        *await _uploads(stack, ground, app),
    ]
    app.router.add_get(CAP_PATH, no_cap)
    add_endpoints(app, [*endpoints, *DescriptionApi(endpoints, program_version()).endpoints()])
    app.add_subapp("/media", _media(ground))
    app.add_routes(Pages(await asyncio.to_thread(read_dist, DIST)).routes())
    await stack.enter_async_context(sweeping(ground.pool, ground.store))
    return app


async def _ground(stack: AsyncExitStack, settings: Settings, dsn: str) -> Ground:
    registry = CollectorRegistry()
    pool = await stack.enter_async_context(make_pool(dsn, settings.database.pool))
    PoolMetrics(pool, registry)
    opened = await stack.enter_async_context(open_store(settings.store, settings.server.data))
    listener = await stack.enter_async_context(listening(dsn))
    keyring = await stack.enter_async_context(open_keyring(pool))
    edges = KnownEdges(pool)
    edges.attach(listener)
    await stack.enter_async_context(running(edges.run(), "edges"))
    sign_in = SignIn(pool, _sign_in_settings(settings), edges=edges)
    store = MeasuredStore(opened, StoreMetrics(registry))
    return Ground(settings, dsn, registry, pool, store, listener, keyring, Passwords(), sign_in)


async def _figures(stack: AsyncExitStack, ground: Ground, checks: Mapping[str, Check]) -> None:
    registry, server = ground.registry, ground.settings.server
    ends = {"authority": authority_ends(CaFolder(server.data / EDGE_CA))}
    site = site_ends(server.public_url)
    if site is not None:
        ends["public"] = site
    for work, name in (
        (WorkMetrics(registry).run(ground.pool), "figures of the work"),
        (BoxFigures(registry).run(ground.pool), "figures of the boxes"),
        (MachineFigures(registry, server.data, checks, ends).run(), "figures of the machine"),
    ):
        await stack.enter_async_context(running(work, name))


async def _first_administrator(ground: Ground) -> None:
    wanted = ground.settings.admin.password
    made = await first_administrator(ground.pool, ground.passwords, city_day(time.time()), wanted)
    if made:
        sys.stdout.write(
            f"first start: sign in as {ADMINISTRATOR} with the password {made} (shown only now)\n"
        )


def _sign_in_settings(settings: Settings) -> SignInSettings:
    return SignInSettings(public_url=settings.server.public_url, proxies=settings.server.proxies)


def _people(ground: Ground) -> Sequence[Endpoint]:
    login = LoginApi(
        ground.pool, ground.sign_in, ground.passwords, _sign_in_settings(ground.settings)
    )
    return [
        *login.endpoints(),
        *RegistryApi(ground.pool).endpoints(),
        *UsersApi(ground.pool, ground.passwords).endpoints(),
    ]


def _edges(ground: Ground, qoe: OriginQoe) -> Sequence[Endpoint]:
    ca = CaFolder(ground.settings.server.data / EDGE_CA)
    source = Presentations(ground.pool)
    feed = EdgeFeedApi(ground.pool, source, ground.keyring, ca, reported=qoe.reported)
    return [
        *EdgesApi(ground.pool, ground.sign_in, ground.keyring, ca).endpoints(),
        *feed.endpoints(),
    ]


async def _sessions(
    stack: AsyncExitStack, ground: Ground, app: web.Application, qoe: OriginQoe,
    checks: Mapping[str, Check],
) -> Sequence[Endpoint]:  # fmt: skip
    settings = ground.settings
    about = SessionGround(
        ground.pool, ground.store, ground.listener, ground.keyring, ground.sign_in, settings.server
    )
    ports = await session_ports(stack, about)
    doors = await live_parts(
        stack, app,
        LiveGround(settings.live, ground.dsn, ground.registry, ground.store, ground.listener,
                   ground.keyring, ground.sign_in, ports),
    )  # fmt: skip
    addresses = IngestAddresses(settings.live.rtmp_public_port or doors.rtmp_port, doors.srt_port)
    watched = OperationsGround(
        ground.pool, ground.listener, doors.live, qoe.viewed, checks, settings.server.data
    )
    return [
        *session_endpoints(app, about, ports, addresses, doors.capacity, doors.cameras),
        *await operations_parts(stack, app, watched),
    ]


async def _lessons(
    stack: AsyncExitStack, ground: Ground, app: web.Application
) -> Sequence[Endpoint]:
    def token_for(lesson: str) -> str:
        now_utc = int(time.time())
        return ground.keyring.sign(Grant(lesson, now_utc, now_utc + ground.settings.server.token_s))

    search = SearchMetrics(ground.registry)
    index = SearchSettings(ground.settings.server.data / "search")
    reader = await stack.enter_async_context(
        search_running(ground.pool, ground.listener, index, search)
    )
    watch = Watch(ground.pool)
    watch.attach(ground.listener)
    app.on_shutdown.append(_calling(watch.close))
    await stack.enter_async_context(running(watch.run(), "lesson watch"))
    return [
        *SearchApi(ground.pool, reader, token_for, search).endpoints(),
        *LessonsApi(ground.pool, token_for, _now).endpoints(),
        *SubtitlesApi(ground.pool).endpoints(),
        *EventsApi(watch).endpoints(),
    ]


def _media(ground: Ground) -> web.Application:
    async def watches(request: web.Request, lesson: str) -> bool:
        viewer = await ground.sign_in.viewer(request)
        async with ground.pool.connection() as connection:
            found = await read_lessons(connection, [lesson])
        return any(may_watch(viewer, record.place) for record in found)

    media = Media(
        Presentations(ground.pool), ground.store,
        OriginGate(ground.keyring, watches, ground.sign_in), MediaMetrics(ground.registry),
    )  # fmt: skip
    # After a gap nothing is forgotten: what is kept expires by itself within a minute.
    ground.listener.subscribe("lesson", media.forget, _nothing)
    return media.app()


async def _uploads(
    stack: AsyncExitStack, ground: Ground, app: web.Application
) -> Sequence[Endpoint]:
    settings = ground.settings.upload
    directory = ground.settings.server.data / "uploads"
    files = await asyncio.to_thread(UploadFiles, directory, settings.min_free_bytes)
    stack.push_async_callback(files.close)
    rows = UploadRows(ground.pool)
    finisher = Finisher(rows, files, ground.store)
    uploads = Uploads(settings, ground.pool, rows, files, finisher, _now)
    sweeper = Sweeper(rows, files, finisher, _now)
    await stack.enter_async_context(running(sweeper.run(settings.sweep_every_s), "upload sweeper"))
    app.on_shutdown.append(lambda _: uploads.drain())
    return TusApi(uploads, UploadMetrics(ground.registry)).endpoints()


def _nothing() -> None:
    """Do nothing."""


def _calling(end: Callable[[], None]) -> Callable[[web.Application], Awaitable[None]]:
    async def call(_: web.Application) -> None:
        end()

    return call


def _now() -> datetime:
    return datetime.now(UTC)
