"""A small client of Tongbu's public surface: sign in, upload by tus, watch a lesson's state."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiofiles
import aiofiles.os
import aiohttp

READ_BYTES = 1 << 20
POLL_S = 0.05


class Refused(Exception):
    """The service answered with an error."""


@dataclass(frozen=True, slots=True)
class Client:
    """A signed-in session."""

    http: aiohttp.ClientSession
    url: str

    async def get(self, path: str, **query: str) -> Any:
        """GET a JSON answer of the API."""
        return await self._json("GET", path, params=query)

    async def post(self, path: str, body: Any = None) -> Any:
        """POST JSON to the API."""
        return await self._json("POST", path, json=body)

    async def _json(self, method: str, path: str, **how: Any) -> Any:
        async with self.http.request(method, f"{self.url}/api/v1/{path}", **how) as answer:
            if answer.status >= 400:
                raise Refused(f"{method} {path}: {answer.status} {await answer.text()}")
            return None if answer.status == 204 else await answer.json()

    async def upload(self, path: Path, metadata: Mapping[str, str]) -> str:
        """Upload a file in one PATCH and give the lesson's id."""
        size = await aiofiles.os.path.getsize(path)
        location = await self.create_upload(size, {"filename": path.name, **metadata})
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(size),
        }
        body = _chunks(path)
        async with self.http.patch(location, data=body, headers=headers) as answer:
            if answer.status != 204:
                raise Refused(f"PATCH: {answer.status} {await answer.text()}")
            return answer.headers["Tongbu-Lesson"]

    async def create_upload(self, size: int, metadata: Mapping[str, str]) -> str:
        """Create a tus upload and give its absolute address."""
        encoded = ",".join(
            f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in metadata.items()
        )
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(size),
            "Upload-Metadata": encoded,
        }
        async with self.http.post(f"{self.url}/api/v1/uploads", headers=headers) as answer:
            if answer.status != 201:
                raise Refused(f"POST uploads: {answer.status} {await answer.text()}")
            location = answer.headers["Location"]
        return location if location.startswith("http") else self.url + location

    async def until(self, lesson: str, *states: str, limit_s: float) -> dict[str, Any]:
        """Poll until the lesson is in one of the states (or failed) and give it."""
        give_up_at = time.monotonic() + limit_s
        while time.monotonic() < give_up_at:
            found: dict[str, Any] = await self.get(f"lessons/{lesson}")
            if found["state"] in (*states, "failed"):
                return found
            await asyncio.sleep(POLL_S)
        raise Refused(f"lesson {lesson} is not {' or '.join(states)} after {limit_s:.0f} s")


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    async with aiofiles.open(path, "rb") as file:
        while chunk := await file.read(READ_BYTES):
            yield chunk


async def token_of(http: aiohttp.ClientSession, url: str, username: str, password: str) -> str:
    """Sign in and give the bearer token. Raises: Refused."""
    body = {"username": username, "password": password}
    async with http.post(f"{url}/api/v1/login", json=body) as answer:
        if answer.status != 200:
            raise Refused(f"login: {answer.status} {await answer.text()}")
        return str((await answer.json())["token"])


@asynccontextmanager
async def signed_in(url: str, username: str, password: str) -> AsyncIterator[Client]:
    """Open a session with a bearer token."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
    async with aiohttp.ClientSession(timeout=timeout) as anonymous:
        token = await token_of(anonymous, url, username, password)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as http:
        yield Client(http, url)
