"""Signed requests to S3: minio signs addresses, one aiohttp session carries the bytes.

An address of a read is signed once and kept for half its life. Signed addresses are credentials:
they never reach a log or an error. A request that got no answer, or one of the server's own
faults, is sent again while that is safe; every method used here may be repeated.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from minio import Minio
from yarl import URL

from catalog.store.answers import Refusal, refusal, tag
from catalog.store.port import StoreAway

log = logging.getLogger(__name__)

SIGNED_FOR = timedelta(hours=1)
KEPT_FOR_S = SIGNED_FOR.total_seconds() / 2
KEPT_ADDRESSES = 8192
TRIES = 3
WAIT_S = 0.1
ANSWER_LIMIT_BYTES = 1 << 20
READ_BUFFER_BYTES = 1 << 18
Body = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class WireSettings:
    """Limits of the connections to the store."""

    connections: int = 512
    connect_limit_s: float = 3.0
    silence_limit_s: float = 15.0


def make_session(settings: WireSettings) -> ClientSession:
    """Make the session; it must be made in the loop that uses it."""
    return ClientSession(
        connector=TCPConnector(limit=settings.connections, keepalive_timeout=30),
        timeout=ClientTimeout(
            total=None,
            connect=settings.silence_limit_s,
            sock_connect=settings.connect_limit_s,
            sock_read=settings.silence_limit_s,
        ),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=READ_BUFFER_BYTES,
        trust_env=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "tongbu"},
    )


class Wire:
    """Requests about objects of one bucket."""

    def __init__(self, client: Minio, session: ClientSession, bucket: str) -> None:
        self._client = client
        self._session = session
        self._bucket = bucket
        self._addresses: OrderedDict[str, tuple[float, URL]] = OrderedDict()

    @asynccontextmanager
    async def call(
        self,
        method: str,
        name: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> AsyncIterator[ClientResponse]:
        """Open an answer below 300, or 416. `body` makes the request's body for each try.

        Raises: StoreError.
        """
        response = await self._answered(method, name, query, headers, body)
        try:
            yield response
        finally:
            response.release()

    async def _answered(
        self,
        method: str,
        name: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: Body | None,
    ) -> ClientResponse:
        wait_s = WAIT_S
        for last in (*[False] * (TRIES - 1), True):
            outcome = await self._once(method, name, query, headers, body)
            if isinstance(outcome, ClientResponse):
                return outcome
            if last or not outcome.again:
                raise outcome.error
            log.warning("%s %s: %s; trying again", method, name, outcome.error)
            await asyncio.sleep(wait_s * random.uniform(1, 2))  # noqa: S311
            wait_s *= 2
        raise AssertionError("unreachable")

    async def _once(
        self,
        method: str,
        name: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: Body | None,
    ) -> ClientResponse | Refusal:
        address = self._address(name) if method == "GET" and not query else None
        address = address or self._sign(method, name, query)
        data = body() if body else None
        try:
            response = await self._session.request(
                method, address, data=data, headers=headers, allow_redirects=False
            )
        except TimeoutError:
            return Refusal(StoreAway("the S3 store does not answer in time"))
        except ClientConnectionError as error:
            return Refusal(StoreAway(f"the S3 store is not reached: {_plain(error)}"), again=True)
        except (ClientError, OSError) as error:
            return Refusal(StoreAway(f"the S3 store broke the exchange: {_plain(error)}"))
        if response.status < 300 or response.status == 416:
            return response
        return await self._refused(name, response)

    async def _refused(self, name: str, response: ClientResponse) -> Refusal:
        try:
            said = await response.content.read(ANSWER_LIMIT_BYTES)
        except (ClientError, TimeoutError, OSError):
            said = b""
        finally:
            response.release()
        return refusal(name, response.status, tag(said, "Code"), tag(said, "Message"))

    def _sign(self, method: str, name: str, query: Mapping[str, str] | None = None) -> URL:
        text = self._client.get_presigned_url(
            method, self._bucket, name, SIGNED_FOR, extra_query_params=dict(query or {})
        )
        return URL(text, encoded=True)

    def _address(self, name: str) -> URL:
        now = time.monotonic()
        kept = self._addresses.get(name)
        if kept and kept[0] > now:
            self._addresses.move_to_end(name)
            return kept[1]
        address = self._sign("GET", name)
        self._addresses[name] = (now + KEPT_FOR_S, address)
        self._addresses.move_to_end(name)
        if len(self._addresses) > KEPT_ADDRESSES:
            self._addresses.popitem(last=False)
        return address


def _plain(error: BaseException) -> str:
    """What an error of the connection says, without the signed address."""
    reason = getattr(error, "os_error", None) or error
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else ""
    return text or type(reason).__name__
