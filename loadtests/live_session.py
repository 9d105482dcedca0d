"""A session for the benches: a small city, one lesson that is open to all, booked by the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp

from loadtests.client import Client, Refused, signed_in
from loadtests.service import ADMIN_PASSWORD, Service

DURATION_S = 7200
AHEAD_S = 20
POLL_S = 0.2
LIVE_LIMIT_S = 30.0
RECORDED_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Booked:
    """A session that waits for its publisher; addresses are whole."""

    id: str
    rtmp: str
    hls: str
    stream: str
    room: str
    page: str


async def school_with_classroom(client: Client) -> str:
    """Found a school with one classroom and give the classroom's id."""
    district = await client.post("districts", {"name": "市南区"})
    school = await client.post(
        "schools", {"name": "海风小学", "district": district["id"], "setting": "urban"}
    )
    room = await client.post("classrooms", {"name": "智慧教室 1", "school": school["id"]})
    return str(room["id"])


async def book(
    client: Client, classroom: str, title: str, **more: str | bool | Sequence[str]
) -> Booked:
    """Book a lesson; unless said otherwise anybody may watch it."""
    starts = datetime.now(UTC) + timedelta(seconds=AHEAD_S)
    made = await client.post("sessions", {
        "title": title, "kind": "open_class", "main_classroom": classroom, "open_to_all": True,
        "starts_at": starts.isoformat(), "duration_s": DURATION_S, **more,
    })  # fmt: skip
    ws = client.url.replace("http://", "ws://")
    urls, rtmp = made["urls"], made["ingest"]["rtmp"]
    return Booked(
        made["id"], f"{rtmp['server']}/{rtmp['key']}", client.url + urls["hls"],
        ws + urls["stream"], ws + urls["room"], f"{client.url}/watch/{made['id']}",
    )  # fmt: skip


@asynccontextmanager
async def booked(service: Service, title: str) -> AsyncIterator[tuple[Client, Booked]]:
    """Sign in as the administrator and book one lesson."""
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        classroom = await school_with_classroom(client)
        yield client, await book(client, classroom, title)


async def until_state(
    client: Client, session: str, *states: str, limit_s: float = LIVE_LIMIT_S
) -> dict[str, Any]:
    """Poll until the session is in one of the states and give it."""
    give_up_at = time.monotonic() + limit_s
    while True:
        found: dict[str, Any] = await client.get(f"sessions/{session}")
        if found["state"] in states:
            return found
        if time.monotonic() > give_up_at:
            raise Refused(f"session is {found['state']}, not {states} after {limit_s:.0f} s")
        await asyncio.sleep(POLL_S)


async def recording(client: Client, session: str) -> dict[str, Any]:
    """End a session and give its recording's lesson when that is ready."""
    await client.post(f"sessions/{session}/end")
    return await lesson_of(client, session)


async def lesson_of(client: Client, session: str) -> dict[str, Any]:
    """Give the lesson of a session that has ended when it is ready."""
    found = await until_state(client, session, "recorded", limit_s=RECORDED_LIMIT_S)
    return await client.until(str(found["lesson"]), "ready", limit_s=RECORDED_LIMIT_S)


async def guests(service_url: str, session: str, count: int) -> list[dict[str, str]]:
    """Give the addresses that guests get who join second after second: their tokens differ."""
    found: list[dict[str, str]] = []
    async with aiohttp.ClientSession() as http:
        while len(found) < count:
            async with http.get(f"{service_url}/api/v1/sessions/{session}") as answer:
                urls = (await answer.json())["urls"]
            if not found or urls != found[-1]:
                found.append(urls)
            else:
                await asyncio.sleep(POLL_S)
    return found


def media_playlist(multivariant: str, name: str) -> str:
    """Give the address of one rendition's playlist: the token goes into the path."""
    parts = urlsplit(multivariant)
    token = parse_qs(parts.query)["token"][0]
    return urljoin(f"{parts.scheme}://{parts.netloc}{parts.path}", f"t/{token}/{name}.m3u8")
