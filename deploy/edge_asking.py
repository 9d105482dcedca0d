"""A box asks its origin something in JSON, and does not believe what no origin would answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import msgspec

from catalog.errors import TongbuError

ANSWER_LIMIT_S = 30.0
ANSWER_LIMIT_BYTES = 256 * 1024


class IdentityError(TongbuError):
    """The box cannot say who it is; the message says what to do."""


class Refused(IdentityError):
    """The origin answered, and said no, with this status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"the origin refuses ({status}): {detail}")
        self.status = status


async def ask(
    client: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Any,
    headers: Mapping[str, str],
    hear: Callable[[Mapping[str, str]], None],
) -> Any:
    """Send JSON and give what comes; `hear` gets the answer's head. Raises: IdentityError."""
    limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
    try:
        async with client.request(
            method, url, json=body, headers=headers, timeout=limit, allow_redirects=False
        ) as response:
            hear(response.headers)
            raw, status = await _bytes_of(response), response.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise IdentityError(
            f"{url} does not answer ({str(error) or type(error).__name__}): "
            "look at the line and at --origin"
        ) from error
    found = _json(raw, url)
    if status != 200:
        raise Refused(status, str(found.get("detail", "")) if isinstance(found, dict) else "")
    return found


async def _bytes_of(response: aiohttp.ClientResponse) -> bytes:
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > ANSWER_LIMIT_BYTES:
            break
    return bytes(raw)


def _json(raw: bytes, url: str) -> Any:
    try:
        if len(raw) <= ANSWER_LIMIT_BYTES:
            return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise IdentityError(f"{url} is not Tongbu's origin: look at --origin")
