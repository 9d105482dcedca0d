"""Everything that crosses the school's line by HTTP: one client with the edge's credential.

Texts are bounded and come whole; media comes as it arrives, told to the meter. Each media transfer
holds a connection of its own while it runs, so texts never wait behind one; how many run at once is
for the schedule to say. When the upstream cannot be reached the line counts as cut: requests fail
at once, WebSockets wait, and knocks find out when it is back.

Redirects are not followed and cookies not kept: the credential goes to one place only.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import aiohttp
from yarl import URL

from streaming.edge.arrival import Broken
from streaming.edge.drip import SILENCE_S, WINDOW_S, Drip
from streaming.edge.pulse import KNOCK_LIMIT_S
from streaming.edge.reach import KNOCK_FIRST_S, KNOCK_THEN_S, Cut, Reach
from streaming.edge.reach import LineCut as LineCut
from streaming.errors import StreamingError

TEXT_LIMIT_BYTES = 16 * 1024 * 1024
TEXTS_AT_ONCE = 8
MESSAGE_LIMIT_BYTES = 64 * 1024 * 1024
HEARTBEAT_S = 5.0
FAREWELL = aiohttp.ClientWSTimeout(ws_close=0.5)  # nobody answers on a line that is cut
CHUNK_BYTES = 64 * 1024
VOUCHER = "Tongbu-Edge"
KNOCK_PATH = "/healthz"
KNOCK_LIMIT_BYTES = 1024
KEPT_OPEN_S = 60.0  # longer than the pause between two knocks, less than an origin waits


class BadAnswer(StreamingError):
    """The upstream said something that cannot be used."""


class Meter(Protocol):
    """Who learns what the line carries; times are monotonic seconds."""

    def began(self, now: float) -> None:
        """A media transfer runs."""

    def arrived(self, size_bytes: int, now: float) -> None:
        """Bytes came."""

    def ended(self, now: float) -> None:
        """A media transfer runs no more."""


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """Where the upstream is and how long it may take."""

    base_url: str
    connect_s: float = 5.0
    dial_s: float = 2.5
    head_s: float = 10.0
    forward_s: float = 60.0
    text_s: float = 20.0
    silence_s: float = SILENCE_S
    window_s: float = WINDOW_S
    knock_s: float = KNOCK_LIMIT_S
    knock_first_s: float = KNOCK_FIRST_S
    knock_then_s: float = KNOCK_THEN_S


@dataclass(frozen=True, slots=True)
class Answer:
    """A text and what was said about it; headers in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """The head of a media answer, and its bytes as they come."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None]


class Upstream:
    """The origin, or another edge. Use as a context: it owns a session and the knocking task."""

    def __init__(
        self,
        settings: UpstreamSettings,
        identity: Callable[[], Mapping[str, str]],
        meter: Meter,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._meter = meter
        self._tls = tls
        self._clock = clock
        self._base = URL(settings.base_url.rstrip("/"))
        self._texts = asyncio.Semaphore(TEXTS_AT_ONCE)
        self._reach = Reach(self._knock, settings.knock_first_s, settings.knock_then_s, clock)
        self._session: aiohttp.ClientSession | None = None
        self._answered = 0

    @property
    def cut(self) -> Cut | None:
        """Since when the line is cut; None when it is not."""
        return self._reach.cut

    @property
    def cuts(self) -> int:
        """How often it was cut since the start."""
        return self._reach.cuts

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=self._tls or True, keepalive_timeout=KEPT_OPEN_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.connect_s),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._reach.close()
        if self._session is not None:
            await self._session.close()

    async def reachable(self) -> None:
        """Return when the line is not cut."""
        await self._reach.back()

    async def listen(self, heard: Callable[[], int], in_use: Callable[[], bool]) -> None:
        """Find out that the line is cut while nobody asks for anything; for a task.

        `heard` grows with whatever else comes over the line, `in_use`: somebody uses the box.
        """
        await self._reach.listen(lambda: self._answered + heard(), in_use)

    async def text(self, path: str, etag: str = "") -> Answer:
        """Get a text whole, whatever its status; 304 when it still has this tag.

        Raises: LineCut, BadAnswer.
        """
        headers = {"If-None-Match": etag} if etag else {}
        async with self._texts:
            try:
                async with asyncio.timeout(self._settings.text_s):
                    async with self._get(path, headers) as response:
                        body = await self._whole(path, response)
                        return Answer(response.status, response.headers, body)
            except TimeoutError as error:
                self._reach.suspect(path)
                raise BadAnswer(f"{path} took longer than {self._settings.text_s} s") from error
            except (aiohttp.ClientError, Broken) as error:
                raise BadAnswer(f"{path} broke off: {error}") from error

    @asynccontextmanager
    async def media(
        self, path: str, headers: Mapping[str, str], *, paced: bool = False
    ) -> AsyncIterator[Incoming]:
        """Open a transfer of media; it runs until the context is left.

        Its chunks raise Broken when the answer breaks off or drips. `paced`: the upstream sends it
        so fast and no faster, which is no measure of the line.
        Raises: LineCut, Broken.
        """
        asked = {"Accept-Encoding": "identity", **headers}
        async with self._get(path, asked) as response:
            with nullcontext() if paced else self._measured():
                async with aclosing(self._chunks(path, response)) as chunks:
                    yield Incoming(response.status, response.headers, chunks)

    @contextmanager
    def _measured(self) -> Iterator[None]:
        self._meter.began(self._clock())
        try:
            yield
        finally:
            self._meter.ended(self._clock())

    @asynccontextmanager
    async def forward(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: AsyncIterator[bytes] | None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request of somebody here: its own headers, and the box's word that it is theirs.

        Raises: LineCut, aiohttp.ClientError, TimeoutError.
        """
        self._reach.require()
        try:
            async with self._reach.waiting(None if body else self._settings.forward_s):
                response = await self._open_session().request(
                    method,
                    self._url(path),
                    headers={**headers, **self._voucher()},
                    data=body,
                    allow_redirects=False,
                )
        except (aiohttp.ServerDisconnectedError, TimeoutError):
            self._reach.suspect(path)
            raise
        except aiohttp.ClientConnectionError as error:
            raise self._reach.note_cut(error) from error
        self._answered += 1
        async with response:
            yield response

    @asynccontextmanager
    async def dial(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket, the box's own or somebody's with these headers, when there is a line.

        Raises: aiohttp.ClientError, TimeoutError.
        """
        await self._reach.back()
        asked = self._identity() if headers is None else {**headers, **self._voucher()}
        try:
            async with asyncio.timeout(self._settings.dial_s):
                socket = await self._open_session().ws_connect(
                    self._url(path), headers=asked, heartbeat=HEARTBEAT_S,
                    max_msg_size=MESSAGE_LIMIT_BYTES, timeout=FAREWELL,
                )  # fmt: skip
        except TimeoutError:
            self._reach.suspect(path)
            raise
        except aiohttp.ClientConnectorError as error:
            self._reach.note_cut(error)
            raise
        self._answered += 1
        async with socket:
            yield socket

    @asynccontextmanager
    async def _get(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        self._reach.require()
        try:
            response = await self._head(path, headers)
        except aiohttp.ServerDisconnectedError as error:
            self._reach.suspect(path)
            raise Broken(f"{path}: the connection ended") from error
        except aiohttp.ClientConnectionError as error:
            raise self._reach.note_cut(error) from error
        except TimeoutError as error:
            self._reach.suspect(path)
            raise Broken(f"{path}: no answer in time") from error
        except aiohttp.ClientError as error:
            raise Broken(f"{path}: no HTTP answer: {type(error).__name__}") from error
        try:
            yield response
        finally:
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    async def _head(self, path: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        async with self._reach.waiting(self._settings.head_s):
            return await self._get_head(path, {**headers, **self._identity()})

    async def _get_head(self, path: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        response = await self._open_session().get(
            self._url(path), headers=headers, allow_redirects=False
        )
        self._answered += 1
        return response

    async def _whole(self, path: str, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            body += chunk
            if len(body) > TEXT_LIMIT_BYTES:
                raise BadAnswer(f"{path} is longer than {TEXT_LIMIT_BYTES >> 20} MiB")
        self._meter.arrived(response.content_length or len(body), self._clock())
        return bytes(body)

    async def _chunks(
        self, path: str, response: aiohttp.ClientResponse
    ) -> AsyncGenerator[bytes, None]:
        settings = self._settings
        drip = Drip(self._clock(), settings.window_s, settings.silence_s)
        try:
            while chunk := await self._next(response, drip):
                now = self._clock()
                drip.take(len(chunk), now)
                self._meter.arrived(len(chunk), now)
                yield chunk
        except TimeoutError as error:
            self._reach.suspect(path)
            raise Broken(f"{path} only drips") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Broken(f"{path} broke off: {type(error).__name__}") from error

    async def _next(self, response: aiohttp.ClientResponse, drip: Drip) -> bytes:
        async with asyncio.timeout(drip.deadline_at - self._clock()):
            return await response.content.readany()

    async def _knock(self) -> None:
        async with asyncio.timeout(self._settings.knock_s):
            async with await self._get_head(KNOCK_PATH, {}) as response:
                await response.content.read(KNOCK_LIMIT_BYTES)  # and use the connection again

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the upstream is used outside its context")
        return self._session

    def _url(self, path: str) -> URL:
        return URL(f"{self._base}{path}", encoded=True)

    def _voucher(self) -> dict[str, str]:
        """Say that a box passes this on; whose it is stands last in X-Forwarded-For."""
        return {VOUCHER: self._identity().get("Authorization", "").partition(" ")[2]}
