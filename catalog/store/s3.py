"""The object store in an S3 bucket.

minio's client is the control plane (bucket, list, stat, delete: short calls in threads) and signs
addresses; aiohttp moves the bytes, a chunk at a time and without a thread a viewer. S3 shows an
object when its upload is complete, never before: that gives the port's promise. Big files go up in
parts.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import aiofiles
import urllib3
from aiohttp import ClientError, ClientResponse
from minio import Minio
from minio.error import MinioException, S3Error

from catalog.store.answers import refusal
from catalog.store.keys import require_key, require_prefix
from catalog.store.local import CHUNK_BYTES
from catalog.store.multipart import PART_BYTES, drop_old_parts, file_piece, put_parts
from catalog.store.port import ObjectInfo, StoreAway, StoreError
from catalog.store.proof import prove
from catalog.store.wire import Body, Wire, WireSettings, make_session

log = logging.getLogger(__name__)

CONTROL_THREADS = 8
LIST_PAGE = 1000
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the bucket is and who we are there. The endpoint is http(s)://host[:port]."""

    endpoint: str
    bucket: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    prefix: str = ""
    part_bytes: int = PART_BYTES
    wire: WireSettings = field(default_factory=WireSettings)

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"endpoint must be http(s)://host[:port], not {self.endpoint!r}")
        if parts.username or parts.query:
            raise ValueError("endpoint must not carry credentials: set access_key and secret_key")
        if not _BUCKET.fullmatch(self.bucket):
            raise ValueError(f"bucket must be an S3 bucket's name, not {self.bucket!r}")
        if not (self.access_key and self.secret_key):
            raise ValueError("access_key and secret_key are needed for S3")
        require_prefix(self.prefix)


@asynccontextmanager
async def s3_store(settings: S3Settings) -> AsyncIterator[S3Store]:
    """Open the store and make its bucket; when the store is away now, say so and go on."""
    store = S3Store(settings)
    try:
        try:
            await store.prepare()
        except StoreAway as error:
            log.warning("the object store is away: %s", error)
        yield store
    finally:
        await store.close()


class S3Store:
    """An `ObjectStore` in a bucket; make it in the loop that uses it."""

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self._client = _client(settings)
        self._session = make_session(settings.wire)
        self._wire = Wire(self._client, self._session, settings.bucket)
        self._threads = ThreadPoolExecutor(CONTROL_THREADS, "s3")

    async def prepare(self) -> None:
        """Make the bucket if missing, with a rule that drops parts which a dead process left.

        Raises: StoreError.
        """
        bucket = self.settings.bucket
        if await self._control(bucket, partial(self._client.bucket_exists, bucket)):
            return
        await self._control(bucket, partial(self._client.make_bucket, bucket))
        rule = partial(self._client.set_bucket_lifecycle, bucket, drop_old_parts())
        await self._control(bucket, rule)
        log.info("made the bucket %s", bucket)

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Send the file from disk, in parts when it is bigger than one."""
        name = self._name(key)
        size = (await asyncio.to_thread(path.stat)).st_size
        if size > self.settings.part_bytes:
            part_bytes = self.settings.part_bytes
            await put_parts(self._wire, name, path, size, content_type, part_bytes)
        else:
            await self._put(name, partial(file_piece, path, 0, size), size, content_type)

    async def put_bytes(self, key: str, body: bytes, content_type: str) -> None:
        """Send body in one request."""
        await self._put(self._name(key), lambda: body, len(body), content_type)

    async def _put(self, name: str, body: Body, size_bytes: int, content_type: str) -> None:
        headers = {"Content-Type": content_type, "Content-Length": str(size_bytes)}
        async with self._wire.call("PUT", name, headers=headers, body=body) as answer:
            await answer.read()

    @asynccontextmanager
    async def read(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a range; leaving early closes the connection, reading to the end keeps it."""
        name = self._name(key)
        if length == 0:
            await self.info(key)
            yield _nothing()
            return
        last = "" if length is None else offset + length - 1
        headers = {"Range": f"bytes={offset}-{last}"} if offset or length is not None else None
        async with self._wire.call("GET", name, headers=headers) as answer:
            if headers and answer.status == 200:
                raise StoreAway("the S3 store ignores Range: it cannot serve media")
            chunks = _nothing() if answer.status == 416 else _chunks(key, answer)
            async with aclosing(chunks):
                yield chunks

    async def local_path(self, key: str) -> Path | None:
        """None: the object's bytes are elsewhere."""
        require_key(key)
        return None

    async def fetch(self, key: str, path: Path) -> None:
        """Copy the object to path, which appears when it is whole."""
        half = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        try:
            async with self.read(key) as chunks, aiofiles.open(half, "xb") as file:
                async for chunk in chunks:
                    await file.write(chunk)
            await asyncio.to_thread(half.replace, path)
        finally:
            await asyncio.to_thread(half.unlink, missing_ok=True)

    async def info(self, key: str) -> ObjectInfo:
        """Ask for size and age."""
        name = self._name(key)
        seen = await self._control(
            key, partial(self._client.stat_object, self.settings.bucket, name)
        )
        return ObjectInfo(key, seen.size, seen.last_modified.timestamp())

    async def delete(self, key: str) -> None:
        """Remove the object."""
        name = self._name(key)
        await self._control(key, partial(self._client.remove_object, self.settings.bucket, name))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """List page by page."""
        name = self.settings.prefix + require_prefix(prefix)
        found = self._client.list_objects(self.settings.bucket, prefix=name, recursive=True)
        while page := await self._control(prefix, lambda: list(islice(found, LIST_PAGE))):
            for item in page:
                key = item.object_name.removeprefix(self.settings.prefix)
                yield ObjectInfo(key, item.size, item.last_modified.timestamp())

    async def check(self) -> None:
        """Make sure of the bucket, then write, read and delete a small object."""
        await prove(self)

    async def close(self) -> None:
        """Close connections and end the threads."""
        await self._session.close()
        self._threads.shutdown(wait=False)

    def _name(self, key: str) -> str:
        return self.settings.prefix + require_key(key)

    async def _control(self, key: str, work: Callable[[], T]) -> T:
        """Do a call of the SDK in a thread; its errors come back as the port's."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work)
        except S3Error as error:
            status = getattr(error.response, "status", 0)
            raise _refused(key, status, error) from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreAway(f"the S3 store does not answer ({type(error).__name__})") from error


def _refused(key: str, status: int, error: S3Error) -> StoreError:
    return refusal(key, status, error.code or "", error.message or "").error


def _client(settings: S3Settings) -> Minio:
    parts = urlsplit(settings.endpoint)
    limits = urllib3.Timeout(settings.wire.connect_limit_s, settings.wire.silence_limit_s)
    pool = urllib3.PoolManager(
        timeout=limits,
        maxsize=CONTROL_THREADS,
        retries=urllib3.Retry(2, backoff_factor=0.1, status_forcelist=[500, 502, 503, 504]),
    )
    return Minio(
        parts.netloc,
        settings.access_key,
        settings.secret_key,
        secure=parts.scheme == "https",
        region=settings.region,
        http_client=pool,
    )


async def _chunks(key: str, answer: ClientResponse) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            yield chunk
    except (ClientError, TimeoutError, OSError) as error:
        raise StoreAway(f"the S3 store broke off in the middle of {key}") from error


async def _nothing() -> AsyncGenerator[bytes, None]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
