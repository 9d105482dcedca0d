"""The upload service on a real database, directory and port, for tests to talk tus to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from catalog.db.pool import Pool
from catalog.db.uploads import UploadRows
from catalog.http.tus import PATH, TusApi
from catalog.ids import new_id
from catalog.people import Viewer
from catalog.store.local import LocalSettings, LocalStore
from catalog.store.port import ObjectStore
from catalog.uploads.files import UploadFiles
from catalog.uploads.finish import Finisher
from catalog.uploads.metrics import UploadMetrics
from catalog.uploads.service import Uploads
from catalog.uploads.settings import UploadSettings
from catalog.uploads.sweep import Sweeper
from tests.support.lessons import PERSON, add_person, add_school, signed_app, teacher

MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"


def media(size_bytes: int) -> bytes:
    """Bytes that begin like an MP4 and do not repeat."""
    blocks = -(-size_bytes // 32)
    noise = b"".join(hashlib.sha256(index.to_bytes(8)).digest() for index in range(blocks))
    return (MP4 + noise)[:size_bytes]


@dataclass
class Clock:
    """Wall time that a test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Parts:
    """Everything of the service."""

    pool: Pool
    rows: UploadRows
    files: UploadFiles
    store: ObjectStore
    finisher: Finisher
    uploads: Uploads
    sweeper: Sweeper
    clock: Clock


@dataclass
class Desk:
    """A running service and a signed-in client."""

    parts: Parts
    viewers: dict[str, Viewer]
    client: aiohttp.ClientSession
    url: str
    person: str
    runner: web.AppRunner
    directory: Path

    def headers(self, more: dict[str, str] | None = None, person: str = "") -> dict[str, str]:
        """Headers of a tus request of the desk's teacher, or of another person."""
        return {"Tus-Resumable": "1.0.0", PERSON: person or self.person, **(more or {})}

    async def create(self, size: int, metadata: dict[str, str] | None = None) -> str:
        """Begin an upload; give its address."""
        wish = {"Upload-Length": str(size), **meta(metadata or {"filename": "课.mp4"})}
        async with self.client.post(self.url, headers=self.headers(wish)) as answer:
            assert answer.status == 201, await answer.text()
            return absolute(self.url, answer.headers["Location"])

    async def patch(
        self, where: str, offset: int, body: bytes, more: dict[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        """Send bytes."""
        headers = self.headers({"Upload-Offset": str(offset), **BODY, **(more or {})})
        async with self.client.patch(where, data=io.BytesIO(body), headers=headers) as answer:
            await answer.read()
            return answer

    async def send_parts(self, pieces: list[bytes]) -> list[str]:
        """Send parts of an upload, each whole; give their locations."""
        found = []
        for piece in pieces:
            wish = {"Upload-Length": str(len(piece)), "Upload-Concat": "partial", **BODY}
            async with self.client.post(self.url, data=piece, headers=self.headers(wish)) as answer:
                assert answer.status == 201
                assert "Tongbu-Lesson" not in answer.headers
                found.append(answer.headers["Location"])
        return found

    async def head(self, where: str) -> aiohttp.ClientResponse:
        """Ask where an upload stands."""
        async with self.client.head(where, headers=self.headers()) as answer:
            return answer

    async def one(self, query: str, *values: object) -> dict[str, object]:
        """Read one row."""
        async with self.parts.pool.connection() as connection:
            row = await (await connection.execute(query.encode(), values)).fetchone()
        assert row is not None
        return row

    async def stored(self, key: str) -> bytes:
        """Read an object."""
        async with self.parts.store.read(key, 0, 1 << 40) as chunks:
            return b"".join([chunk async for chunk in chunks])


BODY = {"Content-Type": "application/offset+octet-stream"}


def meta(metadata: dict[str, str]) -> dict[str, str]:
    """The Upload-Metadata header."""
    pairs = [f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in metadata.items()]
    return {"Upload-Metadata": ",".join(pairs)}


def checksum(algorithm: str, body: bytes) -> dict[str, str]:
    """The Upload-Checksum header."""
    digest = base64.b64encode(hashlib.new(algorithm, body).digest()).decode()
    return {"Upload-Checksum": f"{algorithm} {digest}"}


def absolute(url: str, location: str) -> str:
    """Resolve a Location."""
    return url.removesuffix(PATH) + location


def build(
    pool: Pool,
    directory: Path,
    settings: UploadSettings,
    store: ObjectStore | None = None,
    files: UploadFiles | None = None,
    rows: UploadRows | None = None,
) -> Parts:
    """Compose the service as the composition root does; call it off the loop."""
    clock = Clock()
    rows = rows or UploadRows(pool)
    files = files or UploadFiles(directory / "uploads", settings.min_free_bytes)
    store = store or LocalStore(LocalSettings(directory / "objects", min_free_bytes=0))
    finisher = Finisher(rows, files, store)
    uploads = Uploads(settings, pool, rows, files, finisher, clock)
    sweeper = Sweeper(rows, files, finisher, clock)
    return Parts(pool, rows, files, store, finisher, uploads, sweeper, clock)


def make_app(parts: Parts, viewers: dict[str, Viewer]) -> web.Application:
    """The upload endpoints."""
    return signed_app([TusApi(parts.uploads, UploadMetrics(CollectorRegistry()))], viewers)


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[tuple[web.AppRunner, str]]:
    """Serve an application on a free port; give its upload address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        yield runner, f"http://{host}:{port}{PATH}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def desk(
    pool: Pool,
    directory: Path,
    settings: UploadSettings | None = None,
    store: ObjectStore | None = None,
) -> AsyncIterator[Desk]:
    """Run the service with a teacher who is signed in."""
    settings = settings or UploadSettings(min_free_bytes=0)
    parts = await asyncio.to_thread(build, pool, directory, settings, store)
    async with pool.connection() as connection:
        school = await add_school(connection, f"实验小学{new_id()}")
        person = await add_person(connection)
    viewers = {person: teacher(person, school)}
    async with (
        serving(make_app(parts, viewers)) as (runner, url),
        aiohttp.ClientSession() as client,
    ):
        yield Desk(parts, viewers, client, url, person, runner, directory)
    await parts.uploads.drain()
    await parts.files.close()
    await parts.store.close()
