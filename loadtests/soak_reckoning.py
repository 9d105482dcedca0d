"""The end of a soak: readers who read all of the lessons' last seconds, and what is left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from loadtests.client import Refused
from loadtests.live_session import lesson_of, recording
from loadtests.service_processes import Role
from loadtests.soak_books import (
    Book,
    Found,
    Ledger,
    Reckoning,
    bytes_sent,
    catalogue,
    reckoned,
    recorded,
    reports,
    segments,
)
from loadtests.soak_crowd import Crowd
from loadtests.soak_environment import Environment
from loadtests.soak_figures import NOTHING, Figures
from loadtests.soak_profile import Manner, Profile
from loadtests.soak_streams import StreamViewer
from loadtests.soak_viewers import HlsViewer

READERS = 4
READ_S = 8.0
READ_LIMIT_S = 60.0
READY_LIMIT_S = 240.0
OUTBOX_LIMIT_S = 60.0
POLL_S = 0.5
SENT = "tongbu_live_sent_bytes_total"
FOR_EVER_S = 3600.0


async def reckon(environment: Environment) -> tuple[Reckoning, int]:
    """Read the lessons on air to their ends; give what was read and sent, and all recordings."""
    before = await environment.figures(Role.ORIGIN)
    apart, sessions = Ledger(), f"{environment.service.url}/api/v1/sessions"
    readers = [
        kind(profile, apart, lambda: False)
        for lesson in environment.lessons
        for kind in (HlsViewer, StreamViewer)
        for profile in [
            Profile(f"{sessions}/{lesson.booked.id}", FOR_EVER_S, Manner.WHOLE, at_origin=False)
        ]
        * READERS
    ]
    async with asyncio.timeout(READ_LIMIT_S + READY_LIMIT_S), asyncio.TaskGroup() as group:
        for reader in readers:
            group.create_task(reader.run())
        await asyncio.sleep(READ_S)
        client = environment.client
        ended = [group.create_task(recording(client, one.booked.id)) for one in environment.lessons]
        ended += [group.create_task(lesson_of(client, one.booked.id)) for one in environment.past]
    after = await environment.figures(Role.ORIGIN)
    read = {
        kind: sum(one.read_bytes for one in readers if isinstance(one, kind))
        for kind in (HlsViewer, StreamViewer)
    }
    hls, ws = (after.sum(SENT, delivery=d) - before.sum(SENT, delivery=d) for d in ("hls", "ws"))
    ready = sum(one.result()["state"] == "ready" for one in ended)
    return Reckoning(read[HlsViewer], hls, read[StreamViewer], ws), ready


async def outbox_emptied(environment: Environment) -> None:
    """Wait until the box has passed on all reports. Raises: Refused."""
    give_up_at = time.monotonic() + OUTBOX_LIMIT_S
    while (await environment.figures(Role.BOX)).sum("tongbu_edge_reports_waiting"):
        if time.monotonic() > give_up_at:
            raise Refused(f"the box still has reports after {OUTBOX_LIMIT_S:.0f} s")
        await asyncio.sleep(POLL_S)


async def find(environment: Environment, crowd: Crowd, recordings: int) -> Found:
    """Ask the API what became of uploads and people."""
    ready = 0
    for upload in crowd.uploading.lessons:
        found = await environment.client.until(upload, "ready", limit_s=READY_LIMIT_S)
        ready += found["state"] == "ready"
    people = hands = 0
    for lesson in (*environment.past, *environment.lessons):
        attendance = await environment.client.get(f"sessions/{lesson.booked.id}/attendance")
        people += attendance["guests"]
        hands += attendance["counts"]["hands"]
    return Found(ready, recordings, people, hands)


async def all_books(environment: Environment, crowd: Crowd, ledger: Ledger) -> list[Book]:
    """End the lessons and make up all books."""
    quiet = await environment.figures(Role.ORIGIN)
    box = await environment.figures(Role.BOX)
    reckoning, recordings = await reckon(environment)
    await outbox_emptied(environment)
    found = await find(environment, crowd, recordings)
    origin = await environment.figures(Role.ORIGIN)
    return list(_books(environment, ledger, reckoning, found, (quiet, box, origin)))


def _books(
    environment: Environment,
    ledger: Ledger,
    reckoning: Reckoning,
    found: Found,
    told: tuple[Figures, Figures, Figures],
) -> Iterator[Book]:
    quiet, box, origin = told
    yield from segments("on air", quiet)
    yield from segments("in the box", box)
    yield from segments("at the end", origin)
    yield from recorded(origin)
    yield from bytes_sent(ledger, NOTHING, quiet)
    yield from reckoned(reckoning)
    yield from reports(ledger, origin)
    lessons = len(environment.past) + len(environment.lessons)
    yield from catalogue(ledger, found, lessons, origin)
